namespace Predastore.Actors.Raft.Core;

/// <content>Elections: who may lead. Pre-vote first, so that a replica that cannot win changes nobody's term.</content>
public sealed partial class RaftNode
{
    private readonly Dictionary<ReplicaId, bool> _votes = [];

    private void Campaign(bool preVote, bool transfer)
    {
        Leader = ReplicaId.None;
        ResetElectionTimer();
        _votes.Clear();
        if (preVote)
        {
            Role = RaftRole.PreCandidate;
        }
        else
        {
            Role = RaftRole.Candidate;
            Term++;
            VotedFor = Id;
        }

        _votes[Id] = true;
        if (CountVotes())
            return;
        foreach (ReplicaId voter in Members.Voters)
        {
            if (voter == Id)
                continue;
            Reply(voter, new RaftMessage
            {
                Type = preVote ? MessageType.MessagePreVote : MessageType.MessageVote,
                Term = preVote ? Term + 1 : Term,
                LogIndex = Log.LastIndex,
                LogTerm = Log.LastTerm,
                Transfer = transfer,
            });
        }
    }

    private void StepVote(RaftMessage message, ReplicaId from)
    {
        bool preVote = message.Type == MessageType.MessagePreVote;
        bool upToDate = message.LogTerm > Log.LastTerm
            || (message.LogTerm == Log.LastTerm && message.LogIndex >= Log.LastIndex)
            || Has(RaftFault.VoteForShorterLog);
        bool free = preVote
            ? message.Term > Term || VotedFor == from
            : VotedFor == from || (VotedFor == ReplicaId.None && Leader == ReplicaId.None);

        // Who counts as a voter is the candidate's to know: this replica's configuration may be older, or newer and never to be
        // committed. A learner that was promoted while the news did not reach it must vote, or the group could stand still with a
        // quorum alive. An empty replica knows of nobody and never votes.
        bool grant = Members.Voters.Length > 0 && upToDate && free;
        if (grant && !preVote)
        {
            VotedFor = from;
            ResetElectionTimer();
        }

        Reply(from, new RaftMessage
        {
            Type = preVote ? MessageType.MessagePreVoteReply : MessageType.MessageVoteReply,
            Term = grant ? message.Term : Term,
            Reject = !grant,
        });
    }

    private void StepVoteReply(RaftMessage message, ReplicaId from)
    {
        bool preVote = message.Type == MessageType.MessagePreVoteReply;
        RaftRole asked = preVote ? RaftRole.PreCandidate : RaftRole.Candidate;

        // A granted pre-vote carries the term it was asked for: one of an older campaign must not count for this one.
        if (Role != asked || (preVote && !message.Reject && message.Term != Term + 1))
        {
            Ignored = $"{message.Type} as {Role}";
            return;
        }

        _votes[from] = !message.Reject;
        CountVotes();
    }

    private bool CountVotes()
    {
        int granted = Members.Voters.Count(voter => _votes.GetValueOrDefault(voter));
        int refused = Members.Voters.Count(voter => _votes.TryGetValue(voter, out bool yes) && !yes);
        if (granted >= Members.Quorum)
        {
            if (Role == RaftRole.PreCandidate)
                Campaign(preVote: false, transfer: false);
            else
                BecomeLeader();
            return true;
        }

        if (refused >= Members.Quorum)
            BecomeFollower(Term, ReplicaId.None);
        return false;
    }
}
