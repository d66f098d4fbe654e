using Google.Protobuf;

namespace Predastore.Actors.Raft.Core;

/// <summary>
/// One replica as a pure state machine (Ongaro and Ousterhout 2014; Ongaro's dissertation 2014 for pre-vote, check-quorum, ReadIndex,
/// learners and one-at-a-time membership). Messages and ticks go in, a <see cref="Ready"/> comes out; disk, network, clock and threads
/// are the caller's. Not thread-safe.
/// <list type="bullet">
/// <item>At most one leader in a term; a leader never changes entries of its log, only adds.</item>
/// <item>Logs that agree on (index, term) agree on everything before; committed entries are in the log of every later leader.</item>
/// <item>Only entries of the leader's own term commit by counting; those before commit with them.</item>
/// <item>Term, vote and entries are durable before anybody is told of them; the leader counts itself only when they are.</item>
/// <item>A read is served at an index that was committed when a quorum, asked after the read, still followed the leader.</item>
/// <item>A configuration counts from when it is in the log; the next one only after it and an entry of this term are committed.</item>
/// </list>
/// </summary>
public sealed partial class RaftNode
{
    private readonly RaftSettings _settings;
    private readonly ByteString _clusterId;
    private readonly List<RaftMessage> _appends = [];
    private readonly List<RaftMessage> _replies = [];
    private SplitMix _random;
    private ulong _durableTerm;
    private ReplicaId _durableVote;
    private ulong _firstUnsaved;
    private ulong _handedOut;
    private SnapshotMeta? _install;
    private bool _readyOut;
    private int _electionElapsed;
    private int _electionTimeout;
    private int _heartbeatElapsed;

    /// <summary>Restores a replica.</summary>
    /// <param name="id">Who it is.</param>
    /// <param name="clusterId">16 B; messages of another cluster are ignored.</param>
    /// <param name="state">What was durable.</param>
    /// <param name="applied">
    /// Index up to which the state machine has applied; entries after it are handed out again. Before the log's start: nothing is handed
    /// out until a snapshot is installed.
    /// </param>
    /// <param name="settings">Timings and bounds.</param>
    /// <param name="seed">Of the election timeouts.</param>
    public RaftNode(
        ReplicaId id, ByteString clusterId, RaftState state, ulong applied, RaftSettings settings, ulong seed)
    {
        Id = id;
        _clusterId = clusterId;
        _settings = settings;
        _random = new SplitMix(seed);
        Log = state.Log;
        (Term, VotedFor) = (_durableTerm, _durableVote) = (state.Term, state.VotedFor);
        _handedOut = Math.Max(applied, Log.BaseIndex);
        AwaitsState = applied < Log.BaseIndex;

        // What is applied was committed. Begun at the log's start, the commit index would fall behind it when the log is cut up to there.
        Commit = Math.Max(Log.BaseIndex, Math.Min(applied, Log.LastIndex));
        ResetElectionTimer();
    }

    /// <summary>Who this is.</summary>
    public ReplicaId Id { get; }

    /// <summary>The log.</summary>
    public RaftLog Log { get; }

    /// <summary>Newest term seen.</summary>
    public ulong Term { get; private set; }

    /// <summary>Vote in this term.</summary>
    public ReplicaId VotedFor { get; private set; }

    /// <summary>What it does.</summary>
    public RaftRole Role { get; private set; }

    /// <summary>The leader it follows, or <see cref="ReplicaId.None"/>.</summary>
    public ReplicaId Leader { get; private set; }

    /// <summary>Everything up to here is committed.</summary>
    public ulong Commit { get; private set; }

    /// <summary>
    /// True if the state machine lacks what the log no longer holds. The log itself is whole: this replica votes and acknowledges, but a
    /// leader without a state could fill nobody, so it does not campaign.
    /// </summary>
    public bool AwaitsState { get; private set; }

    /// <summary>Why the last message was ignored, for tests and logs; null if none was.</summary>
    public string? Ignored { get; private set; }

