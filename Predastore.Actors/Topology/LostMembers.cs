using Akka.Cluster;

namespace Predastore.Actors.Topology;

/// <summary>
/// Decides which members are lost, from what one node sees: those that somebody cannot reach and that answer nobody, once that has been so
/// for a while. Who is out of reach of some alone answers others, and stays. Where lost members leave no majority this node is the one that
/// goes. Pure: knows no clock and sends nothing.
/// </summary>
/// <remarks>
/// Akka's split-brain resolver takes both ends of one broken link out of the cluster, which of three nodes leaves one. Members are never
/// what safety rests on, so nobody has to go who can still work.
/// </remarks>
/// <param name="stableAfter">As long as this nothing may have changed: both sides of a partition then count the same members.</param>
internal sealed class LostMembers(TimeSpan stableAfter)
{
    private HashSet<UniqueAddress> _silent = [];
    private TimeSpan _since;

    /// <summary>Takes what this node sees now.</summary>
    /// <param name="now">Of a clock that only goes forward.</param>
    /// <param name="self">This node's actor system.</param>
    /// <param name="members">All members that are not on their way out.</param>
    /// <returns>Who has to go: the lost ones, or this node itself; nobody in most cases.</returns>
    public IReadOnlyCollection<UniqueAddress> Look(TimeSpan now, UniqueAddress self, IReadOnlyCollection<MemberSight> members)
    {
        HashSet<UniqueAddress> silent = [.. members.Where(member => member.Silent).Select(member => member.Address)];
        if (!silent.SetEquals(_silent))
            (_silent, _since) = (silent, now);
        if (silent.Count == 0 || now - _since < stableAfter || !members.Any(member => member.Settled && member.Address.Equals(self)))
            return [];
        return HasMajority(members) ? silent : [self];
    }

    // Of two halves the one with the lowest address: both know which that is.
    private static bool HasMajority(IReadOnlyCollection<MemberSight> members)
    {
        MemberSight[] settled = [.. members.Where(member => member.Settled)];
        MemberSight[] counted = [.. settled.Where(member => member.Votes)];
        if (counted.Length == 0)
            counted = settled;
        int lost = counted.Count(member => member.Silent);
        return lost * 2 < counted.Length || (lost * 2 == counted.Length && !counted.MinBy(member => member.Address).Silent);
    }
}

/// <summary>What a node sees of a member.</summary>
/// <param name="Address">Its actor system.</param>
/// <param name="Settled">It is up or leaving: it counts.</param>
/// <param name="Votes">It has a metadata replica: what the majority is counted of, as the metadata quorum is what can still work.</param>
/// <param name="Silent">Somebody cannot reach it, and nobody who answers hears it.</param>
internal readonly record struct MemberSight(UniqueAddress Address, bool Settled, bool Votes, bool Silent);
