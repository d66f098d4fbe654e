using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Cluster;
using Akka.Hosting;
using Akka.Remote;
using Google.Protobuf.WellKnownTypes;
using Predastore.Actors.Hosting;
using Predastore.Actors.Serialization;
using Xunit;

namespace Predastore.Actors.Tests.Hosting;

public sealed class ActorSystemKeeperSpecs
{
    private static readonly WireProtocol Text = new WireProtocol("text").Add("text", StringValue.Parser);

    [Fact]
    public async Task Three_nodes_in_one_process_should_form_a_cluster_and_talk()
    {
        await using LoopbackCluster cluster = EchoCluster();
        await cluster.StartAllAsync();

        foreach (uint from in cluster.Nodes.Keys)
        {
            foreach (uint to in cluster.Nodes.Keys) await AssertAnswersAsync(cluster, from, to);
        }
    }

    [Fact]
    public async Task Downed_node_should_build_a_new_system_and_rejoin()
    {
        await using LoopbackCluster cluster = EchoCluster();
        await cluster.StartAllAsync();
        ActorSystem old = cluster[3].Current!;

        Cluster.Get(cluster[1].Current!).Down(Cluster.Get(old).SelfAddress);
        await cluster.Eventually(() => cluster[3].Incarnation == 2, () => "node 3 was not rebuilt");
        await old.WhenTerminated.WaitAsync(LoopbackCluster.Patience);
        await cluster.AllSeeAllAsync();

        Assert.NotSame(old, cluster[3].Current);
        Assert.Equal(1, cluster[1].Incarnation);
        await AssertAnswersAsync(cluster, 1, 3);
        await AssertAnswersAsync(cluster, 3, 1);
    }

    [Fact]
    public async Task Quarantine_by_most_metadata_nodes_should_end_the_system_and_by_one_should_not()
    {
        await using LoopbackCluster cluster = EchoCluster();
        await cluster.StartAsync(1);
        await cluster.Eventually(() => cluster[1].IsUp, () => "node 1 is not up");
        NodeSettings settings = cluster.Settings(1);
        ActorSystem system = cluster[1].Current!;
        void Quarantine(uint by) => system.EventStream.Publish(
            new ThisActorSystemQuarantinedEvent(settings.AkkaAddress(1), settings.AkkaAddress(by)));

        // The same one again and again, as a thawed node does.
        for (int i = 0; i < 5; i++) Quarantine(2);
        await system.ActorSelection("/user/quarantine-watch").ResolveOne(LoopbackCluster.Patience);
        Assert.True(cluster[1].IsUp);
        Assert.Equal(1, cluster[1].Incarnation);

        Quarantine(3);
        await cluster.Eventually(() => cluster[1].Incarnation == 2 && cluster[1].IsUp, () => "node 1 was not rebuilt");
    }

    [Fact]
    public async Task Failed_dial_should_not_end_the_system()
    {
        await using LoopbackCluster cluster = EchoCluster();
        await cluster.StartAsync(1);
        await cluster.Eventually(() => cluster[1].IsUp, () => "node 1 is not up");
        ActorSystem system = cluster[1].Current!;
        using (var peer = new TcpListener(IPAddress.Parse(cluster.Nodes[3].Host), cluster.Port))
        {
            // A peer that dies in the middle of the handshake. The probes dial it.
            peer.Start();
            using var limit = new CancellationTokenSource(LoopbackCluster.Patience);
            using TcpClient dialled = await peer.AcceptTcpClientAsync(limit.Token);
        }

        await cluster.StartAsync(2);
        await cluster.Eventually(() => cluster[2].IsUp && cluster[1].Topology.IsUsable(2), () => "node 2 cannot join");
        Assert.True(cluster[1].IsUp);
        Assert.Same(system, cluster[1].Current);
        Assert.Null(CoordinatedShutdown.Get(system).ShutdownReason);
        await AssertAnswersAsync(cluster, 2, 1);

        // Downed by a single other node, it may never hear of that: whichever side gives way, the two become one cluster again.
        Cluster.Get(cluster[2].Current!).Down(Cluster.Get(system).SelfAddress);
        await cluster.Eventually(() => cluster[1].Incarnation + cluster[2].Incarnation > 2, () => "neither node was rebuilt");
        await AssertAnswersAsync(cluster, 2, 1);
        await AssertAnswersAsync(cluster, 1, 2);
    }

