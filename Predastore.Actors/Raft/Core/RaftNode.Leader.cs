using Google.Protobuf;

namespace Predastore.Actors.Raft.Core;

/// <content>Leading: proposals, commitment, heartbeats, quorum check, transfer.</content>
public sealed partial class RaftNode
{
    private readonly SortedDictionary<ReplicaId, Progress> _progress = [];
    private readonly List<ReplicaId> _snapshotsWanted = [];
    private ReplicaId _transferTo;
    private int _transferElapsed;
    private long _uncommittedBytes;

    /// <summary>True once an entry of this leader's own term is committed.</summary>
    public bool HasCommittedInTerm => Role == RaftRole.Leader && Log.TermOf(Commit) == Term;

    /// <summary>Match index of every replica, on the leader.</summary>
    public IReadOnlyDictionary<ReplicaId, ulong> Matches => _progress.ToDictionary(pair => pair.Key, pair => pair.Value.Match);

    /// <summary>Adds a command to the log; false if this is not the leader, or it is full or handing over.</summary>
    /// <param name="data">At most <see cref="RaftSettings.EntryBytesMax"/>.</param>
    /// <param name="index">Index it got; it commits only if an entry of this term stands there.</param>
    public bool Propose(ByteString data, out ulong index)
    {
        index = 0;
        if (Role != RaftRole.Leader || _transferTo != ReplicaId.None
            || Log.LastIndex - Commit >= (ulong)_settings.UncommittedMax || data.Length > _settings.EntryBytesMax
            || _uncommittedBytes > _settings.UncommittedBytesMax)
            return false;
        index = AppendOwn(EntryKind.EntryCommand, data);
        BroadcastAppends();
        return true;
    }

    /// <summary>Proposes a configuration; false if this is not the leader, one is under way, it is no single step, or
    /// it makes a voter of a replica that is not a learner holding the configuration yet.</summary>
    public bool ProposeMembership(Membership next)
    {
        bool open = (!HasCommittedInTerm && !Has(RaftFault.MembershipBeforeOwnTerm))
            || (Log.MembershipIndex > Commit && !Has(RaftFault.OverlappingMembership));
        if (Role != RaftRole.Leader || open || !Members.IsOneStepTo(next))
            return false;

        // A voter that holds no configuration yet does not vote: counted in the quorum, it could stop the group for good.
        if (next.Voters.Except(Members.Voters).Any(id => !_progress.TryGetValue(id, out Progress? p) || p.Match < Log.MembershipIndex))
            return false;
        AppendOwn(EntryKind.EntryConfiguration, next.ToWire().ToByteString());
        RefreshProgress();
        BroadcastAppends();
        return true;
    }

    /// <summary>Hands leadership to a voter that has caught up; given up after an election timeout.</summary>
    public bool Transfer(ReplicaId to)
    {
        if (Role != RaftRole.Leader || to == Id || !Members.IsVoter(to))
            return false;
        (_transferTo, _transferElapsed) = (to, 0);
        TryTransfer();
        return true;
    }

    /// <summary>Tells how a snapshot to a follower ended; it is probed again.</summary>
    public void SnapshotSent(ReplicaId to, ulong index, bool delivered)
    {
        if (!_progress.TryGetValue(to, out Progress? progress) || progress.Mode != ProgressMode.Snapshot)
            return;

        // What was delivered counts as matched only when the follower says so: it may refuse it, or crash, and a heartbeat with a
        // commit index beyond what it holds would commit entries of its own in the range.
        progress.BecomeProbe();
        if (delivered)
            progress.Next = Math.Max(progress.Match, index) + 1;
    }

    /// <summary>How every replica is fed, for people.</summary>
    internal string DescribeProgress() => string.Join(", ", _progress.Select(pair =>
        $"{pair.Key} {pair.Value.Mode} match {pair.Value.Match} next {pair.Value.Next} out {pair.Value.Inflight.Count} waiting {pair.Value.Waiting}"));

