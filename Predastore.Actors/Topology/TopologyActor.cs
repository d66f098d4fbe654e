using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Akka.Remote;
using Predastore.Actors.Hosting;
using Predastore.Actors.Remoting;
using Predastore.Actors.Topology.Wire;

namespace Predastore.Actors.Topology;

/// <summary>
/// Turns cluster membership, reachability and lost connections into the <see cref="TopologyView"/> of its node. A lost connection
/// arrives within milliseconds of a process's death, the failure detector's verdict seconds later: so a lost connection makes the node
/// suspect at once, and any sign of life takes that back. Membership calls a node unreachable if any other cannot reach it; who answers
/// this node is reachable for it, and who answers nobody for a while is removed from the cluster.
/// </summary>
internal sealed class TopologyActor : UntypedActor, IWithTimers
{
    // Long enough for a handshake on a busy machine: one that is broken off has cost both sides as much and tells nothing.
    private static readonly TimeSpan AsideTimeout = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan ProbeAgainAfter = TimeSpan.FromSeconds(1);

    // All are asked while one is unreachable: several times until a silent member may be removed.
    private static readonly TimeSpan TroubleInterval = TimeSpan.FromMilliseconds(400);

    // Longer than any cut of a flapping link, and than Akka.Remote holds back a dial.
    private static readonly TimeSpan RelinkAfter = TimeSpan.FromSeconds(8);

    // Of two that have quarantined each other only one has to go: the one with the lower number waits until the other one should be back.
    private static readonly TimeSpan LeaveLaterAfter = 3 * RelinkAfter;

    /// <summary>Name of this actor under <c>/user</c>, the same on every node.</summary>
    public const string Name = "topology";

    private readonly NodeTopology _topology;
    private readonly NodeSettings _settings;
    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Dictionary<UniqueAddress, Member> _members = [];
    private readonly HashSet<UniqueAddress> _unreachable = [];
    private readonly Dictionary<Address, uint> _nodeAt;
    private readonly Islands _islands;
    private readonly Dictionary<uint, Seen> _seen = [];
    private readonly HashSet<uint> _asking = [];
    private readonly Dictionary<uint, TimeSpan> _probed = [];
    private readonly Answers _answers;
    private readonly LostMembers _lost;
    private readonly Dictionary<Incarnation, TimeSpan> _cutOff = [];
    private readonly HashSet<Incarnation> _quarantined = [];