    // Two of them: the third hears both, so neither is lost.
    [Theory]
    [InlineData(1u, 2u, 3u)]
    [InlineData(1u, 2u)]
    public async Task Nodes_that_have_quarantined_each_other_should_become_one_cluster_again(params uint[] nodes)
    {
        await using LoopbackCluster cluster = EchoCluster();
        await cluster.StartAllAsync();
        UniqueAddress[] all = [.. nodes.Select(node => Cluster.Get(cluster[node].Current!).SelfUniqueAddress)];

        // Nothing that one says reaches another one's actor system any more.
        foreach (uint node in nodes)
        {
            var remote = (IRemoteActorRefProvider)((ExtendedActorSystem)cluster[node].Current!).Provider;
            foreach (UniqueAddress other in all.Where(other => !other.Equals(Cluster.Get(cluster[node].Current!).SelfUniqueAddress)))
                remote.Transport.Quarantine(other.Address, other.Uid);
        }

        await cluster.Eventually(() => cluster.Nodes.Keys.Sum(node => cluster[node].Incarnation) > 3, () => "no node was rebuilt");
        await cluster.AllSeeAllAsync();
        foreach (uint node in cluster.Nodes.Keys)
            await AssertAnswersAsync(cluster, node, (node % 3) + 1);
        if (nodes.Length == 2)
            Assert.Equal((1, 2, 1), (cluster[1].Incarnation, cluster[2].Incarnation, cluster[3].Incarnation));
    }

    [Fact]
    public async Task Node_that_goes_down_should_not_be_up_before_its_actors_end()
    {
        var draining = new TaskCompletionSource();
        var finish = new TaskCompletionSource();
        await using var cluster = new LoopbackCluster(1, (_, builder) => builder.WithDrain("uploads", async _ =>
        {
            draining.SetResult();
            await finish.Task;
        }));
        await cluster.StartAllAsync();
        ActorSystemKeeper keeper = cluster[1];
        ActorSystem system = await keeper.WhenUpAsync(CancellationToken.None);

        Task stop = cluster.StopAsync(1);
        await draining.Task.WaitAsync(LoopbackCluster.Patience);

        Assert.False(keeper.IsUp);
        Assert.False(keeper.WhenUpAsync(CancellationToken.None).IsCompleted);
        Assert.False(system.WhenTerminated.IsCompleted);
        Assert.Equal(MemberStatus.Up, Cluster.Get(system).SelfMember.Status);
        finish.SetResult();
        await stop;
        Assert.True(system.WhenTerminated.IsCompletedSuccessfully);
        Assert.Null(keeper.Current);
    }