    private void BecomeLeader()
    {
        Role = RaftRole.Leader;
        Leader = Id;
        (_transferTo, _transferElapsed, _heartbeatElapsed, _electionElapsed, _leaderTicks) = (ReplicaId.None, 0, 0, 0, 0);
        _progress.Clear();
        RefreshProgress();
        _uncommittedBytes = Log.BytesOf(Commit + 1, Log.LastIndex);

        // Nothing of earlier terms can be counted or read before an entry of this term is committed.
        AppendOwn(EntryKind.EntryNoop, ByteString.Empty);
        BroadcastAppends();
    }

    private ulong AppendOwn(EntryKind kind, ByteString data)
    {
        var entry = new Entry { Index = Log.LastIndex + 1, Term = Term, Kind = kind, Data = data };
        Log.Append(entry);
        _uncommittedBytes += data.Length;
        if (_firstUnsaved == 0)
            _firstUnsaved = entry.Index;
        if (Has(RaftFault.CountSelfBeforePersist) && _progress.TryGetValue(Id, out Progress? own))
            own.Match = entry.Index;
        return entry.Index;
    }

    private void RefreshProgress()
    {
        foreach (ReplicaId gone in _progress.Keys.Except(Members.All).Where(id => id != Id).ToArray())
            _progress.Remove(gone);
        foreach (ReplicaId id in Members.All)
            if (!_progress.ContainsKey(id))
                _progress[id] = new Progress { Next = Log.LastIndex + 1, Active = true };
        if (_progress.TryGetValue(Id, out Progress? own))
            own.Match = Math.Max(own.Match, Log.Persisted);
    }

    private void TickLeader()
    {
        _leaderTicks++;
        foreach (Progress progress in _progress.Values)
            progress.SilentTicks++;
        if (_electionElapsed >= _settings.ElectionTicks)
        {
            _electionElapsed = 0;
            if (!QuorumActive())
            {
                // Whoever cannot reach a quorum must not let clients wait for what it cannot commit.
                BecomeFollower(Term, ReplicaId.None);
                return;
            }
        }

        if (_transferTo != ReplicaId.None && ++_transferElapsed >= _settings.ElectionTicks)
            _transferTo = ReplicaId.None;
        if (++_heartbeatElapsed >= _settings.HeartbeatTicks)
            BroadcastHeartbeats();
    }

    private bool QuorumActive()
    {
        int active = Members.Voters.Count(voter => voter == Id || (_progress.TryGetValue(voter, out Progress? p) && p.Active));
        foreach (Progress progress in _progress.Values)
            progress.Active = false;
        return active >= Members.Quorum;
    }

    private void BroadcastHeartbeats()
    {
        _heartbeatElapsed = 0;
        foreach ((ReplicaId id, Progress progress) in _progress)
        {
            if (id == Id)
                continue;
            _appends.Add(Address(id, new RaftMessage
            {
                Type = MessageType.MessageHeartbeat,
                Commit = Has(RaftFault.HeartbeatCommitUnbounded) ? Commit : Math.Min(progress.Match, Commit),
                Round = _round,
            }));
        }
    }

    private void BroadcastAppends()
    {
        foreach (ReplicaId id in _progress.Keys)
            if (id != Id)
                SendAppends(id);

        // A group of one commits by its own write alone.
        AdvanceCommit();
    }

    private void SendAppends(ReplicaId to)
    {
        Progress progress = _progress[to];
        while (progress.CanSend(_settings.InflightMax))
        {
            ulong before = progress.Next - 1;
            if (Log.TermOf(before) is not { } term)
            {
                progress.BecomeSnapshot();
                _snapshotsWanted.Add(to);
                return;
            }

            if (progress.Mode == ProgressMode.Replicate && progress.Next > Log.LastIndex)
                return;
            var append = new RaftMessage
            {
                Type = MessageType.MessageAppend,
                LogIndex = before,
                LogTerm = term,
                Commit = Commit,
            };
            if (progress.Next <= Log.LastIndex)
                append.Entries.AddRange(Log.Slice(progress.Next, Log.LastIndex, _settings.MessageBytesMax));
            _appends.Add(Address(to, append));
            if (progress.Mode == ProgressMode.Probe)
            {
                progress.Waiting = true;
                return;
            }

            progress.Next += (ulong)append.Entries.Count;
            progress.Inflight.Enqueue(progress.Next - 1);
        }
    }

