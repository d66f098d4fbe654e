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
        var arrived = new SemaphoreSlim(0);
        cluster.Service.OnWrite = _ =>
        {
            arrived.Release();
            return Task.CompletedTask;
        };
        PutShardRequest put = ShardCluster.NewPut(new Random(1));
        await using ShardUpload upload = await cluster.Client.PutShardAsync(cluster.Peer, put);
        for (int i = 0; i < 4; i++)
        {
            // More than a writer gathers before it sends.
            await upload.WriteAsync(new byte[8 * ProtocolLimits.DataFrameBytes]);
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
        await using ShardUpload upload = await cluster.Client.PutShardAsync(cluster.Peer, ShardCluster.NewPut(new Random(1)));
        await upload.WaitAcceptedAsync().AsTask().WaitAsync(Patience);
        time.Advance(new TransportOptions().StreamIdle * 3);
        await upload.WriteAsync(new byte[1000]);
        await upload.CommitAsync(1).AsTask().WaitAsync(Patience);
        Assert.Equal(1, cluster.Service.Count);
    }
}