    [Fact]
    public async Task Stop_should_wait_for_a_long_drain_and_then_leave_in_order()
    {
        bool drained = false;
        ActorSystem? leaving = null;
        await using var cluster = new LoopbackCluster(2, (node, builder) => builder.WithDrain("uploads", async cut =>
        {
            if (node != 2) return;
            await Assert.ThrowsAsync<TimeoutException>(() => leaving!.WhenTerminated.WaitAsync(TimeSpan.FromSeconds(3), cut));
            drained = true;
        }));
        await cluster.StartAllAsync();
        leaving = cluster[2].Current;

        await cluster.StopAsync(2);

        Assert.True(drained);
        await cluster.Eventually(() => !cluster[1].Topology.View.Nodes[2].Up, () => "node 1 still sees node 2", TimeSpan.FromSeconds(10));
        Assert.DoesNotContain(cluster.Logs.Lines, line => line.Contains("is removed from the cluster", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Stop_that_is_cut_short_should_end_the_system_under_its_drain()
    {
        var draining = new TaskCompletionSource();
        await using var cluster = new LoopbackCluster(1, (_, builder) => builder.WithDrain("uploads", cut =>
        {
            draining.SetResult();
            return Task.Delay(Timeout.InfiniteTimeSpan, cut);
        }));
        await cluster.StartAllAsync();
        ActorSystemKeeper keeper = cluster[1];
        ActorSystem system = keeper.Current!;
        using var limit = new CancellationTokenSource();

        Task stop = keeper.StopAsync(limit.Token);
        await draining.Task.WaitAsync(LoopbackCluster.Patience);
        await limit.CancelAsync();
        await stop.WaitAsync(TimeSpan.FromSeconds(8));

        Assert.True(system.WhenTerminated.IsCompleted);
        Assert.Null(keeper.Current);
    }

    [Fact]
    public async Task Drain_should_be_skipped_when_the_cluster_has_removed_the_node()
    {
        int drained = 0;
        await using var cluster = new LoopbackCluster(1, (_, builder) => builder.WithDrain("uploads", _ =>
        {
            Interlocked.Increment(ref drained);
            return Task.CompletedTask;
        }));
        await cluster.StartAllAsync();

        Cluster cluster1 = Cluster.Get(cluster[1].Current!);
        cluster1.Down(cluster1.SelfAddress);
        await cluster.Eventually(() => cluster[1].Incarnation == 2 && cluster[1].IsUp, () => "node 1 does not come back");

        Assert.Equal(0, drained);
    }

    [Fact]
    public async Task Stopped_node_should_leave_and_be_forgotten_at_once()
    {
        await using LoopbackCluster cluster = EchoCluster();
        await cluster.StartAllAsync();

        await cluster.StopAsync(3);
        await cluster.Eventually(() => !cluster[1].Topology.View.Nodes[3].Up, () => "node 1 still sees node 3", TimeSpan.FromSeconds(10));

        Assert.Null(cluster[1].Topology.Find(3, "user/echo"));
        Assert.True(cluster[1].Topology.IsUsable(2));
        // Left in order: nobody had to find out that it is gone.
        Assert.DoesNotContain(cluster.Logs.Lines, line => line.Contains("is removed from the cluster", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Port_in_use_should_be_one_clear_line()
    {
        await using LoopbackCluster cluster = EchoCluster();
        using var taken = new TcpListener(IPAddress.Parse(cluster.Nodes[1].Host), cluster.Port);
        taken.Start();

        var e = await Assert.ThrowsAsync<IOException>(() => cluster.StartAsync(1));
        Assert.Contains($"cannot listen on {cluster.Nodes[1]}", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_that_contradict_the_certificate_should_be_refused()
    {
        await using LoopbackCluster cluster = EchoCluster();

        var e = Assert.Throws<ArgumentException>(
            () => new ActorSystemKeeper(cluster.Settings(1) with { Node = 2 }, _ => { }, cluster.Logs));
        Assert.Contains("belongs to node 1, not to node 2", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_clusters_of_one_file_should_become_one()
    {
        // Nodes 2 and 3 are made to found a cluster, and node 1 to found another one.
        await using LoopbackCluster cluster = EchoCluster();
        await cluster.StartAsync(2, seeds: [2]);
        await cluster.StartAsync(3, seeds: [2]);
        await cluster.Eventually(() => cluster[2].Topology.View.Nodes[3].Up && cluster[3].IsUp, () => "nodes 2 and 3 are not one cluster");
        await cluster.StartAsync(1, seeds: [1]);
        await cluster.Eventually(() => cluster[1].IsUp, () => "node 1 is not up");

        await cluster.AllSeeAllAsync();
        // The larger side stays.
        Assert.Equal(2, cluster[1].Incarnation);
        Assert.Equal(1, cluster[2].Incarnation);
    }

    private static LoopbackCluster EchoCluster() => new(
        3,
        (node, builder) => builder.WithActors((system, _) => system.ActorOf(Props.Create(() => new Echo(node)), "echo")),
        protocols: Text);

    private static async Task AssertAnswersAsync(LoopbackCluster cluster, uint from, uint to)
    {
        await cluster.Eventually(() => cluster[from].Topology.Find(to, "user/echo") is not null, () => $"{from} does not find {to}");
        IActorRef echo = cluster[from].Topology.Find(to, "user/echo")!;
        StringValue answer = await echo.Ask<StringValue>(new StringValue { Value = "x" }, LoopbackCluster.Patience);
        Assert.Equal($"{to}:x", answer.Value);
    }

    private sealed class Echo : ReceiveActor
    {
        public Echo(uint node) => Receive<StringValue>(text => Sender.Tell(new StringValue { Value = $"{node}:{text.Value}" }));
    }
}
