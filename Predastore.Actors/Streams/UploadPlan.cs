using Predastore.Actors.Client;
using Predastore.Actors.Topology;
using Predastore.Shards.Crypto;
using DataKey = Predastore.Shards.Crypto.DataKey;
using Predastore.Shards.Striping;
using Predastore.Shards;

namespace Predastore.Actors.Streams;

/// <summary>Where the shards of one write go.</summary>
/// <param name="Geometry">K and M; narrower than the ring's while nodes are down.</param>
/// <param name="Placement">Storage id of every shard.</param>
/// <param name="Spares">Usable storage ids left, nearest on the ring first.</param>
/// <param name="Narrow">True if the geometry is narrower than the ring's: to be rewritten later.</param>
/// <param name="Epoch">Ring epoch placed with.</param>
/// <param name="ShardsPerNode">Shards on the node that gets most of them.</param>
internal sealed record UploadPlan(
    Geometry Geometry, IReadOnlyList<uint> Placement, IReadOnlyList<uint> Spares, bool Narrow, ulong Epoch,
    int ShardsPerNode)
{
    /// <summary>
    /// Shards that must be durable before the write may commit: one more than it takes to read it, so that right after the
    /// acknowledgement one more loss is survived.
    /// </summary>
    public int Quorum => QuorumOf(Geometry);

    /// <summary>See <see cref="Quorum"/>.</summary>
    public static int QuorumOf(Geometry geometry)
        => Planted.Has(PlantedBug.QuorumTooSmall) ? geometry.K : geometry.M <= 1 ? geometry.Total : geometry.K + 1;

    /// <summary>
    /// The geometry for a number of usable storage ids: the full one, else (R-M, M), down to (1, M); null below M+1.
    /// </summary>
    public static Geometry? GeometryFor(int usable, Geometry full)
        => usable >= full.Total ? full : usable >= full.M + 1 ? new Geometry(usable - full.M, full.M) : null;

    /// <summary>Chooses geometry and storage ids for a write.</summary>
    /// <exception cref="StoreException">Fewer than M+1 storage ids are usable.</exception>
    public static UploadPlan Make(ClusterView cluster, ObjectHash objectHash, Func<uint, bool> usable)
    {
        int count = cluster.Ring.Members.Count(member => usable(member.StorageId));
        Geometry geometry = GeometryFor(count, cluster.Geometry) ?? throw new StoreException(
            StoreFailure.Unavailable,
            $"Only {count} storage ids are usable now; a write needs at least {cluster.Geometry.M + 1}.");
        IReadOnlyList<uint> chosen = cluster.Ring.Place(objectHash, count, usable);
        uint[] placement = [.. chosen.Take(geometry.Total)];
        return new UploadPlan(
            geometry, placement, [.. chosen.Skip(geometry.Total)], geometry != cluster.Geometry, cluster.Epoch,
            placement.CountBy(storageId => cluster.Ring.Nodes[storageId]).Max(node => node.Value));
    }
}
