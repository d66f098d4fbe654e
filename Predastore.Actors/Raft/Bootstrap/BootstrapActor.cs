using Akka.Actor;
using Akka.Event;
using Google.Protobuf;

namespace Predastore.Actors.Raft.Bootstrap;

/// <summary>
/// Asks the other configured replicas what they are until it is decided what this one is, and answers theirs for ever. It only pulls:
/// a probe says nothing about its sender, because one that was written to an earlier program at this address may arrive late, while an
/// answer reaches only the actor that asked.
/// </summary>
public sealed class BootstrapActor : ReceiveActor, IWithTimers
{
    /// <summary>Name under <c>/user</c>, the same on every node with a replica.</summary>
    public const string Name = "bootstrap";

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly RaftReplica _replica;
    private readonly BootstrapState _state;
    private readonly Dictionary<uint, ActorSelection> _peers;
    private bool _refused;
    private string _waitsFor = "";

    /// <summary>Creates the actor.</summary>
    public BootstrapActor(RaftReplica replica)
    {
        _replica = replica;
        RaftReplicaSettings settings = replica.Settings;
        _state = new BootstrapState(replica.Self, settings.DbNodes, settings.DataPath, settings.AcceptLoss);
        _peers = settings.DbNodes.Where(node => node != settings.Node).ToDictionary(node => node, node =>
            Context.ActorSelection(new RootActorPath(settings.ControlAddress(node)) / "user" / Name));
        Receive<BootstrapProbe>(_ => Sender.Tell(Answer()));
        Receive<BootstrapAnswer>(OnAnswer);
        Receive<Poll>(_ => OnPoll());
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>Props of the actor.</summary>
    public static Props Props(RaftReplica replica) => Akka.Actor.Props.Create(() => new BootstrapActor(replica));

    /// <inheritdoc/>
    protected override void PreStart()
    {
        base.PreStart();
        if (_replica.Identity is not null)
            _replica.Start(Context.System);
        else
            _log.Info("Replica {0} is empty: asks nodes {1} whether there is a cluster", _replica.Self, string.Join(' ', _peers.Keys));
        Timers.StartPeriodicTimer(Poll.Instance, Poll.Instance, TimeSpan.Zero, _replica.Settings.BootstrapInterval);
    }

    private BootstrapAnswer Answer()
    {
        var answer = new BootstrapAnswer { From = _replica.Self.ToWire() };
        if (_replica.Identity is { } identity)
        {
            answer.ClusterId = ByteString.CopyFrom(identity.ClusterId.ToByteArray(bigEndian: true));
            answer.Configuration = identity.Initial.ToWire();
        }

        return answer;
    }

    private void OnPoll()
    {
        Decide();
        if (_refused)
            return;
        var probe = new BootstrapProbe { From = _replica.Self.ToWire() };
        foreach (uint node in _state.Unheard(_replica.Identity?.ClusterId))
            _peers[node].Tell(probe);
    }

    private void OnAnswer(BootstrapAnswer answer)
    {
        _state.Hear(answer);
        Decide();
    }

    private void Decide()
    {
        if (_refused)
            return;
        BootstrapDecision decision = _replica.Identity is { } identity ? _state.DecideMember(identity.ClusterId) : _state.DecideEmpty();
        switch (decision)
        {
            case BootstrapDecision.Create create:
                _log.Info("All configured replicas are there and empty: {0} creates the cluster", _replica.Self);
                Join(Guid.NewGuid(), create.Initial);
                break;
            case BootstrapDecision.Adopt adopt:
                Join(adopt.ClusterId, adopt.Initial);
                break;
            case BootstrapDecision.Wait { Reason.Length: > 0 } wait when wait.Reason != _waitsFor:
                _waitsFor = wait.Reason;
                _log.Warning("{0}", wait.Reason);
                _replica.Group.Publish(_replica.Group.Status with { Reason = wait.Reason });
                break;
            case BootstrapDecision.Refuse refuse:
                _refused = true;
                Timers.CancelAll();
                _log.Error("Refused: {0}", refuse.Reason);
                _replica.Refuse(refuse.Reason);
                break;
            case BootstrapDecision.Done:
                Timers.CancelAll();
                break;
        }
    }

    private void Join(Guid clusterId, Core.Membership initial)
    {
        try
        {
            _replica.Join(clusterId, initial);
        }
        catch (IOException error)
        {
            // What is on the disk is in doubt: only a new start reads it again.
            _refused = true;
            Timers.CancelAll();
            _log.Error(error, "The replica's identity could not be written");
            _replica.Refuse($"the metadata replica's folder cannot be written: {error.Message}");
            return;
        }

        if (initial.Voters.IsEmpty)
            _log.Warning("Replica {0} is new to cluster {1}: it waits for 's3d admin replica add' or 'replace'", _replica.Self, clusterId);
        else
            _log.Info("Replica {0} is part of cluster {1}: {2}", _replica.Self, clusterId, initial);
        _replica.Start(Context.System);
    }

    private sealed class Poll : INoSerializationVerificationNeeded
    {
        public static readonly Poll Instance = new();
    }
}
