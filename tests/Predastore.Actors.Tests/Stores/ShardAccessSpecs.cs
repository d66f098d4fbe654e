using Predastore.Actors.Stores;
using Predastore.Actors.Tests.Hosting;
using Predastore.Actors.Topology;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;
using Predastore.Shards.Transport;

namespace Predastore.Actors.Tests.Stores;

public sealed class ShardAccessSpecs : IAsyncDisposable
{
    private readonly LoopbackCluster _cluster = new(3);
    private readonly NodeTopology _topology;

    public ShardAccessSpecs()
    {
        _topology = new NodeTopology(_cluster.Settings(1), TimeProvider.System);
        _topology.Update(_cluster.Nodes.Keys.Select(
            node => _topology.Absent(node) with { Up = true, Reachable = true, Uid = (int)node }));
    }

    public async ValueTask DisposeAsync() => await _cluster.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Only_a_broken_way_should_make_a_node_suspect_and_not_want_of_places(bool busy)
    {
        await using var transport = new FailingTransport(busy);
        var access = new ShardAccess(
            1, null, new ShardClient(transport), _topology, _cluster.Nodes.Keys.ToDictionary(node => node, node => new Peer(node, "n", 1)));
        var request = new PutShardRequest(ObjectHash.First, 0, 1, Guid.NewGuid(), 2, 1, 102, -1);
        ShardException error = await Assert.ThrowsAsync<ShardException>(
            () => access.BeginPutAsync(request, CancellationToken.None).AsTask());
        Assert.Equal(busy ? ShardError.Busy : ShardError.Unavailable, error.Error);
        Assert.Equal(busy, _topology.IsUsable(2));
        Assert.Equal(busy, _topology.IsStorageUsable(102));
    }

    private sealed class FailingTransport(bool busy) : ITransport
    {
        public TransportKind Kind => TransportKind.Tls;

        public ValueTask<ITransportStream> OpenAsync(Peer peer, CancellationToken cancel)
            => throw new TransportException("no stream") { Busy = busy };

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
