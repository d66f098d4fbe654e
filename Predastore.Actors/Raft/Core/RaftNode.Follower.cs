namespace Predastore.Actors.Raft.Core;

/// <content>Following: appends, heartbeats, snapshots.</content>
public sealed partial class RaftNode
{
    /// <summary>
    /// A snapshot was received and verified at the side: takes it if it is news. The caller puts it in place when the Ready that
    /// names it is durable.
    /// </summary>
    public bool InstallSnapshot(SnapshotMeta snapshot, ReplicaId from)
    {
        if (AwaitsState && Log.TermOf(snapshot.Index) == snapshot.Term)
            return InstallState(snapshot, from);
        if (snapshot.Index <= Commit)
        {
            Reply(from, new RaftMessage { Type = MessageType.MessageAppendReply, LogIndex = Commit });
            return false;
        }

        if (Log.TermOf(snapshot.Index) == snapshot.Term)
        {
            // The log reaches it, and what stands after it may have been acknowledged and counted: nothing may be dropped.
            AdvanceCommitTo(snapshot.Index);
            Reply(from, new RaftMessage { Type = MessageType.MessageAppendReply, LogIndex = snapshot.Index });
            return false;
        }

        if (Role == RaftRole.Leader)
            throw new InvalidOperationException($"{Id} leads term {Term} without the committed entry {snapshot.Term}:{snapshot.Index}.");
        if (Role != RaftRole.Follower)
            BecomeFollower(Term, ReplicaId.None);
        Log.Reset(snapshot.Index, snapshot.Term, Membership.From(snapshot.Configuration));
        Commit = snapshot.Index;
        _handedOut = snapshot.Index;
        _firstUnsaved = 0;
        _install = snapshot;
        AwaitsState = false;
        Reply(from, new RaftMessage { Type = MessageType.MessageAppendReply, LogIndex = snapshot.Index });
        return true;
    }

    // The log is whole and only the state was lost: it starts after the snapshot from now on, and keeps what stands behind that.
    private bool InstallState(SnapshotMeta snapshot, ReplicaId from)
    {
        if (snapshot.Index > Log.Persisted)
            return false;
        Log.Compact(snapshot.Index);
        AdvanceCommitTo(snapshot.Index);
        _handedOut = snapshot.Index;
        _firstUnsaved = Log.LastIndex > snapshot.Index ? snapshot.Index + 1 : 0;
        _install = snapshot;
        AwaitsState = false;
        Reply(from, new RaftMessage { Type = MessageType.MessageAppendReply, LogIndex = snapshot.Index });
        return true;
    }

    private void StepFromLeader(RaftMessage message, ReplicaId from)
    {
        if (Role == RaftRole.Leader)
            throw new InvalidOperationException($"Two leaders in term {Term}: {Id} and {from}.");
        if (Role != RaftRole.Follower || Leader != from)
            BecomeFollower(Term, from);
        _electionElapsed = 0;
        switch (message.Type)
        {
            case MessageType.MessageAppend:
                StepAppend(message, from);
                break;
            case MessageType.MessageHeartbeat:
                AdvanceCommitTo(Math.Min(message.Commit, Log.LastIndex));
                Reply(from, new RaftMessage
                {
                    Type = MessageType.MessageHeartbeatReply,
                    Round = message.Round,
                    LogIndex = Log.LastIndex,
                });
                break;
        }
    }

    private void StepAppend(RaftMessage message, ReplicaId from)
    {
        if (message.LogIndex < Commit)
        {
            // All up to the commit index agrees by definition; what is older may be compacted away.
            Reply(from, new RaftMessage { Type = MessageType.MessageAppendReply, LogIndex = Commit });
            return;
        }

        if (Log.TermOf(message.LogIndex) != message.LogTerm)
        {
            ulong hint = Math.Min(message.LogIndex, Log.LastIndex);
            while (hint > Commit && Log.TermOf(hint) is { } term && term > message.LogTerm)
                hint--;
            Reply(from, new RaftMessage
            {
                Type = MessageType.MessageAppendReply,
                Reject = true,
                LogIndex = message.LogIndex,
                HintIndex = hint,
                HintTerm = Log.TermOf(hint) ?? 0,
            });
            return;
        }

        ulong first = Log.Merge(message.Entries, Commit, Has(RaftFault.TruncateOnEqual));
        if (first != 0 && (_firstUnsaved == 0 || first < _firstUnsaved))
            _firstUnsaved = first;
        ulong last = message.LogIndex + (ulong)message.Entries.Count;
        AdvanceCommitTo(Math.Min(message.Commit, last));
        Reply(from, new RaftMessage { Type = MessageType.MessageAppendReply, LogIndex = last });
    }

    private void AdvanceCommitTo(ulong index) => Commit = Math.Max(Commit, index);
}
