using Predastore.Actors.Topology.Wire;

namespace Predastore.Actors.Topology;

/// <summary>
/// Recognises two clusters of one cluster file that run beside each other. That happens when a first seed node starts while the
/// others do not answer in time: it founds a cluster of its own, and Akka never joins two. Pure: knows no clock and sends nothing.
/// </summary>
/// <remarks>Wrong for a moment is normal while nodes join, so a verdict needs <see cref="ProbesToYield"/> probes in a row.</remarks>
internal sealed class Islands(IReadOnlyCollection<uint> dbNodes)
{
    /// <summary>As many probes of one node must say the same before this node gives up its cluster.</summary>
    public const int ProbesToYield = 3;

    private readonly Dictionary<uint, int> _foreign = [];

    /// <summary>Takes a probe; true if this node must leave its cluster to join the sender's.</summary>
    /// <param name="self">This node's actor system.</param>
    /// <param name="members">Up members in this node's view.</param>
    /// <param name="probe">What the other node says.</param>
    public bool MustYield(Incarnation self, IReadOnlyCollection<Incarnation> members, Probe probe)
    {
        uint sender = probe.Sender.Node;
        bool apart = members.Contains(self) && probe.Members.Contains(probe.Sender)
            && !probe.Members.Any(member => member.Node == self.Node)
            && !members.Any(member => member.Node == sender);
        if (!apart || !Loses(members, probe.Members))
        {
            _foreign.Remove(sender);
            return false;
        }

        int seen = _foreign.GetValueOrDefault(sender) + 1;
        _foreign[sender] = seen;
        return seen >= ProbesToYield;
    }

    /// <summary>Fewer metadata nodes lose, then fewer nodes, then the side without the lowest number: both sides agree on it.</summary>
    private bool Loses(IReadOnlyCollection<Incarnation> mine, IReadOnlyCollection<Incarnation> theirs)
    {
        int byDb = mine.Count(IsDb).CompareTo(theirs.Count(IsDb));
        if (byDb != 0) return byDb < 0;
        int bySize = mine.Count.CompareTo(theirs.Count);
        if (bySize != 0) return bySize < 0;
        return mine.Min(member => member.Node) > theirs.Min(member => member.Node);
    }

    private bool IsDb(Incarnation member) => dbNodes.Contains(member.Node);
}
