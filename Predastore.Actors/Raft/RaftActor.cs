using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using Predastore.Actors.Client;
using Predastore.Actors.Raft.Core;
using Predastore.Actors.Raft.Journal;

namespace Predastore.Actors.Raft;

/// <summary>
/// The shell of one replica: feeds messages and ticks to the core and carries out what it says. Everything in the mailbox goes into
/// one Ready, that into one event, and votes and replies leave only in its persist handler. After a failed write the actor stops and
/// recovers before it speaks again.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "Akka ends actors by PostStop")]
public sealed partial class RaftActor : ReceivePersistentActor, IWithTimers
{
    /// <summary>Name under <c>/user</c>, the same on every node with a replica.</summary>
    public const string Name = "raft";

    private readonly RaftShellSettings _settings;
    private readonly RaftGroup _group;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly RaftLog _recovered;
    private ulong _recoveredTerm;
    private ReplicaId _recoveredVote;
    private string _folder = "";
    private RaftNode _node = null!;
    private RequestBook? _book;
    private readonly IStateMachine _state;
    private bool _pumping;
    private bool _compacting;
    private bool _halted;
    private string _failure = "";
    private (RaftRole Role, ulong Term, ReplicaId Leader) _announced;

    /// <summary>Creates the actor; it attaches itself to the group.</summary>
    public RaftActor(RaftShellSettings settings, RaftGroup group)
    {
        _settings = settings;
        _group = group;
        _state = settings.Machine;
        _recovered = new RaftLog(0, 0, settings.Initial);
        JournalPluginId = RaftJournal.PluginId;
        Recover<JournalEvent>(Fold);
        Recover<RecoveryCompleted>(_ => OnRecovered());
        Command<RaftMessage>(message => StepThen(() => OnMessage(message)));
        Command<Tick>(_ => StepThen(OnTick));
        Command<Pump>(_ => OnPump());
        Command<RaftRequests.Propose>(message => StepThen(() => Requests.OnPropose(message)));
        Command<RaftRequests.Read>(message => StepThen(() => Requests.OnRead(message)));
        Command<RaftRequests.Received>(message => StepThen(() => OnReceived(message)));
        Command<RaftRequests.Sent>(message => StepThen(() => OnSent(message)));
        Command<RaftRequests.Change>(message => StepThen(() => Requests.OnChange(message)));
        Command<RaftRequests.Transfer>(message => StepThen(() => OnTransfer(message)));
        Command<ProposeRequest>(message => StepThen(() => Requests.OnForwarded(message)));
        Command<ReadRequest>(message => StepThen(() => Requests.OnForwarded(message)));
        Command<ProposeReply>(reply => Requests.OnForwardReply(reply));
        Command<ReadReply>(reply => Requests.OnForwardReply(reply));
        Command<ChangeRequest>(message => StepThen(() => Requests.OnForwarded(message)));
        Command<ChangeReply>(reply => Requests.OnForwardReply(reply));
        Command<SnapshotRequest>(OnSnapshotRequest);
        Command<RaftRequests.Fail>(OnFail);
        Command<GroupRequest>(OnGroupRequest);
        Command<GroupReply>(OnGroupReply);
        Command<ReachPing>(OnPing);
        Command<ReachPong>(message => StepThen(() => OnPong(message)));
        Command<DeleteMessagesSuccess>(_ => { });
        Command<DeleteMessagesFailure>(failure => _log.Warning("The journal was not cut: {0}", failure.Cause.Message));
    }

    /// <inheritdoc/>
    public override string PersistenceId => "raft";

