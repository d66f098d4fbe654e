using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;

namespace Predastore.Simulation.Tests.Raft;

/// <content>What this simulation adds to the oracles.</content>
internal sealed partial class RaftSimulation
{
    private readonly RaftOracles _oracles;

    private static void Check(bool holds, string otherwise) => InvariantException.Check(holds, otherwise);

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

    private void ObserveApply(SimReplica replica)
    {
        SimMachine machine = replica.Machine;
        _oracles.ObserveApply(replica, machine.Applied, machine.Term, machine.Hash);
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

        Check(_acknowledgedTo <= _oracles.Committed, "acknowledged and not committed");
    }
}
