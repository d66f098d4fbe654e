using Microsoft.Extensions.Time.Testing;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Actors.Streams;
using Predastore.Actors.Tests.Client;
using Predastore.Shards.Crypto;
using Predastore.Shards.Striping;

namespace Predastore.Actors.Tests.Streams;

public sealed class ShardRaceSpecs
{
    private const int Cell = StripeLayout.CellBytes;

    [Fact]
    public async Task Shard_whose_first_read_ends_after_its_second_should_count_once()
    {
        await using var fixture = new StreamFixture(3, 1, 4);
        byte[] body = StreamFixture.Bytes(3 * Cell, 1);
        await using StagedShards staged = await fixture.UploadAsync(body);
        staged.HandOver();
        DataRow row = staged.Row;

        // The first two are continued where they are set: whoever waits for them has seen the one before the other comes.
        var second = new TaskCompletionSource();
        var first = new TaskCompletionSource();
        var parity = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        fixture.Shards.Down[row.Placement[1]] = true;
        fixture.Shards.OnRead = (storage, read) => storage == row.Placement[0]
            ? read == 1 ? first.Task : second.Task
            : storage == row.Placement[3] ? parity.Task : Task.CompletedTask;
        using var reader = new DataReader(
            fixture.Shards, row, fixture.Keys.Unwrap(fixture.Bucket, row.Keys), fixture.Hedge, static _ => { });

        // One fragment of the first shard is wanted, two of the others: to compute, it is read again for two.
        var whole = new IndexRange(0, 2);
        Task<Dictionary<int, ShardRun>> race = Task.Run(() => reader.ReadShardsAsync(
            new Dictionary<int, IndexRange> { [0] = new(0, 1), [1] = whole, [2] = whole }, CancellationToken.None));
        await ScriptedMetadata.UntilAsync(
            () => fixture.Shards.Reads.GetValueOrDefault(row.Placement[0]) == 2 && fixture.Shards.Reads.ContainsKey(row.Placement[3]));
        await Task.Run(second.SetResult);
        await Task.Run(first.SetResult);
        parity.SetResult();

        Dictionary<int, ShardRun> runs = await race.WaitAsync(TimeSpan.FromSeconds(20));
        foreach (int shard in new[] { 0, 1, 2 })
        {
            Assert.Equal(
                body.AsSpan(shard * Cell, 2 * FragmentLayout.BodyBytesMax),
                runs[shard].Slice(whole, reader.Layout.ShardBytes).Span);
            runs[shard].Dispose();
        }
    }

    [Fact]
    public async Task Both_late_reads_of_a_shard_should_be_cut()
    {
        var time = new FakeTimeProvider();
        await using var fixture = new StreamFixture(2, 1, 3) { Hedge = new HedgeDelay(time) };
        await using StagedShards staged = await fixture.UploadAsync(StreamFixture.Bytes(2 * Cell, 3));
        staged.HandOver();
        DataRow row = staged.Row;

        // Continued where it is set: when the first of the two has ended, everybody knows.
        var first = new TaskCompletionSource();
        var second = new TaskCompletionSource();
        var others = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        fixture.Shards.OnRead = (storage, read) => storage != row.Placement[0] ? others.Task : read == 1 ? first.Task : second.Task;
        using var reader = new DataReader(
            fixture.Shards, row, fixture.Keys.Unwrap(fixture.Bucket, row.Keys), fixture.Hedge, static _ => { });
        Task<Dictionary<int, ShardRun>> race = Task.Run(() => reader.ReadShardsAsync(
            new Dictionary<int, IndexRange> { [0] = new(0, 1), [1] = new(0, 2) }, CancellationToken.None));
        await ScriptedMetadata.UntilAsync(() =>
        {
            time.Advance(HedgeDelay.Max);
            return fixture.Shards.Reads.GetValueOrDefault(row.Placement[0]) == 2 && fixture.Shards.Reads.ContainsKey(row.Placement[2]);
        });
        others.SetResult();
        foreach (ShardRun run in (await race.WaitAsync(TimeSpan.FromSeconds(20))).Values)
            run.Dispose();
        Assert.Equal(2, fixture.Shards.OpenReads);

        await Task.Run(first.SetResult);
        await ScriptedMetadata.UntilAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return fixture.Shards.OpenReads == 0;
        });
    }

    [Fact]
    public async Task Read_without_places_should_be_busy_and_not_damaged()
    {
        await using var fixture = new StreamFixture(2, 1, 3);
        await using StagedShards staged = await fixture.UploadAsync(StreamFixture.Bytes(100_000, 2));
        staged.HandOver();
        fixture.Shards.Busy[1] = fixture.Shards.Busy[2] = true;
        StoreException error = await Assert.ThrowsAsync<StoreException>(() => fixture.ReadAsync(staged.Row, 0, 100_000));
        Assert.Equal(StoreFailure.Busy, error.Failure);
    }
}
