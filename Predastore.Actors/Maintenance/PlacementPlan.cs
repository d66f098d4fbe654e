using Predastore.Actors.Metadata;
using Predastore.Actors.Topology;
using Predastore.Shards.Crypto;

namespace Predastore.Actors.Maintenance;

/// <summary>How a storage id looks to whoever decides where shards belong.</summary>
internal enum StorageCondition
{
    /// <summary>Holds what it holds and takes more.</summary>
    Good,

    /// <summary>Out of reach, and not yet for long: nothing is decided about it.</summary>
    Away,

    /// <summary>Out of reach for so long that its shards are rebuilt elsewhere.</summary>
    Lost,

    /// <summary>Draining or out of the ring: it is read, and what it holds moves away.</summary>
    Leaving,

    /// <summary>Removed: it holds nothing.</summary>
    Removed,
}

/// <summary>One shard that belongs elsewhere.</summary>
/// <param name="Shard">Its index.</param>
/// <param name="From">Where the row says it is.</param>
/// <param name="To">Where it shall be.</param>
/// <param name="Readable">True if its bytes can be copied; else they are computed from the others.</param>
internal readonly record struct ShardMove(uint Shard, uint From, uint To, bool Readable);

/// <summary>
/// Decides where the shards of a data row belong, as a pure function of the row, the ring and the condition of the storage ids. What
/// stands on one of the ring's places stays, whatever its index: so a change of the ring moves as few bytes as it can.
/// </summary>
internal static class PlacementPlan
{
    /// <summary>The condition of every storage id, as rows and reachability say it.</summary>
    public static StorageCondition ConditionOf(ClusterView cluster, uint storageId, TimeSpan away, TimeSpan relocateAfter)
    {
        StorageState? state = cluster.Storages.TryGetValue(storageId, out StorageRow? row) ? row.State : null;
        if (state == StorageState.StorageRemoved)
            return StorageCondition.Removed;
        bool inRing = cluster.Ring.Members.Any(member => member.StorageId == storageId);
        if (away >= relocateAfter)
            return StorageCondition.Lost;
        if (state == StorageState.StorageDraining || !inRing)
            return StorageCondition.Leaving;
        return away > TimeSpan.Zero ? StorageCondition.Away : StorageCondition.Good;
    }

    /// <summary>
    /// The shards of a row that have to go to another storage id; empty if none has, or if there is nowhere to go.
    /// </summary>
    /// <param name="row">The row.</param>
    /// <param name="cluster">Ring and its epoch.</param>
    /// <param name="condition">Of any storage id.</param>
    public static IReadOnlyList<ShardMove> Moves(DataRow row, ClusterView cluster, Func<uint, StorageCondition> condition)
    {
        bool oldEpoch = row.Epoch < cluster.Epoch;
        bool forced = row.Placement.Any(id => MustLeave(condition(id)));
        if (!oldEpoch && !forced)
            return [];

        var hash = new ObjectHash(row.ObjectHash.Span);
        uint[] ideal = [.. cluster.Ring.Place(hash, row.Placement.Count, id => !MustLeave(condition(id)))];
        HashSet<uint> free = [.. ideal.Except(row.Placement)];
        List<ShardMove> moves = [];
        for (int shard = 0; shard < row.Placement.Count; shard++)
        {
            uint from = row.Placement[shard];
            StorageCondition at = condition(from);
            bool must = MustLeave(at);
            if (ideal.Contains(from) || at == StorageCondition.Away || (!must && !oldEpoch))
                continue;
            uint to = ideal.FirstOrDefault(id => free.Contains(id) && condition(id) == StorageCondition.Good);
            if (to == 0)
                continue;
            free.Remove(to);
            bool readable = at is StorageCondition.Good or StorageCondition.Leaving && !row.Missing.Contains((uint)shard);
            moves.Add(new ShardMove((uint)shard, from, to, readable));
        }

        return moves;
    }

    /// <summary>True if the whole placement is the ring's, so that the row can be counted to its epoch.</summary>
    public static bool Follows(IEnumerable<uint> placement, ClusterView cluster, DataRow row)
        => !placement.Except(cluster.Ring.Place(new ObjectHash(row.ObjectHash.Span), row.Placement.Count)).Any();

    private static bool MustLeave(StorageCondition condition)
        => condition is StorageCondition.Lost or StorageCondition.Leaving or StorageCondition.Removed;
}