    private void StepFromFollower(RaftMessage message, ReplicaId from)
    {
        if (!_progress.TryGetValue(from, out Progress? progress))
        {
            Ignored = $"{from} is not in the configuration";
            return;
        }

        progress.Active = true;
        progress.SilentTicks = 0;
        if (message.Type == MessageType.MessageHeartbeatReply)
        {
            progress.Round = Math.Max(progress.Round, message.Round);
            ConfirmReads();

            // What was lost on the way is sent again: a full window or a waiting probe would stand for ever.
            if (progress.Mode == ProgressMode.Probe)
                progress.Waiting = false;
            else if (progress.IsStalled())
                progress.BecomeProbe();
            if (progress.Match < Log.LastIndex)
                SendAppends(from);
            return;
        }

        if (message.Reject)
        {
            StepRejected(message, from, progress);
            return;
        }

        bool news = message.LogIndex > progress.Match;
        progress.Acknowledge(message.LogIndex);
        if (progress.Mode == ProgressMode.Probe || (progress.Mode == ProgressMode.Snapshot && Log.TermOf(progress.Match) is not null))
            progress.BecomeReplicate();
        if (news)
            AdvanceCommit();

        // The commit of its own removal ends its leadership.
        if (Role != RaftRole.Leader)
            return;
        SendAppends(from);
        if (from == _transferTo)
            TryTransfer();
    }

    private void StepRejected(RaftMessage message, ReplicaId from, Progress progress)
    {
        if (progress.Mode == ProgressMode.Snapshot || message.LogIndex <= progress.Match)
            return;
        if (progress.Mode == ProgressMode.Probe && message.LogIndex != progress.Next - 1)
            return;

        // Skips whole terms that the follower cannot share, instead of one entry a round trip.
        ulong next = Math.Min(message.HintIndex, message.LogIndex - 1);
        while (next > progress.Match && Log.TermOf(next) is { } term && term > message.HintTerm)
            next--;
        progress.BecomeProbe();
        progress.Next = Math.Max(next, progress.Match) + 1;
        SendAppends(from);
    }

    private void AdvanceCommit()
    {
        if (Role != RaftRole.Leader || Members.Voters.Length == 0)
            return;
        ulong[] matches = [.. Members.Voters.Select(v => _progress.TryGetValue(v, out Progress? p) ? p.Match : 0).OrderDescending()];
        ulong candidate = matches[Members.Quorum - 1];

        // An entry of an earlier term on a quorum can still be overwritten: it commits only under one of this term.
        if (candidate <= Commit || (Log.TermOf(candidate) != Term && !Has(RaftFault.CommitOldTerm)))
            return;
        _uncommittedBytes -= Log.BytesOf(Commit + 1, candidate);
        Commit = candidate;
        ReleaseReads();
        foreach (ReplicaId id in _progress.Keys)
        {
            if (id == Id || !_progress[id].CanSend(_settings.InflightMax))
                continue;
            _appends.Add(Address(id, new RaftMessage
            {
                Type = MessageType.MessageHeartbeat,
                Commit = Math.Min(_progress[id].Match, Commit),
                Round = _round,
            }));
        }

        if (!Members.IsVoter(Id) && Log.MembershipIndex <= Commit)
            BecomeFollower(Term, ReplicaId.None);
    }

    private void TryTransfer()
    {
        if (_progress.TryGetValue(_transferTo, out Progress? progress) && progress.Match == Log.LastIndex)
            Reply(_transferTo, new RaftMessage { Type = MessageType.MessageTimeoutNow });
    }
}
