using System.Collections.Frozen;

namespace Predastore.Actors.Topology;

/// <summary>What one node knows of another (or of itself) at one moment.</summary>
/// <param name="Node">The node's number.</param>
/// <param name="Host">Host of its control address.</param>
/// <param name="Port">Port of its control address.</param>
/// <param name="Roles">Its roles while it is a member; empty before.</param>
/// <param name="Up">A member of the cluster that is Up (or WeaklyUp).</param>
/// <param name="Reachable">Nobody in the cluster reports it unreachable. Meaningless unless <paramref name="Up"/>.</param>
/// <param name="Uid">Which of its actor systems this is; 0 while it is no member.</param>
public sealed record NodeView(
    uint Node, string Host, int Port, IReadOnlyList<string> Roles, bool Up, bool Reachable, int Uid)
{
    /// <summary>Up and reachable: worth a request, unless this node suspects it.</summary>
    public bool Alive => Up && Reachable;
}

/// <summary>
/// An immutable picture of the cluster as the node sees it. It says when to try, never what is allowed: everything here may be wrong
/// for seconds. Suspicion is not in it, because it ends with time: see <see cref="ITopology"/>.
/// </summary>
public sealed class TopologyView
{
    /// <param name="version">Counts changes; later pictures have higher numbers.</param>
    /// <param name="self">The node that looks.</param>
    /// <param name="nodes">All nodes of the cluster file.</param>
    /// <param name="dbNodes">Nodes that hold a metadata replica.</param>
    /// <param name="storageNodes">Storage id to node number.</param>
    public TopologyView(
        long version,
        uint self,
        IEnumerable<NodeView> nodes,
        IEnumerable<uint> dbNodes,
        IEnumerable<KeyValuePair<uint, uint>> storageNodes)
    {
        Version = version;
        Self = self;
        Nodes = nodes.ToFrozenDictionary(node => node.Node);
        DbNodes = [.. dbNodes.Order()];
        StorageNodes = storageNodes.ToFrozenDictionary();
    }

    /// <summary>Counts changes; later pictures have higher numbers.</summary>
    public long Version { get; }

    /// <summary>The node that looks.</summary>
    public uint Self { get; }

    /// <summary>All nodes of the cluster file, by number.</summary>
    public IReadOnlyDictionary<uint, NodeView> Nodes { get; }

    /// <summary>Nodes that hold a metadata replica, ascending.</summary>
    public IReadOnlyList<uint> DbNodes { get; }

    /// <summary>Storage id to node number.</summary>
    public IReadOnlyDictionary<uint, uint> StorageNodes { get; }

    /// <summary>True if membership says that the node is up and reachable. Unknown numbers are not.</summary>
    public bool IsAlive(uint node) => Nodes.TryGetValue(node, out NodeView? view) && view.Alive;
}
