using Google.Protobuf;

namespace Predastore.Actors.Metadata.Apply;

/// <content>The cluster row and the ring.</content>
internal sealed partial class CommandApplier
{
    private const int ShardsMax = 32;

    private CommandResult Init(InitCluster init)
    {
        if (_rows.Cluster() is { } cluster) return Compare(cluster, init);
        if (init.ClusterId.Length != 16) return Refuse(ResultCode.ResultInvalidArgument, "a cluster id has 16 bytes");
        if (CheckRing(init.Ring) is { } wrong) return wrong;
        RingRow ring = Normal(init.Ring, 1);
        cluster = new ClusterRow
        {
            ClusterId = init.ClusterId,
            Region = init.Region,
            FeatureLevel = _command.FeatureLevel,
            Epoch = 1,
            FileDigest = init.FileDigest,
            KeyFingerprint = init.KeyFingerprint,
        };
        _rows.PutCluster(cluster);
        _rows.PutRing(ring);
        return new CommandResult { Cluster = cluster, Ring = ring };
    }

    private CommandResult Compare(ClusterRow cluster, InitCluster init)
    {
        if (init.ClusterId != cluster.ClusterId)
        {
            return Refuse(ResultCode.ResultRefused,
                $"this node's data belongs to cluster {Hex(init.ClusterId)}, not to {Hex(cluster.ClusterId)}");
        }

        if (init.KeyFingerprint != cluster.KeyFingerprint)
            return Refuse(ResultCode.ResultRefused, "the master key of this node is not the cluster's: give it the same key file");

        // The file is bootstrap input only: a difference is reported, and what stands in Raft holds.
        string message = init.FileDigest == cluster.FileDigest
            ? ""
            : "the cluster file differs from the one the cluster was made with; the difference is ignored";
        return new CommandResult { Cluster = cluster, Ring = _rows.Ring(cluster.Epoch), Message = message };
    }

    private CommandResult Set(SetRing set)
    {
        ClusterRow cluster = _rows.Cluster()!;
        if (set.ExpectedEpoch != cluster.Epoch)
            return Refuse(ResultCode.ResultConflict, $"the ring is at epoch {cluster.Epoch}, not {set.ExpectedEpoch}");
        if (CheckRing(set.Ring) is { } wrong) return wrong;
        RingRow ring = Normal(set.Ring, cluster.Epoch + 1);
        cluster.Epoch = ring.Epoch;
        _rows.PutCluster(cluster);
        _rows.PutRing(ring);
        return new CommandResult { Cluster = cluster, Ring = ring };
    }

    private CommandResult? CheckRing(RingRow? ring)
    {
        if (ring is null || ring.DataShards == 0 || ring.DataShards + ring.ParityShards > ShardsMax)
            return Refuse(ResultCode.ResultInvalidArgument, $"a ring has at least one data shard and at most {ShardsMax} shards");
        if (ring.Members.Select(m => m.StorageId).Distinct().Count() != ring.Members.Count)
            return Refuse(ResultCode.ResultInvalidArgument, "a storage id is in the ring twice");
        if (ring.Members.Count < ring.DataShards + ring.ParityShards)
            return Refuse(ResultCode.ResultInvalidArgument, "the ring has fewer storage ids than an object has shards");
        if (ring.Members.Sum(m => (long)m.Weight) > Shards.Placement.Ring.WeightSumMax)
            return Refuse(ResultCode.ResultInvalidArgument, $"the weights of a ring sum to at most {Shards.Placement.Ring.WeightSumMax}");
        foreach (RingMember member in ring.Members)
        {
            if (_rows.Storage(member.StorageId)?.State == StorageState.StorageRemoved)
                return Refuse(ResultCode.ResultInvalidArgument, $"storage id {member.StorageId} was removed");
        }

        return null;
    }

    private static RingRow Normal(RingRow ring, ulong epoch)
    {
        RingRow normal = new() { Epoch = epoch, DataShards = ring.DataShards, ParityShards = ring.ParityShards };
        normal.Members.AddRange(ring.Members.OrderBy(m => m.StorageId));
        return normal;
    }

    private static string Hex(ByteString bytes) => Convert.ToHexStringLower(bytes.Span);
}
