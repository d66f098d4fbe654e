using Predastore.Actors.Client;
using Predastore.Actors.Streams;
using Predastore.Actors.Topology;

namespace Predastore.Actors.Maintenance;

/// <summary>What maintenance of one process works with.</summary>
/// <param name="Metadata">Way to the metadata group.</param>
/// <param name="Proposer">Commands with a definite outcome, under the maintenance session.</param>
/// <param name="Shards">Shards wherever they are.</param>
/// <param name="Cluster">Ring and geometry.</param>
/// <param name="Keys">Bucket keys.</param>
/// <param name="Usable">True for storage ids that are worth a request now.</param>
internal sealed record MaintenanceParts(
    IMetadata Metadata, Proposer Proposer, IShardAccess Shards, ClusterViewHolder Cluster, KeyCache Keys, Func<uint, bool> Usable)
{
    /// <summary>Time for one metadata query.</summary>
    public static readonly TimeSpan QueryTimeout = TimeSpan.FromSeconds(10);
}