    /// <inheritdoc/>
    public override Recovery Recovery => new(SnapshotSelectionCriteria.None);

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>Props of the actor.</summary>
    public static Props Props(RaftShellSettings settings, RaftGroup group)
        => Akka.Actor.Props.Create(() => new RaftActor(settings, group));

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _ending.Cancel();
        _ending.Dispose();
        _book?.FailPending("the replica is stopping");
        _group.Publish(_group.Status with
        {
            Phase = _halted ? RaftPhase.Halted : RaftPhase.Recovering,
            Reason = _failure,
            Readable = false,
        });
        base.PostStop();
    }

    /// <inheritdoc/>
    protected override void OnRecoveryFailure(Exception reason, object? message = null)
    {
        _failure = reason.Message;
        base.OnRecoveryFailure(reason, message);
    }

    /// <inheritdoc/>
    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        _failure = cause.Message;
        base.OnPersistFailure(cause, @event, sequenceNr);
    }

    /// <inheritdoc/>
    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
        => throw new IOException($"The journal rejected event {sequenceNr}.", cause);

    private void Fold(JournalEvent saved)
    {
        if (saved.Installed is { } installed)
        {
            _recovered.Reset(installed.Index, installed.Term, Membership.From(installed.Configuration));
            _folder = installed.Folder;
        }

        (_recoveredTerm, _recoveredVote) = (saved.Term, ReplicaId.From(saved.VotedFor));
        _recovered.Merge(saved.Entries, _recovered.BaseIndex);
        _recovered.MarkPersisted(_recovered.LastIndex, _recovered.LastTerm);
    }

    private void OnRecovered()
    {
        try
        {
            _state.Open(_folder);
            RequireJournalOfState();
        }
        catch (Exception error)
        {
            _failure = error.Message;
            throw;
        }

        if (Applied < _recovered.BaseIndex)
        {
            _log.Warning("The state of replica {0} stands at {1} and the log begins after {2}: it is fetched from the leader; no reads until then",
                _settings.Self, Applied, _recovered.BaseIndex);
        }

        _node = new RaftNode(
            _settings.Self, _settings.ClusterId, new RaftState(_recoveredTerm, _recoveredVote, _recovered), Applied,
            _settings.Core, _settings.Seed);
        _book = new RequestBook(_node, _settings.Self, _settings.Peers.Send, _settings.PendingMax, () => Applied, _settings.HasRoom);
        _group.Attach(Self);
        Publish();
        Timers.StartPeriodicTimer(Tick.Instance, Tick.Instance, _settings.TickInterval);
        _log.Info("Replica {0} is at term {1}, log ({2}, {3}], applied {4}: {5}",
            _settings.Self, _recoveredTerm, _recovered.BaseIndex, _recovered.LastIndex, Applied, _recovered.Membership);
    }

    // Only what is in the journal is applied. One that ends before the state, or tells another story, has been emptied or put back:
    // its votes and acknowledgements are forgotten, and a vote given twice breaks what the group promises.
    private void RequireJournalOfState()
    {
        LogPosition applied = _state.Applied;
        if (applied.Index > _recovered.LastIndex)
            throw new JournalDamagedException($"it ends at {_recovered.LastIndex}, before the state at {applied}");
        if (_recovered.TermOf(applied.Index) is { } term && term != applied.Term)
            throw new JournalDamagedException($"it has term {term} at {applied.Index}, where the state has term {applied.Term}");
    }

    private void StepThen(Action step)
    {
        step();
        Wake();
    }

    // One Pump stands behind everything that is in the mailbox now: all of that goes into one Ready.
    private void Wake()
    {
        if (_pumping || !_node.HasReady)
            return;
        _pumping = true;
        Self.Tell(Pump.Instance);
    }

    private void OnTick()
    {
        _node.Tick();
        Requests.ExpireForwards();
        WatchMembership();
        PingVoters();
        FetchState();
    }

    private void OnPump()
    {
        _pumping = false;
        if (!_node.HasReady)
            return;
        Ready ready = _node.TakeReady();
        foreach (RaftMessage message in ready.SendNow)
            Send(message);
        if (ready.Persist is { } saved)
        {
            if (saved.Installed is not null)
                saved.Installed = new SnapshotMeta(saved.Installed);
            long from = Stopwatch.GetTimestamp();
            PersistAsync(saved, _ =>
            {
                Measure(ready.LastIndex, Stopwatch.GetElapsedTime(from));
                Carry(ready);
            });
        }
        else
        {
            Carry(ready);
        }
    }

    private void Carry(Ready ready)
    {
        _node.Persisted(ready);
        if (ready.Install is { } install)
            Install(install);
        foreach (RaftMessage message in ready.SendAfterPersist)
            Send(message);
        if (!TryApply(ready.Committed))
            return;
        Requests.Confirm(ready.Reads);

        // Leadership may have been lost while the event was written: a snapshot says who leads the term it is sent in.
        if (_node.Role == RaftRole.Leader)
            foreach (ReplicaId to in ready.SnapshotsWanted)
                SendSnapshot(to);
        CompactIfDue();
        Publish();
        Wake();
    }

    private ulong Applied => _state.Applied.Index;

    private RequestBook Requests => _book!;

    private void OnTransfer(RaftRequests.Transfer message)
    {
        ReplicaId to = _node.Log.Membership.Voters.FirstOrDefault(voter => voter.Node == message.Node);
        message.Answer.TrySetResult(_node.Transfer(to));
    }

    private void Send(RaftMessage message) => _settings.Peers.Send(message.To.Node, Stamped(message));

    private void Publish()
    {
        _group.Publish(new RaftStatus
        {
            Phase = RaftPhase.Running,
            ClusterId = new Guid(_settings.ClusterId.Span, bigEndian: true),
            Id = _settings.Self,
            Boots = _settings.Start.Boots,
            Role = _node.Role,
            Leader = _node.Leader == ReplicaId.None ? null : _node.Leader.Node,
            Term = _node.Term,
            Commit = _node.Commit,
            Applied = Applied,
            LastIndex = _node.Log.LastIndex,
            Reason = _node.AwaitsState ? "its state was lost and is fetched from the leader; it serves no reads until then" : "",
            Readable = !IsOutside && !IsBehind && !_node.AwaitsState,
            Outside = IsOutside,
            Members = _node.Log.Membership,
            Matches = _node.Matches,
        });
        if (_announced == (_node.Role, _node.Term, _node.Leader))
            return;
        _announced = (_node.Role, _node.Term, _node.Leader);
        _log.Info("Replica {0} is {1} in term {2}, leader {3}", _settings.Self, _node.Role, _node.Term, _node.Leader);
    }

    private sealed class Tick : INoSerializationVerificationNeeded
    {
        public static readonly Tick Instance = new();
    }

    private sealed class Pump : INoSerializationVerificationNeeded
    {
        public static readonly Pump Instance = new();
    }
}
