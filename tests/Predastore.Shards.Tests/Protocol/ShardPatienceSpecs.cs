using Microsoft.Extensions.Time.Testing;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;
using Predastore.Shards.Tests.Transport;
using Predastore.Shards.Transport;
using Xunit;

namespace Predastore.Shards.Tests.Protocol;

/// <summary>How long client and server wait for each other, over every kind of transport.</summary>
public sealed class ShardPatienceSpecs
{
    // More than a writer gathers before it sends.
    private const int GatheredBytes = 8 * ProtocolLimits.DataFrameBytes;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static TheoryData<TransportKind> Kinds => TransportHarness.Kinds;

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Stalled_peer_should_be_given_up_at_the_idle_limit(TransportKind kind)
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ShardCluster cluster = new(kind, new TransportOptions { StreamIdle = TimeSpan.FromMilliseconds(300) });
        cluster.Service.OnBegin = _ => gate.Task;
        await using ShardUpload upload = await cluster.Client.PutShardAsync(cluster.Peer, ShardCluster.NewPut(new Random(1)));
        var error = await Assert.ThrowsAsync<TransportException>(() => upload.WaitAcceptedAsync().AsTask().WaitAsync(Patience));
        Assert.True(error.Stalled);
        gate.SetResult();
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Upload_may_take_longer_than_the_idle_limit(TransportKind kind)
    {
        var time = new FakeTimeProvider();
        await using ShardCluster cluster = new(kind, new TransportOptions { Time = time });
        SemaphoreSlim arrived = CountWrites(cluster);
        await using ShardUpload upload = await cluster.Client.PutShardAsync(cluster.Peer, ShardCluster.NewPut(new Random(1)));
        for (int i = 0; i < 4; i++)
        {
            await upload.WriteAsync(new byte[GatheredBytes]);
            Assert.True(await arrived.WaitAsync(Patience));
            time.Advance(new TransportOptions().StreamIdle * 0.6);
        }

        await upload.CommitAsync(1).AsTask().WaitAsync(Patience);
        Assert.Equal(1, cluster.Service.Count);
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Upload_may_wait_for_its_bytes_longer_than_the_idle_limit(TransportKind kind)
    {
        var time = new FakeTimeProvider();
        await using ShardCluster cluster = new(kind, new TransportOptions { Time = time });
        SemaphoreSlim arrived = CountWrites(cluster);
        await using ShardUpload upload = await cluster.Client.PutShardAsync(cluster.Peer, ShardCluster.NewPut(new Random(1)));
        await upload.WaitAcceptedAsync().AsTask().WaitAsync(Patience);

        // With bytes at its sink the server has written its acceptance: the one thing left that it waits for is the rest.
        await upload.WriteAsync(new byte[GatheredBytes]);
        Assert.True(await arrived.WaitAsync(Patience));
        time.Advance(new TransportOptions().StreamIdle * 3);
        await upload.WriteAsync(new byte[1000]);
        await upload.CommitAsync(1).AsTask().WaitAsync(Patience);
        Assert.Equal(1, cluster.Service.Count);
    }

    private static SemaphoreSlim CountWrites(ShardCluster cluster)
    {
        var arrived = new SemaphoreSlim(0);
        cluster.Service.OnWrite = _ =>
        {
            arrived.Release();
            return Task.CompletedTask;
        };
        return arrived;
    }
}