    public TopologyActor(NodeTopology topology)
    {
        _topology = topology;
        _settings = topology.Settings;
        _nodeAt = _settings.Nodes.Keys.ToDictionary(node => _settings.AkkaAddress(node));
        _islands = new Islands(_settings.DbNodes);
        _answers = new Answers(2 * ProbeInterval);
        _lost = new LostMembers(Context.System.Settings.Config.GetTimeSpan("predastore.downing.stable-after"));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private static TimeSpan ProbeInterval => Context.System.Settings.Config.GetTimeSpan("predastore.topology.probe-interval");

    private TimeSpan Now => Context.System.Scheduler.MonotonicClock;

    private Incarnation Me => new() { Node = _settings.Node, Uid = _cluster.SelfUniqueAddress.Uid };

    public static Props Props(NodeTopology topology) => Akka.Actor.Props.Create(() => new TopologyActor(topology));

    protected override void PreStart()
    {
        _topology.Attach((ExtendedActorSystem)Context.System);
        _cluster.Subscribe(
            Self,
            ClusterEvent.SubscriptionInitialStateMode.InitialStateAsSnapshot,
            typeof(ClusterEvent.IMemberEvent),
            typeof(ClusterEvent.IReachabilityEvent));
        Context.System.EventStream.Subscribe<DisassociatedEvent>(Self);
        Context.System.EventStream.Subscribe<AssociatedEvent>(Self);
        Context.System.EventStream.Subscribe<QuarantinedEvent>(Self);
        Timers.StartPeriodicTimer(ProbeTick.Instance, ProbeTick.Instance, ProbeInterval);
    }

    protected override void PostStop()
    {
        _cluster.Unsubscribe(Self);
        Context.System.EventStream.Unsubscribe(Self);
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case ClusterEvent.CurrentClusterState state:
                foreach (Member member in state.Members) _members[member.UniqueAddress] = member;
                foreach (Member member in state.Unreachable) Unreachable(member);
                Publish();
                break;
            case ClusterEvent.MemberRemoved removed:
                _members.Remove(removed.Member.UniqueAddress);
                _quarantined.Remove(IncarnationOf(removed.Member));
                _unreachable.Remove(removed.Member.UniqueAddress);
                Publish();
                break;
            case ClusterEvent.IMemberEvent changed:
                _members[changed.Member.UniqueAddress] = changed.Member;
                Publish();
                break;
            case ClusterEvent.UnreachableMember unreachable:
                Unreachable(unreachable.Member);
                Publish();
                break;
            case ClusterEvent.ReachableMember reachable:
                _unreachable.Remove(reachable.Member.UniqueAddress);
                Publish();
                break;
            case DisassociatedEvent lost:
                ConnectionLost(lost.RemoteAddress);
                break;
            case AssociatedEvent connected:
                if (_nodeAt.TryGetValue(connected.RemoteAddress, out uint peer)) _topology.Found(peer);
                break;
            case QuarantinedEvent refused:
                if (_members.TryGetValue(new UniqueAddress(refused.Address, refused.Uid), out Member? known)) _quarantined.Add(IncarnationOf(known));
                break;
            case ProbeTick:
                ProbeAbsent();
                break;
            case TroubleTick:
                LookForLost();
                break;
            case Probe probe:
                Answer(probe);
                break;
            case Aside { Probe: var probe, Node: var node }:
                _asking.Remove(node);
                if (probe is not null) YieldIfApart(probe);
                break;
            case ProbeReply reply:
                Answered(reply);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void ConnectionLost(Address address)
    {
        if (!_nodeAt.TryGetValue(address, out uint node) || node == _settings.Node) return;
        _topology.Lost(node);

        // One of two connections of a healthy pair may end; the answer takes the suspicion back within a millisecond. Where nobody is there the
        // probe ends as the next lost connection, and asking at once again would fill a core: the tick asks then.
        TimeSpan now = Now;
        if (_probed.TryGetValue(node, out TimeSpan before) && now - before < ProbeAgainAfter) return;
        _probed[node] = now;
        Selection(node).Tell(NewProbe());
    }

    private void Answer(Probe probe)
    {
        if (probe.Sender is null || !_settings.Nodes.ContainsKey(probe.Sender.Node)) return;
        Sender.Tell(new ProbeReply { Sender = Me, Heard = { _answers.All(Now) } });
        if (!probe.AnswerOnly) YieldIfApart(probe);
    }

    private void Answered(ProbeReply reply)
    {
        if (reply.Sender is null || !_settings.Nodes.ContainsKey(reply.Sender.Node)) return;
        _topology.Found(reply.Sender.Node);
        _answers.Take(reply, _members.Values.Any(member => IsSettled(member) && IncarnationOf(member).Equals(reply.Sender)), Now);
        if (_unreachable.Count > 0) Publish();
    }

    private void Unreachable(Member member)
    {
        _unreachable.Add(member.UniqueAddress);
        if (!Timers.IsTimerActive(TroubleTick.Instance))
            Timers.StartPeriodicTimer(TroubleTick.Instance, TroubleTick.Instance, TimeSpan.Zero, TroubleInterval);
    }

    private void LookForLost()
    {
        // Answers grow old.
        Publish();
        MemberSight[] sights =
            [.. _members.Values.Where(member => member.Status is not (MemberStatus.Down or MemberStatus.Exiting)).Select(See)];
        foreach (UniqueAddress lost in _lost.Look(Now, _cluster.SelfUniqueAddress, sights))
        {
            if (lost.Equals(_cluster.SelfUniqueAddress))
                _log.Warning("This node reaches no majority of the members; it leaves the cluster and joins anew");
            else
                _log.Warning("{0} answers nobody and is removed from the cluster", lost.Address);
            _cluster.Down(lost.Address);
        }

        MendLinks();
        if (_unreachable.Count == 0)
        {
            Timers.Cancel(TroubleTick.Instance);
            return;
        }

        var ask = new Probe { Sender = Me, AnswerOnly = true };
        foreach (uint node in _settings.Nodes.Keys.Where(node => node != _settings.Node && _topology.View.Nodes[node].Uid != 0))
            Selection(node).Tell(ask);
    }

    // When both sides of a link that was cut dial at once, Akka.Remote may go on with connections on which nobody listens, and it never finds out.
    // And what it has quarantined it never talks to again: the others hear both, so neither is lost, and while they stay nobody is let in.
    private void MendLinks()
    {
        Incarnation[] cutOff = [.. _members.Values.Where(IsUnreachable).Select(IncarnationOf).Where(who => !_answers.HasAnswered(who, Now) && _answers.IsHeard(who, Now))];
        foreach (Incarnation back in _cutOff.Keys.Except(cutOff).ToArray())
            _cutOff.Remove(back);
        foreach (Incarnation who in cutOff)
        {
            bool quarantined = _quarantined.Contains(who);
            TimeSpan patience = quarantined && _settings.Node < who.Node ? LeaveLaterAfter : RelinkAfter;
            if (_cutOff.TryAdd(who, Now) || Now - _cutOff[who] < patience) continue;
            _cutOff[who] = Now;
            if (quarantined)
            {
                _log.Warning("Node {0} is quarantined here and answers others: this node leaves the cluster and joins anew", who.Node);
                _cluster.Down(_cluster.SelfAddress);
                return;
            }

            _log.Warning("Node {0} answers others and not this node: the connections with it are closed and opened anew", who.Node);
            if (((ExtendedActorSystem)Context.System).Provider is IRemoteActorRefProvider remote)
                _ = remote.Transport.ManagementCommand(new EndLinks(who.Node), CancellationToken.None);
        }
    }

    private MemberSight See(Member member) => new(
        member.UniqueAddress,
        IsSettled(member),
        Votes: member.HasRole(NodeRoles.Db),
        Silent: IsUnreachable(member) && !_answers.IsHeard(IncarnationOf(member), Now));

    private static bool IsSettled(Member member) => member.Status is MemberStatus.Up or MemberStatus.Leaving;

    // Never this node itself: Akka tells no node that others cannot reach it.
    private bool IsUnreachable(Member member) => _unreachable.Contains(member.UniqueAddress);

    private Incarnation IncarnationOf(Member member) =>
        new() { Node = _nodeAt.GetValueOrDefault(member.Address), Uid = member.UniqueAddress.Uid };

    private void YieldIfApart(Probe probe)
    {
        if (!_islands.MustYield(Me, UpMembers(), probe)) return;
        _log.Warning(
            "Node {0} runs another cluster of this cluster file; this node leaves its own and joins that one", probe.Sender.Node);
        _ = CoordinatedShutdown.Get(Context.System).Run(CoordinatedShutdown.ClusterDowningReason.Instance);
    }

    private void ProbeAbsent()
    {
        Probe? probe = null;
        TopologyView view = _topology.View;
        foreach (uint node in _settings.Nodes.Keys)
        {
            if (node == _settings.Node || (view.IsAlive(node) && !_topology.IsLost(node))) continue;
            Selection(node).Tell(probe ??= NewProbe());
            if (view.IsAlive(node)) continue;
            // Only a member can be apart from others, and a node that just starts has enough handshakes to do.
            if (_settings.ProbeAside is { } ask && view.Nodes[_settings.Node].Up && _asking.Add(node)) _ = AskAsideAsync(ask, node, Self);
        }
    }

    // Two systems that have quarantined each other never talk again over Akka.Remote: each would stay alone until somebody restarts it.
    private static async Task AskAsideAsync(Func<uint, CancellationToken, Task<byte[]>> ask, uint node, IActorRef self) =>
        self.Tell(new Aside(node, await SeedFinder.AskAsync(ask, node, AsideTimeout, CancellationToken.None).ConfigureAwait(false)));

    private Probe NewProbe() => new() { Sender = Me, Members = { UpMembers() } };

    private List<Incarnation> UpMembers() =>
        [.. _topology.View.Nodes.Values.Where(node => node.Up).Select(node => new Incarnation { Node = node.Node, Uid = node.Uid })];

    private ActorSelection Selection(uint node) =>
        Context.ActorSelection(new RootActorPath(_settings.AkkaAddress(node)) / "user" / Name);

    private void Publish()
    {
        _topology.Update(_settings.Nodes.Keys.Select(Look));
        foreach (NodeView node in _topology.View.Nodes.Values.Where(node => node.Node != _settings.Node))
            Report(node.Node, node.Alive ? Seen.Up : node.Up ? Seen.Unreachable : Seen.Gone);
    }

    private enum Seen
    {
        Gone,
        Up,
        Unreachable,
    }

    // What was never there is no news.
    private void Report(uint node, Seen seen)
    {
        Seen before = _seen.GetValueOrDefault(node, Seen.Gone);
        _seen[node] = seen;
        if (seen == before)
            return;
        if (seen == Seen.Up)
            _log.Info("Node {0} is up", node);
        else if (seen == Seen.Unreachable)
            _log.Warning("Node {0} does not answer", node);
        else
            _log.Warning("Node {0} has left the cluster", node);
    }

    private NodeView Look(uint node)
    {
        Address address = _settings.AkkaAddress(node);
        // A restarted node is there twice for a while: the old system that is on its way out, and the new one.
        Member? member = _members.Values
            .Where(m => m.Address.Equals(address) && NodeRoles.TryNumber(m.Roles, out uint number) && number == node)
            .OrderByDescending(m => m.Status is MemberStatus.Up or MemberStatus.WeaklyUp)
            .FirstOrDefault();
        if (member is null) return _topology.Absent(node);
        return _topology.Absent(node) with
        {
            Roles = [.. member.Roles.Order(StringComparer.Ordinal)],
            Up = member.Status is MemberStatus.Up or MemberStatus.WeaklyUp,
            Reachable = !IsUnreachable(member) || _answers.HasAnswered(IncarnationOf(member), Now),
            Uid = member.UniqueAddress.Uid,
        };
    }

    private sealed record Aside(uint Node, Probe? Probe) : INoSerializationVerificationNeeded;

    private sealed class TroubleTick : INoSerializationVerificationNeeded
    {
        public static readonly TroubleTick Instance = new();
    }

    private sealed class ProbeTick : INoSerializationVerificationNeeded
    {
        public static readonly ProbeTick Instance = new();
    }
}