    private bool Has(RaftFault fault) => _settings.Fault == fault;

    private Membership Members => Log.Membership;

    // A voter that a configuration removes may be the only one to hold that configuration: until it is committed it still campaigns,
    // for the votes of the others, or nobody could ever win (dissertation, section 4.2.2). A restart forgets how far commitment was:
    // the configuration in which it votes may be any that stands between.
    private bool MayCampaign => !AwaitsState && Log.MembershipsFrom(Commit).Any(members => members.IsVoter(Id));

    /// <summary>Time passes.</summary>
    public void Tick()
    {
        _electionElapsed++;
        if (Role == RaftRole.Leader)
            TickLeader();
        else if (_electionElapsed >= _electionTimeout && MayCampaign)
            Campaign(preVote: true, transfer: false);
    }

    /// <summary>Takes a message.</summary>
    public void Step(RaftMessage message)
    {
        Ignored = Refusal(message);
        if (Ignored is not null)
            return;
        ReplicaId from = ReplicaId.From(message.From);
        if (message.Term > Term && !StepHigherTerm(message, from))
            return;
        if (message.Term < Term)
        {
            StepLowerTerm(message, from);
            return;
        }

        switch (message.Type)
        {
            case MessageType.MessagePreVote or MessageType.MessageVote:
                StepVote(message, from);
                break;
            case MessageType.MessagePreVoteReply or MessageType.MessageVoteReply:
                StepVoteReply(message, from);
                break;
            case MessageType.MessageAppend or MessageType.MessageHeartbeat or MessageType.MessageSnapshot:
                StepFromLeader(message, from);
                break;
            case MessageType.MessageAppendReply or MessageType.MessageHeartbeatReply when Role == RaftRole.Leader:
                StepFromFollower(message, from);
                break;
            case MessageType.MessageTimeoutNow when MayCampaign && Role == RaftRole.Follower:
                Campaign(preVote: false, transfer: true);
                break;
            default:
                Ignored = $"{message.Type} as {Role}";
                break;
        }
    }

    /// <summary>True if <see cref="TakeReady"/> has something to do and none is out.</summary>
    public bool HasReady => !_readyOut && (_appends.Count > 0 || _replies.Count > 0 || _reads.Count > 0
        || _snapshotsWanted.Count > 0 || _install is not null || Term != _durableTerm || VotedFor != _durableVote
        || _firstUnsaved != 0 || Applicable > _handedOut);

    private ulong Applicable => AwaitsState ? 0 : Math.Min(Commit, Log.Persisted);

    /// <summary>Takes everything that is to be done. <see cref="Persisted"/> must follow before the next one.</summary>
    public Ready TakeReady()
    {
        if (_readyOut)
            throw new InvalidOperationException("The last Ready is not persisted yet.");
        bool voteChanged = Term != _durableTerm || VotedFor != _durableVote;
        JournalEvent? persist = null;
        if (voteChanged || _firstUnsaved != 0 || _install is not null)
        {
            ReplicaId vote = Has(RaftFault.VoteNotPersisted) ? ReplicaId.None : VotedFor;
            persist = new JournalEvent { Term = Term, VotedFor = vote.ToWire(), Installed = _install };
            if (_firstUnsaved != 0)
            {
                persist.FirstIndex = _firstUnsaved;
                persist.Entries.AddRange(Log.Slice(_firstUnsaved, Log.LastIndex, long.MaxValue));
            }
        }

        ulong to = Applicable;
        var ready = new Ready
        {
            Persist = persist,
            // An append in a term that is not durable could be answered, counted, and its leader wake up in an older term.
            SendNow = Has(RaftFault.AckBeforePersist) ? [.. _appends, .. _replies] : voteChanged ? [] : [.. _appends],
            SendAfterPersist = Has(RaftFault.AckBeforePersist) ? [] : voteChanged ? [.. _appends, .. _replies] : [.. _replies],
            Committed = to > _handedOut ? Log.Slice(_handedOut + 1, to, long.MaxValue) : [],
            Reads = [.. _reads],
            SnapshotsWanted = [.. _snapshotsWanted],
            Install = _install,
            LastIndex = _firstUnsaved != 0 ? Log.LastIndex : 0,
            LastTerm = Log.LastTerm,
        };
        _handedOut = Math.Max(_handedOut, to);
        (_durableTerm, _durableVote) = (Term, VotedFor);
        _firstUnsaved = 0;
        _install = null;
        _appends.Clear();
        _replies.Clear();
        _reads.Clear();
        _snapshotsWanted.Clear();
        _readyOut = true;
        return ready;
    }

