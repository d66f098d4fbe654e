using Microsoft.Extensions.Time.Testing;
using Predastore.Actors.Hosting;
using Predastore.Actors.Tests.Hosting;
using Predastore.Actors.Topology;
using Xunit;

namespace Predastore.Actors.Tests.Topology;

public sealed class NodeTopologySpecs : IAsyncDisposable
{
    private readonly LoopbackCluster _cluster = new(3);
    private readonly FakeTimeProvider _time = new();
    private readonly NodeTopology _topology;

    public NodeTopologySpecs()
    {
        _topology = new NodeTopology(_cluster.Settings(1), _time);
        _topology.Update(_cluster.Nodes.Keys.Select(Alive));
    }

    public async ValueTask DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public void Suspicion_of_a_node_should_end_after_ten_seconds()
    {
        _topology.SuspectNode(2);

        Assert.False(_topology.IsUsable(2));
        Assert.False(_topology.IsStorageUsable(102));
        Assert.True(_topology.IsUsable(3));
        Assert.Equal(_time.GetUtcNow().AddSeconds(10), _topology.SuspectUntil(2));
        _time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.False(_topology.IsUsable(2));
        _time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.True(_topology.IsUsable(2));
        Assert.Null(_topology.SuspectUntil(2));
    }

    [Fact]
    public void Suspicion_of_a_storage_id_should_spare_its_node()
    {
        _topology.SuspectStorage(102);

        Assert.False(_topology.IsStorageUsable(102));
        Assert.True(_topology.IsUsable(2));
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.True(_topology.IsStorageUsable(102));
    }

    [Fact]
    public void Clock_that_is_set_back_should_not_prolong_suspicion()
    {
        var clock = new SettableClock(_time);
        var topology = new NodeTopology(_cluster.Settings(1), clock);
        topology.Update(_cluster.Nodes.Keys.Select(Alive));
        topology.SuspectNode(2);
        topology.SuspectStorage(103);
        topology.Lost(3);

        clock.Ahead = TimeSpan.FromHours(-1);
        Assert.Equal(clock.GetUtcNow().AddSeconds(10), topology.SuspectUntil(2));
        _time.Advance(TimeSpan.FromSeconds(10));

        Assert.True(topology.IsUsable(2));
        Assert.True(topology.IsStorageUsable(103));
    }

    [Fact]
    public void Node_should_not_suspect_itself_or_strangers()
    {
        _topology.SuspectNode(1);
        _topology.SuspectNode(77);

        Assert.True(_topology.IsUsable(1));
        Assert.Null(_topology.SuspectUntil(77));
    }

    [Fact]
    public void Unknown_ids_should_not_be_usable()
    {
        Assert.False(_topology.IsUsable(77));
        Assert.False(_topology.IsStorageUsable(7));
        Assert.Null(_topology.Find(77, "user/x"));
    }

    [Fact]
    public void Change_should_be_told_once_with_a_higher_version()
    {
        var seen = new List<TopologyView>();
        long before = _topology.View.Version;
        IDisposable subscription = _topology.OnChange(seen.Add);

        _topology.Update([Alive(2) with { Reachable = false }]);
        _topology.Update([Alive(2) with { Reachable = false }]);

        TopologyView change = Assert.Single(seen);
        Assert.Equal(before + 1, change.Version);
        Assert.False(change.IsAlive(2));
        Assert.Same(change, _topology.View);
        subscription.Dispose();
        _topology.Update([Alive(2)]);
        Assert.Single(seen);
    }

    [Fact]
    public void Storage_should_follow_a_new_ring_epoch()
    {
        _topology.PlaceStorage(new Dictionary<uint, uint> { [102] = 3 });

        Assert.True(_topology.TryNodeOf(102, out uint node));
        Assert.Equal(3u, node);
        Assert.False(_topology.TryNodeOf(101, out _));
        Assert.True(_topology.IsUsable(2));
    }

    [Fact]
    public void Nobody_should_be_alive_between_two_actor_systems()
    {
        _topology.Forget();

        Assert.All(_cluster.Nodes.Keys, node => Assert.False(_topology.IsUsable(node)));
    }

    private NodeView Alive(uint node) =>
        _topology.Absent(node) with { Up = true, Reachable = true, Uid = (int)node, Roles = [NodeRoles.OfNumber(node)] };

    /// <summary>Another clock's time, with a time of day that an operator may set.</summary>
    private sealed class SettableClock(TimeProvider time) : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override long TimestampFrequency => time.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => time.GetUtcNow() + Ahead;

        public override long GetTimestamp() => time.GetTimestamp();
    }
}
