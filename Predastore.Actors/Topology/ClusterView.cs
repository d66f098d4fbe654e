using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Shards.Placement;
using Predastore.Shards.Striping;

namespace Predastore.Actors.Topology;

/// <summary>What Raft says of the cluster, as last read: identity, geometry and ring. Immutable.</summary>
/// <param name="ClusterId">Cluster id.</param>
/// <param name="Epoch">Ring epoch.</param>
/// <param name="Geometry">K and M of new writes at full width.</param>
/// <param name="Ring">The ring of that epoch.</param>
/// <param name="Storages">Registered storage ids.</param>
public sealed record ClusterView(
    Guid ClusterId, ulong Epoch, Geometry Geometry, Ring Ring, IReadOnlyDictionary<uint, StorageRow> Storages)
{
    /// <summary>Number of data rows that name a storage id, by storage id.</summary>
    public IReadOnlyDictionary<uint, ulong> Use { get; init; } = new Dictionary<uint, ulong>();

    /// <summary>
    /// Node of every storage id that may hold shards: those of the ring, and those registered that were not removed, for a draining id
    /// is read until it is empty.
    /// </summary>
    public IReadOnlyDictionary<uint, uint> NodesOfStorages()
    {
        var nodes = new Dictionary<uint, uint>(Ring.Nodes);
        foreach (StorageRow storage in Storages.Values)
        {
            if (storage.State == StorageState.StorageRemoved)
                nodes.Remove(storage.Id);
            else
                nodes[storage.Id] = storage.Node;
        }

        return nodes;
    }

    /// <summary>Reads the answer to <see cref="GetCluster"/>; null if the cluster has no ring yet.</summary>
    public static ClusterView? From(QueryResult answer)
    {
        if (answer.Cluster is not { } cluster || answer.Rings.Count == 0)
            return null;
        RingRow ring = answer.Rings[0];
        return new ClusterView(
            new Guid(cluster.ClusterId.Span, bigEndian: true),
            ring.Epoch,
            new Geometry((int)ring.DataShards, (int)ring.ParityShards),
            new Ring([.. ring.Members.Select(m => new Predastore.Shards.Placement.RingMember(m.StorageId, m.Node, m.Host, m.Zone, (int)m.Weight))]),
            answer.Storages.ToDictionary(storage => storage.Id))
        {
            Use = answer.StorageUse.ToDictionary(use => use.StorageId, use => use.DataRows),
        };
    }
}

/// <summary>Where the newest <see cref="ClusterView"/> of this process stands. Thread-safe.</summary>
public sealed class ClusterViewHolder
{
    private volatile ClusterView? _current;

    /// <summary>The newest view, or null while none was read.</summary>
    public ClusterView? Current
    {
        get => _current;
        set => _current = value;
    }

    /// <summary>The newest view.</summary>
    /// <exception cref="StoreException">None was read yet.</exception>
    public ClusterView Require() => _current
        ?? throw new StoreException(StoreFailure.Unavailable, "The cluster's ring is not known yet; the metadata group is not reachable.");
}
