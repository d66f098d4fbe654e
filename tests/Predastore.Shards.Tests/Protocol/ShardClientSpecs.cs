using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;
using Predastore.Shards.Tests.Transport;
using Predastore.Shards.Transport;
using Xunit;

namespace Predastore.Shards.Tests.Protocol;

/// <summary>Client and server over every kind of transport.</summary>
public sealed class ShardClientSpecs
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static TheoryData<TransportKind> Kinds => TransportHarness.Kinds;

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Shard_should_come_back_as_it_was_stored(TransportKind kind)
    {
        await using ShardCluster cluster = new(kind);
        var random = new Random(17);
        foreach (int size in new[] { 0, 1, 8240, 65_520, 65_536, 262_144, 262_145, 3_000_000 })
        {
            byte[] bytes = new byte[size];
            random.NextBytes(bytes);
            PutShardRequest put = ShardCluster.NewPut(random);
            await using (ShardUpload upload = await cluster.Client.PutShardAsync(cluster.Peer, put))
            {
                for (int at = 0; at < size; at += 100_000) await upload.WriteAsync(bytes.AsMemory(at, Math.Min(100_000, size - at)));
                await upload.CommitAsync(42);
                Assert.Equal(kind, upload.Transport);
            }
            await using ShardDownload? whole =
                await cluster.Client.GetShardAsync(cluster.Peer, new(put.ObjectHash, put.ShardIndex, 1, 0, GetShardRequest.ToEnd));
            Assert.NotNull(whole);
            Assert.Equal((size, size, put.AttemptId), (whole.Length, whole.ShardLength, whole.AttemptId));
            Assert.Equal(bytes, await ReadAsync(whole));
            if (size < 2) continue;
            await using ShardDownload? part =
                await cluster.Client.GetShardAsync(cluster.Peer, new(put.ObjectHash, put.ShardIndex, 1, size / 2, size));
            Assert.Equal(bytes[(size / 2)..], await ReadAsync(part!));
        }
        Assert.All(cluster.Service.Peers, p => Assert.Equal((2u, kind), (p.Node, p.Kind)));
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Missing_shard_should_be_null_and_a_bad_range_an_error(TransportKind kind)
    {
        await using ShardCluster cluster = new(kind);
        PutShardRequest put = await cluster.StoreAsync(1, 1000);
        Assert.Null(await cluster.Client.GetShardAsync(cluster.Peer, new(ObjectHash.Last, 0, 1, 0, 10)));
        await using (ShardDownload? end = await cluster.Client.GetShardAsync(cluster.Peer, new(put.ObjectHash, put.ShardIndex, 1, 1000, 5)))
            Assert.Equal(0, end!.Length);
        var error = await Assert.ThrowsAsync<ShardException>(
            async () => await cluster.Client.GetShardAsync(cluster.Peer, new(put.ObjectHash, put.ShardIndex, 1, 1001, 5)));
        Assert.Equal(ShardError.Malformed, error.Error);
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Upload_that_is_disposed_should_be_aborted_at_the_server(TransportKind kind)
    {
        await using ShardCluster cluster = new(kind);
        await using (ShardUpload upload = await cluster.Client.PutShardAsync(cluster.Peer, ShardCluster.NewPut(new Random(1))))
            await upload.WriteAsync(new byte[200_000]);
        await cluster.Service.FirstAbort.Task.WaitAsync(Patience);
        Assert.Equal(0, cluster.Service.Count);
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Client_that_vanishes_should_abort_its_upload(TransportKind kind)
    {
        await using ShardCluster cluster = new(kind);
        ITransportStream raw = await cluster.Harness.Transport.OpenAsync(cluster.Peer, default);
        using (var writer = new FrameWriter(raw))
        {
            await writer.WriteAsync(FrameType.PutShard, Wire.Encode(ShardCluster.NewPut(new Random(1))), false, default);
            await writer.WriteAsync(FrameType.Data, new byte[100_000], false, default);
            await writer.FlushAsync(default);
            using var reader = new FrameReader(raw);
            Assert.Equal(FrameType.Accepted, (await reader.NextAsync(default)).Type);
        }
        await raw.DisposeAsync();
        await cluster.Service.FirstAbort.Task.WaitAsync(Patience);
        Assert.Equal(0, cluster.Service.Count);
        await cluster.Client.PingAsync(cluster.Peer);
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Refusal_should_reach_the_writer_with_its_reason(TransportKind kind)
    {
        await using ShardCluster cluster = new(kind);
        cluster.Service.OnBegin = _ => throw new ShardException(ShardError.Full, "the disk is full");
        for (int i = 0; i < 3; i++)
        {
            await using ShardUpload upload = await cluster.Client.PutShardAsync(cluster.Peer, ShardCluster.NewPut(new Random(1)));
            var error = await Assert.ThrowsAsync<ShardException>(async () =>
            {
                // As much as the server takes in after its refusal: beyond that it hangs up, and TCP may lose what it said.
                for (int left = ProtocolLimits.DrainBytesMax - (1 << 20); left > 0; left -= 100_000) await upload.WriteAsync(new byte[100_000]);
                await upload.CommitAsync(0);
            });
            Assert.Equal((ShardError.Full, "the disk is full"), (error.Error, error.Message));
        }
        await cluster.Client.PingAsync(cluster.Peer);
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Refusal_should_be_seen_before_anything_is_written(TransportKind kind)
    {
        await using ShardCluster cluster = new(kind);
        await using (ShardUpload good = await cluster.Client.PutShardAsync(cluster.Peer, ShardCluster.NewPut(new Random(1))))
            await good.WaitAcceptedAsync().AsTask().WaitAsync(Patience);
        cluster.Service.OnBegin = _ => throw new ShardException(ShardError.WrongStorage, "not mine");
        await using ShardUpload bad = await cluster.Client.PutShardAsync(cluster.Peer, ShardCluster.NewPut(new Random(2)));
        var error = await Assert.ThrowsAsync<ShardException>(() => bad.WaitAcceptedAsync().AsTask().WaitAsync(Patience));
        Assert.Equal(ShardError.WrongStorage, error.Error);
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Unexpected_failure_should_be_told_without_its_text(TransportKind kind)
    {
        await using ShardCluster cluster = new(kind);
        cluster.Service.OnWrite = _ => throw new IOException("/secret/path is broken");
        await using ShardUpload upload = await cluster.Client.PutShardAsync(cluster.Peer, ShardCluster.NewPut(new Random(1)));
        var error = await Assert.ThrowsAsync<ShardException>(async () =>
        {
            await upload.WriteAsync(new byte[100]);
            await upload.CommitAsync(0);
        });
        Assert.Equal(ShardError.Failed, error.Error);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Read_that_fails_on_the_way_should_be_an_error_and_not_an_end(TransportKind kind)
    {
        await using ShardCluster cluster = new(kind);
        PutShardRequest put = await cluster.StoreAsync(1, 2_000_000);
        cluster.Service.OnRead = at => at > 1_000_000 ? throw new IOException("bad sector") : Task.CompletedTask;
        await using ShardDownload? download =
            await cluster.Client.GetShardAsync(cluster.Peer, new(put.ObjectHash, put.ShardIndex, 1, 0, GetShardRequest.ToEnd));
        var error = await Assert.ThrowsAsync<ShardException>(() => ReadAsync(download!));
        Assert.Equal(ShardError.Failed, error.Error);
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Batches_should_be_answered_in_order(TransportKind kind)
    {
        await using ShardCluster cluster = new(kind);
        var stored = new List<PutShardRequest>();
        for (int i = 0; i < 5; i++) stored.Add(await cluster.StoreAsync(i, 100 + i));
        ShardKey missing = new(ObjectHash.Last, 0);

        ShardRow?[] stats = await cluster.Client.StatAsync(cluster.Peer, new(1, [stored[0].Key, missing, stored[4].Key]));
        Assert.Equal([100L, null, 104L], stats.Select(s => s?.Length));
        Assert.Equal(stored[0].AttemptId, stats[0]!.Value.AttemptId);

        var listed = new List<ShardKey>();
        ReadOnlyMemory<byte> cursor = default;
        do
        {
            ShardPage page = await cluster.Client.ListAsync(cluster.Peer, new(1, ObjectHash.First, ObjectHash.Last, cursor, 2));
            listed.AddRange(page.Rows.Select(r => r.Key));
            cursor = page.Next;
        }
        while (cursor.Length > 0);
        Assert.Equal(stored.Select(p => p.Key).OrderBy(k => k.ObjectHash), listed);

        DeleteOutcome[] outcomes = await cluster.Client.DeleteAsync(
            cluster.Peer, new(1, [new(missing, null), new(stored[1].Key, stored[1].AttemptId)]));
        Assert.Equal([DeleteOutcome.NotFound, DeleteOutcome.Deleted], outcomes);
        Assert.Equal(4, cluster.Service.Count);
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Message_should_be_answered(TransportKind kind)
    {
        await using ShardCluster cluster = new(kind);
        foreach (int size in new[] { 0, 1, 40_000, 5_000_000 })
        {
            byte[] payload = new byte[size];
            new Random(size).NextBytes(payload);
            Assert.Equal(payload, (await cluster.Client.SendMessageAsync(cluster.Peer, 7, payload)).ToArray());
        }
        var error = await Assert.ThrowsAsync<ShardException>(async () => await cluster.Client.SendMessageAsync(cluster.Peer, 404, new byte[10]));
        Assert.Equal(ShardError.Unsupported, error.Error);
        await cluster.Client.PingAsync(cluster.Peer);
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Message_that_is_not_completed_should_fail_at_the_handler(TransportKind kind)
    {
        await using ShardCluster cluster = new(kind);
        var seen = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Service.OnMessage = async (_, input, output) =>
        {
            await output.WriteAsync("begin"u8.ToArray());
            await output.FlushAsync();
            try
            {
                await input.CopyToAsync(Stream.Null);
                seen.TrySetResult(null);
            }
            catch (Exception e)
            {
                seen.TrySetResult(e);
                throw;
            }
        };
        await using (MessageExchange message = await cluster.Client.OpenMessageAsync(cluster.Peer, 1))
        {
            await message.Output.WriteAsync(new byte[100_000]);
            await message.Output.FlushAsync();
            // The reply flows while the message does.
            byte[] begin = new byte[5];
            await (await message.ReplyAsync()).ReadExactlyAsync(begin);
            Assert.Equal("begin"u8.ToArray(), begin);
        }
        Assert.IsType<IOException>(await seen.Task.WaitAsync(Patience), exactMatch: false);
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Handler_that_ignores_its_input_should_still_answer(TransportKind kind)
    {
        await using ShardCluster cluster = new(kind);
        cluster.Service.OnMessage = (_, _, output) => output.WriteAsync("no"u8.ToArray()).AsTask();
        for (int i = 0; i < 3; i++)
            Assert.Equal("no"u8.ToArray(), (await cluster.Client.SendMessageAsync(cluster.Peer, 1, new byte[50_000])).ToArray());
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Writer_should_wait_while_the_sink_does(TransportKind kind)
    {
        await using ShardCluster cluster = new(kind);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Service.OnWrite = _ => gate.Task;
        await using ShardUpload upload = await cluster.Client.PutShardAsync(cluster.Peer, ShardCluster.NewPut(new Random(1)));
        Task writing = Task.Run(async () =>
        {
            for (int i = 0; i < 640; i++) await upload.WriteAsync(new byte[100_000]);
        });
        // What fits into windows and socket buffers is taken; 64 MB do not.
        Assert.NotSame(writing, await Task.WhenAny(writing, Task.Delay(500)));
        Assert.InRange(upload.Written, 1, 32 << 20);
        gate.SetResult();
        await writing.WaitAsync(Patience);
        await upload.CommitAsync(1);
        Assert.Equal(1, cluster.Service.Count);
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Cancelled_call_should_end_and_leave_the_peer_serving(TransportKind kind)
    {
        await using ShardCluster cluster = new(kind);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Service.OnMessage = (_, _, _) => gate.Task;
        using var cancel = new CancellationTokenSource(100);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => cluster.Client.SendMessageAsync(cluster.Peer, 1, new byte[10], cancel.Token).AsTask().WaitAsync(Patience));
        gate.SetResult();
        await cluster.Client.PingAsync(cluster.Peer);
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Many_exchanges_should_run_at_once(TransportKind kind)
    {
        await using ShardCluster cluster = new(kind);
        PutShardRequest[] puts = await Task.WhenAll(Enumerable.Range(0, 64).Select(i => Task.Run(() => cluster.StoreAsync(i, 200_000 + i))));
        Assert.Equal(64, cluster.Service.Count);
        await Task.WhenAll(puts.Select((put, i) => Task.Run(async () =>
        {
            await using ShardDownload? download =
                await cluster.Client.GetShardAsync(cluster.Peer, new(put.ObjectHash, put.ShardIndex, 1, 0, GetShardRequest.ToEnd));
            Assert.Equal(ShardCluster.Bytes(i, 200_000 + i), await ReadAsync(download!));
        })));
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Too_many_exchanges_should_be_answered_busy(TransportKind kind)
    {
        await using ShardCluster cluster = new(kind, server: new ShardServerOptions { ExchangesMax = 1 });
        await using ShardUpload upload = await cluster.Client.PutShardAsync(cluster.Peer, ShardCluster.NewPut(new Random(1)));
        await upload.WaitAcceptedAsync();
        var error = await Assert.ThrowsAsync<ShardException>(async () => await cluster.Client.PingAsync(cluster.Peer));
        Assert.Equal(ShardError.Busy, error.Error);
        await upload.CommitAsync(0);
    }

    private static async Task<byte[]> ReadAsync(ShardDownload download)
    {
        byte[] bytes = new byte[download.Length];
        await download.ReadExactlyAsync(bytes);
        Assert.Equal(0, await download.ReadAsync(new byte[1]));
        return bytes;
    }
}
