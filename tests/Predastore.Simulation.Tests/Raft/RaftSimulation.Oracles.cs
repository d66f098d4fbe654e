using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;

namespace Predastore.Simulation.Tests.Raft;

/// <content>What must hold after every step, judged from outside with full knowledge.</content>
internal sealed partial class RaftSimulation
{
    private readonly Dictionary<ulong, (ReplicaId Id, int Life)> _leaders = [];
    private readonly Dictionary<(ReplicaId Voter, ulong Term), ReplicaId> _votes = [];
    private readonly Dictionary<(ulong Index, ulong Term), (ulong PreviousTerm, Entry Entry)> _written = [];
    private readonly Dictionary<ulong, ulong> _applied = [];
    private readonly List<string> _history = [];
    private readonly Dictionary<ReplicaId, ulong> _terms = [];
    private readonly List<ulong> _committedTerms = [1, 1];

    private ulong Committed => (ulong)_committedTerms.Count - 1;

    private static void Check(bool holds, string otherwise)
    {
        if (!holds)
            throw new InvariantException(otherwise);
    }

    private void Observe(SimReplica replica)
    {
        RaftNode node = replica.Node!;

        // A group of one wins by its own vote at once, and tells nobody before it is durable.
        if (node.Role == RaftRole.Leader && replica.Durable.Term >= node.Term)
            ObserveLeader(replica, node);
        if (node.Commit > Committed)
            ObserveCommit(replica, node);
    }

    // Election safety, and leader completeness at the moment of the election.
    private void ObserveLeader(SimReplica replica, RaftNode node)
    {
        if (_leaders.TryGetValue(node.Term, out (ReplicaId Id, int Life) known))
        {
            Check(known == (replica.Id, replica.Life), $"{known} and {(replica.Id, replica.Life)} both lead term {node.Term}");
            return;
        }

        _leaders[node.Term] = (replica.Id, replica.Life);
        _history.Add($"{_now} {replica.Id} leads term {node.Term}, commit {node.Commit}, last {node.Log.LastIndex}");
        Check(node.Log.LastIndex >= Committed, $"{replica.Id} leads term {node.Term} with {node.Log.LastIndex} of {Committed} committed");
        for (ulong index = node.Log.BaseIndex + 1; index <= Committed; index++)
        {
            Check(node.Log.TermOf(index) == _committedTerms[(int)index],
                $"{replica.Id} leads term {node.Term} without the committed entry {_committedTerms[(int)index]}:{index}");
        }
    }

    // Only a leader commits first; what it commits is of its own term and durable on a quorum of its configuration.
    private void ObserveCommit(SimReplica replica, RaftNode node)
    {
        ulong before = Committed;
        for (ulong index = before + 1; index <= node.Commit; index++)
            _committedTerms.Add(node.Log.TermOf(index) ?? throw new InvariantException($"{replica.Id} committed {index} and has it not"));

        // A leader that removed itself has just stepped down.
        Check(_leaders.TryGetValue(node.Term, out (ReplicaId Id, int Life) leader) && leader.Id == replica.Id,
            $"{replica.Id} committed {node.Commit} before the leader of term {node.Term} did");
        Check(_committedTerms[^1] == node.Term, $"{replica.Id} committed {node.Commit} of term {_committedTerms[^1]} by counting in term {node.Term}");
        Membership members = node.Log.MembershipAt(node.Log.LastIndex);
        Retire(node.Log.MembershipAt(node.Commit));
        int durable = members.Voters.Count(voter => _replicas.TryGetValue(voter, out SimReplica? r) && Holds(r.Durable.Log, node));
        Check(durable >= members.Quorum, $"{replica.Id} committed {node.Commit}, durable on {durable} of {members}");
    }

    // Out once a committed configuration that lacks it follows one that had it: then nobody counts on its disk any more.
    private void Retire(Membership committed)
    {
        foreach (SimReplica replica in _replicas.Values)
        {
            bool member = committed.Contains(replica.Id);
            replica.Retired |= replica.Joined && !member;
            replica.Joined |= member;
        }
    }

    private static bool Holds(RaftLog durable, RaftNode leader)
        => durable.BaseIndex >= leader.Commit || durable.TermOf(leader.Commit) == leader.Log.TermOf(leader.Commit);

    // A vote is given once a term, whatever happened to the voter in between.
    private void ObserveSend(SimReplica from, RaftMessage message)
    {
        if (message.Type != MessageType.MessageVoteReply || message.Reject)
            return;
        ReplicaId candidate = ReplicaId.From(message.To);
        if (!_votes.TryAdd((from.Id, message.Term), candidate))
            Check(_votes[(from.Id, message.Term)] == candidate, $"{from.Id} voted twice in term {message.Term}");
    }

    // Log matching: an index and a term name one entry, and one entry before it. Terms on a disk never go back.
    private void ObserveWrite(SimReplica replica, JournalEvent e)
    {
        Check(e.Term >= _terms.GetValueOrDefault(replica.Id), $"term of {replica.Id} goes back to {e.Term}");
        _terms[replica.Id] = e.Term;
        foreach (Entry entry in e.Entries)
        {
            ulong? previous = replica.Durable.Log.TermOf(entry.Index - 1);
            if (previous is null)
                continue;
            if (!_written.TryAdd((entry.Index, entry.Term), (previous.Value, entry)))
            {
                (ulong previousTerm, Entry known) = _written[(entry.Index, entry.Term)];
                Check(previousTerm == previous && known.Data == entry.Data && known.Kind == entry.Kind,
                    $"two entries {entry.Term}:{entry.Index}");
            }
        }
    }

    private void ObserveApply(SimReplica replica)
    {
        SimMachine machine = replica.Machine;
        Check(machine.Applied <= Committed && _committedTerms[(int)machine.Applied] == machine.Term,
            $"{replica.Id} applied {machine.Term}:{machine.Applied}, which is not what was committed");
        if (!_applied.TryAdd(machine.Applied, machine.Hash))
            Check(_applied[machine.Applied] == machine.Hash, $"{replica.Id} has another state at {machine.Applied}");
        _hash = SimMachine.Mix(_hash, machine.Hash);
    }

    // Liveness: when all is well again the group agrees, and commits what comes.
    private void CheckConverged()
    {
        SimReplica[] leaders = [.. _replicas.Values.Where(replica => replica.Node?.Role == RaftRole.Leader)];
        SimReplica leader = leaders.MaxBy(replica => replica.Node!.Term) ?? throw new InvariantException("no leader after healing");
        Membership members = leader.Node!.Log.Membership;
        Check(leader.Node.HasCommittedInTerm, $"{leader.Id} has committed nothing in its term");
        Check(leader.Node.Log.LastIndex - leader.Node.Commit <= 200, $"{leader.Id} does not commit");
        foreach (ReplicaId id in members.All)
        {
            SimReplica replica = _replicas[id];
            Check(replica.Node is not null && replica.Machine.Applied + 200 >= leader.Node.Commit, $"{id} has not caught up after healing");
            Check(replica.Node!.Leader == leader.Id, $"{id} follows {replica.Node.Leader}, the leader is {leader.Id}");
        }

        Check(_acknowledgedTo <= Committed, "acknowledged and not committed");
    }
}
