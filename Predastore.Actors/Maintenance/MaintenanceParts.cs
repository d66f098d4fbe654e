using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
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
/// <param name="Time">Clock of rates and intervals; nothing safe rests on it.</param>
internal sealed record MaintenanceParts(
    IMetadata Metadata, Proposer Proposer, IShardAccess Shards, ClusterViewHolder Cluster, KeyCache Keys, Func<uint, bool> Usable,
    TimeProvider Time)
{
    /// <summary>Time for one metadata query.</summary>
    public static readonly TimeSpan QueryTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Rates and intervals.</summary>
    public MaintenanceSettings Settings { get; init; } = new();

    /// <summary>What bounds the work.</summary>
    public required MaintenancePace Pace { get; init; }

    /// <summary>What was done.</summary>
    public required MaintenanceProgress Progress { get; init; }

    /// <summary>How long storage ids have been out of reach.</summary>
    public required AwayClock Away { get; init; }

    /// <summary>Asks the metadata group.</summary>
    public Task<QueryResult> QueryAsync(Query query, CancellationToken cancel) => Metadata.QueryAsync(query, QueryTimeout, cancel);

    /// <summary>Queues shards of a row for heal where it has them. False if it does not name them there any more.</summary>
    public async Task<bool> QueueAsync(DataRow row, IEnumerable<uint> shards, string reason, CancellationToken cancel)
    {
        var queue = new QueueHeal { DataId = row.DataId, Reason = reason };
        queue.Places.AddRange(shards.Select(shard => new ShardPlace { Shard = shard, StorageId = row.Placement[(int)shard] }));
        CommandResult result = await Proposer.RunAsync(new Command { QueueHeal = queue }, cancel).ConfigureAwait(false);
        return result.Code == ResultCode.ResultOk;
    }

    /// <summary>A bucket whose key opens the data of a row; null if none of them exists any more.</summary>
    public async Task<BucketRow?> BucketAsync(DataRow row, CancellationToken cancel)
    {
        foreach (WrappedKey key in row.Keys)
        {
            QueryResult found = await QueryAsync(new Query { GetBucket = new GetBucket { Id = key.BucketId } }, cancel)
                .ConfigureAwait(false);
            if (found.Code == ResultCode.ResultOk)
                return found.Bucket;
        }

        return null;
    }
}
