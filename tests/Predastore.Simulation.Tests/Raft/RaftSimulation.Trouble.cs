using Predastore.Actors.Raft.Core;

namespace Predastore.Simulation.Tests.Raft;

/// <content>What goes wrong, and the healing at the end.</content>
internal sealed partial class RaftSimulation
{
    private const uint NodesMax = 7;

    private void Trouble()
    {
        if (_healed)
            return;
        After(1 + _random.Next(2 * _settings.TroubleMs), Trouble);
        if (_settings.Membership && _settings.MembershipPerMille > 0 && Chance(_settings.MembershipPerMille))
        {
            for (int i = 0; i < _settings.MembershipBurst; i++)
                ChangeMembership();
            return;
        }

        switch (_random.Next(9))
        {
            case 0 or 1:
                CrashSome(1);
                break;
            case 2:
                CrashSome(_replicas.Count);
                break;
            case 3:
                CutSome(bothWays: true);
                break;
            case 4:
                CutSome(bothWays: false);
                break;
            case 5 or 6:
                _cut.Clear();
                break;
            case 7:
                if (SomeLeader() is { } leader)
                {
                    Membership members = leader.Node!.Log.Membership;
                    leader.Node.Transfer(members.Voters[_random.Next(members.Voters.Length)]);
                    Pump(leader);
                }

                break;
            case 8 when _settings.Membership:
                ChangeMembership();
                break;
        }
    }

    private void CrashSome(int count)
    {
        SimReplica[] up = [.. _replicas.Values.Where(replica => replica.Node is not null)];
        for (int i = 0; i < count && up.Length > 0; i++)
        {
            SimReplica victim = count > 1 && i < up.Length ? up[i] : up[_random.Next(up.Length)];
            if (victim.Node is null)
                continue;
            victim.Crash();
            int life = victim.Life;
            After(1 + _random.Next(5_000), () =>
            {
                if (victim.Life == life && victim.Node is null && !victim.Gone)
                    Start(victim);
            });
        }
    }

    private void CutSome(bool bothWays)
    {
        for (uint from = 1; from <= NodesMax; from++)
        {
            for (uint to = from + 1; to <= NodesMax; to++)
            {
                if (_random.Next(3) != 0)
                    continue;
                if (bothWays || _random.Next(2) == 0)
                    _cut.Add((from, to));
                if (bothWays || _random.Next(2) == 0)
                    _cut.Add((to, from));
            }
        }
    }

    private void AskNewLeader(SimReplica replica)
    {
        if (!_settings.Membership || !_settings.MembershipOnElection || _healed
            || replica.Node!.Role != RaftRole.Leader || replica.AskedInTerm == replica.Node.Term)
            return;
        replica.AskedInTerm = replica.Node.Term;
        After(1, () =>
        {
            if (replica.Node?.Role != RaftRole.Leader)
                return;
            Membership now = replica.Node.Log.Membership;
            Ask(replica, now.Voters.Length % 2 == 0 ? Without(now) : SomeChange(now));
            if (_random.Next(2) == 0)
                Split();
        });
    }

    // Every node is on one of two sides.
    private void Split()
    {
        _cut.Clear();
        int sides = _random.Next(1 << (int)NodesMax);
        for (uint from = 1; from <= NodesMax; from++)
            for (uint to = 1; to <= NodesMax; to++)
                if (((sides >> (int)(from - 1)) & 1) != ((sides >> (int)(to - 1)) & 1))
                    _cut.Add((from, to));
    }

    private SimReplica? SomeLeader()
    {
        SimReplica[] leaders = [.. _replicas.Values.Where(replica => replica.Node?.Role == RaftRole.Leader)];
        return leaders.Length == 0 ? null : leaders[_random.Next(leaders.Length)];
    }

    private void ChangeMembership()
    {
        if (SomeLeader() is { } leader)
            Ask(leader, SomeChange(leader.Node!.Log.Membership));
    }

    private void Ask(SimReplica leader, Membership? next)
    {
        // A leader that removed itself may be the very one whose disk was wiped for the newcomer.
        if (next is null || leader.Node is null)
            return;
        leader.Node.ProposeMembership(next);
        Pump(leader);
    }

    private Membership? SomeChange(Membership now) => _random.Next(3) switch
    {
        0 => WithLearner(now),
        1 when now.Learners.Length > 0 => Promoted(now, now.Learners[_random.Next(now.Learners.Length)]),
        2 => Without(now),
        _ => null,
    };

    private static Membership Promoted(Membership now, ReplicaId learner)
        => new(now.Voters.Append(learner), now.Learners.Where(id => id != learner));

    // A node whose replica was removed comes back only with an empty disk, as another incarnation.
    private Membership? WithLearner(Membership now)
    {
        uint node = 1 + (uint)_random.Next((int)NodesMax);
        if (now.All.Any(id => id.Node == node))
            return null;
        ulong incarnation = 1;
        foreach (SimReplica old in _replicas.Values.Where(replica => replica.Id.Node == node).ToArray())
        {
            incarnation = old.Id.Incarnation + 1;

            // Another leader may not know yet that the old replica is out: its disk is wiped only if nobody counts on it.
            if (!old.Retired)
                return null;
            old.Gone = true;
            if (old.Node is not null)
                old.Crash();
        }

        SimReplica fresh = Add(new ReplicaId(node, incarnation));
        Start(fresh);
        return new Membership(now.Voters, now.Learners.Append(fresh.Id));
    }

    private Membership? Without(Membership now)
    {
        ReplicaId[] all = [.. now.All];
        ReplicaId gone = all[_random.Next(all.Length)];
        return now.IsVoter(gone) && now.Voters.Length == 1
            ? null
            : new Membership(now.Voters.Where(id => id != gone), now.Learners.Where(id => id != gone));
    }

    private void Heal()
    {
        _healed = true;
        _cut.Clear();
        foreach (SimReplica replica in _replicas.Values)
            if (replica.Node is null && !replica.Gone)
                Start(replica);
    }
}