    /// <summary>The event of the Ready that is out is durable (or it had none).</summary>
    public void Persisted(Ready ready)
    {
        _readyOut = false;
        if (ready.LastIndex == 0)
            return;
        // Entries may have been replaced while they were written. Those before them stand, and are not written again.
        if (_firstUnsaved == 0 || _firstUnsaved > ready.LastIndex)
            Log.MarkPersisted(ready.LastIndex, ready.LastTerm);
        else if (Log.TermOf(_firstUnsaved - 1) is { } term)
            Log.MarkPersisted(_firstUnsaved - 1, term);
        if (Role == RaftRole.Leader && _progress.TryGetValue(Id, out Progress? own))
        {
            own.Acknowledge(Log.Persisted);
            AdvanceCommit();
        }
    }

    private string? Refusal(RaftMessage message)
    {
        if (message.ClusterId != _clusterId)
            return "message of another cluster";
        if (ReplicaId.From(message.To) != Id)
            return $"message for replica {ReplicaId.From(message.To)}, this is {Id}";
        return null;
    }

    private bool StepHigherTerm(RaftMessage message, ReplicaId from)
    {
        bool asksVote = message.Type is MessageType.MessageVote or MessageType.MessagePreVote;
        if (asksVote && !message.Transfer && Leader != ReplicaId.None && _electionElapsed < _settings.ElectionTicks)
        {
            // A replica that was cut off or removed must not depose a leader that everybody else hears.
            Ignored = $"a leader is heard, {from} does not get a vote";
            return false;
        }

        if (message.Type == MessageType.MessagePreVote
            || (message.Type == MessageType.MessagePreVoteReply && !message.Reject))
            return true;
        bool fromLeader = message.Type is MessageType.MessageAppend or MessageType.MessageHeartbeat or MessageType.MessageSnapshot;
        BecomeFollower(message.Term, fromLeader ? from : ReplicaId.None);
        return true;
    }

    private void StepLowerTerm(RaftMessage message, ReplicaId from)
    {
        Ignored = $"term {message.Term} is over";
        switch (message.Type)
        {
            case MessageType.MessageAppend or MessageType.MessageHeartbeat or MessageType.MessageSnapshot:
                // Tells a leader of the past that there is a newer term.
                Reply(from, new RaftMessage { Type = MessageType.MessageAppendReply, Reject = true });
                break;
            case MessageType.MessagePreVote:
                Reply(from, new RaftMessage { Type = MessageType.MessagePreVoteReply, Reject = true });
                break;
        }
    }

    private void BecomeFollower(ulong term, ReplicaId leader)
    {
        if (term > Term)
            (Term, VotedFor) = (term, ReplicaId.None);
        if (Role == RaftRole.Leader)
            FailReads();
        Role = RaftRole.Follower;
        Leader = leader;
        _progress.Clear();
        _snapshotsWanted.Clear();
        ResetElectionTimer();
    }

    private void ResetElectionTimer()
    {
        _electionElapsed = 0;
        _electionTimeout = _settings.ElectionTicks + _random.Next(_settings.ElectionTicks);
    }

    private RaftMessage Address(ReplicaId to, RaftMessage message)
    {
        message.ClusterId = _clusterId;
        message.From = Id.ToWire();
        message.To = to.ToWire();
        if (message.Term == 0)
            message.Term = Term;
        return message;
    }

    private void Reply(ReplicaId to, RaftMessage message) => _replies.Add(Address(to, message));
}
