namespace Predastore.Actors.Raft.Core;

/// <content>
/// Changes of the group that an operator asks for. Raft itself would allow more: what is refused here is safe and would leave a group
/// that stops, or one that stops at the next failure without anybody having meant that.
/// </content>
public sealed partial class RaftNode
{
    /// <summary>Voters and learners at most: each one costs the leader a copy of everything.</summary>
    public const int MembersMax = 15;

    /// <summary>A learner that lacks this many entries at most has caught up: the rest is on its way.</summary>
    public const int CaughtUpEntries = 256;

    private int _leaderTicks;

    /// <summary>Takes a step, if it is safe. Leader only.</summary>
    /// <param name="change">The step.</param>
    /// <param name="index">Index of the configuration that takes effect; 0 if none was proposed.</param>
    /// <returns>
    /// <see cref="ChangeOutcome.Done"/> with an index of 0: things are so already. With an index: once it is committed.
    /// </returns>
    public ChangeResult Change(MembershipChange change, out ulong index)
    {
        index = 0;
        if (Role != RaftRole.Leader)
            return ChangeResult.Later("this replica is not the leader");
        if (change.Replica.Node == 0 || change.Replica.Incarnation == 0)
            return ChangeResult.Refused($"{change.Replica} is no replica");
        if (!HasCommittedInTerm || Log.MembershipIndex > Commit)
            return ChangeResult.Later("the leader is new, or another change is not committed yet");
        (ChangeResult? answer, Membership next) = change.Step switch
        {
            MembershipStep.AddLearner => Learner(change.Replica),
            MembershipStep.Promote => Voter(change.Replica),
            _ => Without(change),
        };
        if (answer is not null)
            return answer;
        if (!ProposeMembership(next))
            return ChangeResult.Later("the leader takes no changes now");
        index = Log.LastIndex;
        return ChangeResult.Done;
    }

    /// <summary>Hands leadership to the voter that holds most of the log; nobody if none is reachable. Leader only.</summary>
    public ReplicaId HandOver()
    {
        ReplicaId heir = Members.Voters.Where(voter => voter != Id && IsReachable(voter))
            .OrderByDescending(voter => _progress[voter].Match).FirstOrDefault();
        return Transfer(heir) ? heir : ReplicaId.None;
    }

    /// <summary>True if so many others hold an entry that it is committed without this leader's own write.</summary>
    public bool IsOvertaken(ulong index) => Role == RaftRole.Leader
        && Members.Voters.Count(voter => voter != Id && _progress.TryGetValue(voter, out Progress? p) && p.Match >= index) >= Members.Quorum;

    private (ChangeResult? Answer, Membership Next) Learner(ReplicaId replica)
    {
        if (Members.Contains(replica))
            return (ChangeResult.Done, Members);
        if (Members.All.Count() >= MembersMax)
            return (ChangeResult.Refused($"the group has {MembersMax} members already"), Members);
        return Members.Learners.FirstOrDefault(learner => learner.Node == replica.Node) is { Node: > 0 } other
            ? (ChangeResult.Refused($"replica {other} of the same node learns already: remove it first"), Members)
            : (null, new Membership(Members.Voters, Members.Learners.Append(replica)));
    }

    private (ChangeResult? Answer, Membership Next) Voter(ReplicaId replica)
    {
        if (Members.IsVoter(replica))
            return (ChangeResult.Done, Members);
        if (!Members.Contains(replica))
            return (ChangeResult.Refused($"replica {replica} is no learner: add it first"), Members);
        if (Members.Voters.FirstOrDefault(voter => voter.Node == replica.Node) is { Node: > 0 } other)
            return (ChangeResult.Refused($"replica {other} of the same node still votes: replace it, or remove it first"), Members);
        if (!IsReachable(replica))
            return (ChangeResult.Later($"replica {replica} does not answer the leader"), Members);
        ulong behind = Log.LastIndex - _progress[replica].Match;
        if (behind > CaughtUpEntries)
            return (ChangeResult.Later($"replica {replica} still lacks {behind} entries"), Members);
        var next = new Membership(Members.Voters.Append(replica), Members.Learners.Remove(replica));
        return (Standstill(next), next);
    }

    private (ChangeResult? Answer, Membership Next) Without(MembershipChange change)
    {
        ReplicaId replica = change.Replica;
        var next = new Membership(Members.Voters.Remove(replica), Members.Learners.Remove(replica));
        if (!Members.Contains(replica))
            return (ChangeResult.Done, Members);
        if (!Members.IsVoter(replica))
            return (null, next);
        if (next.Voters.IsEmpty)
            return (ChangeResult.Refused("it is the last voter: nothing could be read or written any more"), Members);
        if (next.LossesMax < Members.LossesMax && !change.AcceptLess)
        {
            return (ChangeResult.Refused(
                $"the group would survive the loss of {next.LossesMax} of {next.Voters.Length} voters, and now survives {Members.LossesMax} of "
                + $"{Members.Voters.Length}: add a replica first, or say that fewer will do"), Members);
        }

        if (Standstill(next) is { } refusal)
            return (refusal, Members);
        if (replica != Id)
            return (null, next);

        // The next leader removes it: a group that loses its leader by its own commit has an election's time without one.
        ReplicaId heir = HandOver();
        return (ChangeResult.Later($"it is the leader, and hands over to {heir}"), Members);
    }

    private ChangeResult? Standstill(Membership next)
    {
        int reachable = next.Voters.Count(IsReachable);
        if (reachable >= next.Quorum)
            return null;
        string reason = $"the leader reaches {reachable} of the {next.Voters.Length} voters that there would be, and {next.Quorum} have to agree";

        // A leader that was elected just now has not heard everybody yet.
        return _leaderTicks < 2 * _settings.ElectionTicks ? ChangeResult.Later(reason) : ChangeResult.Refused(reason);
    }

    private bool IsReachable(ReplicaId replica)
        => replica == Id || (_progress.TryGetValue(replica, out Progress? progress) && progress.SilentTicks <= 2 * _settings.ElectionTicks);
}
