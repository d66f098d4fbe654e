using System.IO.Pipelines;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Actors.Streams;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;
using Predastore.Shards;

namespace Predastore.Actors.Tests.Streams;

/// <summary>What is under way when an upload or a read is torn down: nothing may use a buffer or an output afterwards.</summary>
public sealed class TornStreamSpecs
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Upload_that_lost_its_quorum_should_not_end_before_the_read_of_its_body()
    {
        await using var fixture = new StreamFixture(2, 1, 3);
        fixture.Shards.FailAfterBytes[3] = 100;
        var body = new StallingBody(600_000);
        StoreException error = await Assert.ThrowsAsync<StoreException>(
            () => fixture.Uploader.UploadAsync(fixture.Bucket, body, -1, CancellationToken.None).WaitAsync(Patience));
        Assert.Equal(StoreFailure.Unavailable, error.Failure);
        Assert.True(body.Stalled);
        Assert.Equal(0, body.Pending);
    }

    [Fact]
    public async Task Upload_that_is_cancelled_while_it_opens_should_close_what_was_opened()
    {
        await using var fixture = new StreamFixture(3, 2, 5);
        fixture.Shards.Frozen[5] = true;
        using var cancel = new CancellationTokenSource();
        Task<StagedShards> upload = fixture.Uploader.UploadAsync(
            fixture.Bucket, new MemoryStream(StreamFixture.Bytes(100_000, 1)), -1, cancel.Token);
        await UntilAsync(() => fixture.Shards.OpenSinks == 4);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => upload.WaitAsync(Patience));
        Assert.Equal(0, fixture.Shards.OpenSinks);
        Assert.Equal(2u, fixture.Session.Low);
    }

    [Fact]
    public async Task Read_that_is_cut_should_not_end_before_its_write()
    {
        await using var fixture = new StreamFixture(2, 1, 3);
        byte[] body = StreamFixture.Bytes(3_000_000, 2);
        await using StagedShards staged = await fixture.UploadAsync(body);
        staged.HandOver();
        await using ObjectReader reader = fixture.Open(staged.Row);
        await reader.StartAsync(0, body.Length, CancellationToken.None);
        var output = new SlowWriter(stallAt: 2);
        using var cancel = new CancellationTokenSource();
        Task copy = reader.CopyToAsync(output, cancel.Token);
        await output.Stalled.Task.WaitAsync(Patience);
        await cancel.CancelAsync();
        await Task.WhenAny(copy, Task.Delay(300));
        Assert.False(copy.IsCompleted);
        output.Release.SetResult();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => copy.WaitAsync(Patience));
    }

    [Fact]
    public async Task Read_should_follow_shards_that_were_moved_since_it_began()
    {
        await using var fixture = new StreamFixture(2, 1, 6);
        byte[] body = StreamFixture.Bytes(1_300_000, 3);
        await using StagedShards staged = await fixture.UploadAsync(body);
        staged.HandOver();
        DataRow moved = staged.Row.Clone();
        moved.Generation++;
        uint[] free = [.. Enumerable.Range(1, 6).Select(id => (uint)id).Except(moved.Placement)];
        for (int shard = 0; shard < 3; shard++)
        {
            fixture.Shards.Move(new ShardKey(new ObjectHash(moved.ObjectHash.Span), (uint)shard), moved.Placement[shard], free[shard]);
            moved.Placement[shard] = free[shard];
        }

        fixture.Metadata.OnQuery = query => Task.FromResult(
            new QueryResult { Data = query.GetData.DataId == moved.DataId ? moved : null });
        Assert.Equal(body, await fixture.ReadAsync(staged.Row, 0, body.Length));
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!holds())
            await Task.Delay(5, limit.Token);
    }

    /// <summary>A response whose n-th flush ignores cancellation until it is released.</summary>
    private sealed class SlowWriter(int stallAt) : PipeWriter
    {
        private readonly byte[] _room = new byte[1 << 20];
        private int _flushes;

        public TaskCompletionSource Stalled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Release { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override void Advance(int bytes)
        {
        }

        public override Memory<byte> GetMemory(int sizeHint = 0) => _room;

        public override Span<byte> GetSpan(int sizeHint = 0) => _room;

        public override void CancelPendingFlush()
        {
        }

        public override void Complete(Exception? exception = null)
        {
        }

        public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        {
            if (++_flushes == stallAt)
            {
                Stalled.SetResult();
                await Release.Task;
            }

            return new FlushResult(isCanceled: false, isCompleted: false);
        }
    }
}
