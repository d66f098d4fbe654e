using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Akka.Pattern;
using Akka.Remote;
using Predastore.Actors.Hosting;
using Predastore.Actors.Tests.Hosting;
using Predastore.Actors.Topology;
using Xunit;

namespace Predastore.Actors.Tests.Topology;

public sealed class TopologyActorSpecs
{
    [Fact]
    public async Task Lost_connection_should_make_a_node_suspect_long_before_membership_knows()
    {
        await using var cluster = new LoopbackCluster(3);
        await cluster.StartAllAsync();
        ITopology seen = cluster[1].Topology;

        Task end = cluster.KillAsync(3);
        await cluster.Eventually(() => !seen.IsUsable(3), () => "node 3 is still usable");
        bool memberWhenSuspect = seen.View.Nodes[3].Up && seen.View.Nodes[3].Reachable;

        Assert.True(memberWhenSuspect, "membership was faster than the lost connection");
        Assert.NotNull(seen.SuspectUntil(3));
        Assert.True(seen.IsUsable(2));
        await cluster.Eventually(() => !seen.View.Nodes[3].Up, () => "node 3 was not removed");
        await end;
    }

    [Fact]
    public async Task Lost_connection_of_a_living_node_should_be_forgiven_at_once()
    {
        await using var cluster = new LoopbackCluster(2);
        await cluster.StartAllAsync();
        ITopology seen = cluster[1].Topology;
        ActorSystem system = cluster[1].Current!;
        Address peer = cluster.Settings(1).AkkaAddress(2), own = cluster.Settings(1).AkkaAddress(1);

        system.EventStream.Publish(new DisassociatedEvent(own, peer, false));
        await system.ActorSelection("/user/topology").ResolveOne(LoopbackCluster.Patience);
        await cluster.Eventually(() => seen.SuspectUntil(2) is null, () => "node 2 is still suspect", TimeSpan.FromSeconds(5));
        Assert.True(seen.IsUsable(2));
        // What a request found out is not taken back by a connection.
        seen.SuspectNode(2);
        system.EventStream.Publish(new AssociatedEvent(own, peer, false));
        await system.ActorSelection("/user/topology").ResolveOne(LoopbackCluster.Patience);
        Assert.NotNull(seen.SuspectUntil(2));
    }

    [Fact]
    public async Task Node_that_answers_should_be_alive_whoever_else_cannot_reach_it()
    {
        await using var cluster = new LoopbackCluster(2);
        await cluster.StartAllAsync();
        ITopology seen = cluster[1].Topology;
        ActorSystem system = cluster[1].Current!;
        Member peer = Cluster.Get(system).State.Members.Single(member => member.Address.Equals(cluster.Settings(1).AkkaAddress(2)));

        system.ActorSelection("/user/topology").Tell(new ClusterEvent.UnreachableMember(peer));
        await system.ActorSelection("/user/topology").ResolveOne(LoopbackCluster.Patience);
        await cluster.Eventually(() => seen.IsUsable(2), () => "node 2 is not usable", TimeSpan.FromSeconds(5));
        // Longer than one answer holds.
        for (int look = 0; look < 60; look++)
        {
            Assert.True(seen.View.IsAlive(2));
            await Task.Delay(TimeSpan.FromMilliseconds(100));
        }

        Task end = cluster.KillAsync(2);
        await cluster.Eventually(() => !seen.View.IsAlive(2), () => "node 2 still counts as alive");
        await end;
    }

    [Fact]
    public async Task Node_that_is_gone_should_not_be_dialled_in_a_loop()
    {
        await using var cluster = new LoopbackCluster(2);
        await cluster.StartAllAsync();
        ActorSystem system = cluster[1].Current!;
        await cluster.KillAsync(2);
        await cluster.Eventually(() => !cluster[1].Topology.View.Nodes[2].Up, () => "node 1 still sees node 2", TimeSpan.FromSeconds(20));
        // A removed node is quarantined: Akka holds dials back no longer, and every one that fails is a lost connection.
        int failed = 0;
        IActorRef listener = system.ActorOf(Props.Create(() => new Listener(() => Interlocked.Increment(ref failed))));
        system.EventStream.Subscribe<AssociationErrorEvent>(listener);

        await Task.Delay(TimeSpan.FromSeconds(4));

        Assert.InRange(failed, 0, 40);
    }

    [Fact]
    public async Task View_should_carry_roles_and_addresses()
    {
        await using var cluster = new LoopbackCluster(2, dbNodes: 1);
        await cluster.StartAllAsync();

        NodeView second = cluster[1].Topology.View.Nodes[2];
        Assert.Equal(["gate", "node-2", "storage"], second.Roles);
        Assert.Equal((cluster.Nodes[2].Host, cluster.Port), (second.Host, second.Port));
        Assert.Equal([1u], cluster[2].Topology.View.DbNodes);
        Assert.True(cluster[1].Topology.IsStorageUsable(102));
    }

    [Fact]
    public async Task Find_should_reach_whoever_lives_at_a_local_path_now()
    {
        await using var cluster = new LoopbackCluster(1);
        await cluster.StartAllAsync();
        ITopology topology = cluster[1].Topology;

        for (int round = 0; round < 3; round++)
        {
            int number = round;
            IActorRef store = cluster[1].Current!.ActorOf(Props.Create(() => new Answering(() => number)), "store");
            Assert.Equal(round, await topology.Find(1, "user/store")!.Ask<int>("who", LoopbackCluster.Patience));
            await store.GracefulStop(LoopbackCluster.Patience);
            // The name is free a little later.
            await cluster.Eventually(() => topology.Find(1, "user/store") is null, () => "the actor is still there");
        }
    }

    [Fact]
    public async Task Find_should_reach_the_child_of_a_supervisor_on_another_node()
    {
        int started = 0;
        await using var cluster = new LoopbackCluster(2);
        await cluster.StartAllAsync();
        cluster[1].Current!.ActorOf(
            BackoffSupervisor.Props(Backoff.OnStop(
                Props.Create(() => new Answering(() => started)), "store", TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(10), 0, -1)),
            "store-7");

        for (int round = 0; round < 3; round++)
        {
            started = round;
            int seen = -1;
            await cluster.Eventually(() => (seen = Ask(cluster)) == round, () => $"answered {seen}");
            cluster[1].Current!.ActorSelection("/user/store-7/store").Tell(PoisonPill.Instance);
        }
    }

    // What is sent while the supervisor has no child is lost, so the time to wait is short.
    private static int Ask(LoopbackCluster cluster)
    {
        try
        {
            return cluster[2].Topology.Find(1, "user/store-7")!.Ask<int>("who", TimeSpan.FromMilliseconds(500)).Result;
        }
        catch (AggregateException)
        {
            return -1;
        }
    }

    private sealed class Listener : ReceiveActor
    {
        public Listener(Action heard) => ReceiveAny(_ => heard());
    }

    private sealed class Answering : ReceiveActor
    {
        public Answering(Func<int> number) => ReceiveAny(_ => Sender.Tell(number()));
    }
}
