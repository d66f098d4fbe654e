using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;
using DataKey = Predastore.Shards.Crypto.DataKey;

namespace Predastore.Actors.Maintenance.Scrub;

/// <summary>
/// Tells compaction which shards of a segment whose sync failed are whole, by their tags; a named one that is not is queued for heal,
/// which writes it anew elsewhere on the disk. What no data row names is left where it is: garbage and orphan collection delete it. Blocks,
/// as its caller does.
/// </summary>
internal sealed class ExtentCheck(MaintenanceParts parts, uint storageId, ILogger log) : IExtentVerifier
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <inheritdoc/>
    public bool Verify(ShardRow shard, ShardReader reader)
    {
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            return VerifyAsync(shard, reader, limit.Token).GetAwaiter().GetResult();
        }
        catch (Exception error) when (error is Client.StoreException or OperationCanceledException)
        {
            // Without the metadata group nothing is known of it; it stays and is asked for again.
            Log.ScrubFailed(log, storageId, error.Message);
            return false;
        }
    }

    private async Task<bool> VerifyAsync(ShardRow shard, ShardReader reader, CancellationToken cancel)
    {
        QueryResult found = await parts.QueryAsync(
            new Query { GetData = new GetData { ObjectHash = ByteString.CopyFrom(shard.Key.ObjectHash.ToArray()) } }, cancel)
            .ConfigureAwait(false);
        uint index = shard.Key.ShardIndex;
        if (found.Data is not { } row || index >= row.Placement.Count || row.Placement[(int)index] != storageId
            || await parts.BucketAsync(row, cancel).ConfigureAwait(false) is not { } bucket)
        {
            return false;
        }

        using DataKey key = parts.Keys.Unwrap(bucket, row.Keys);
        string? fault;
        try
        {
            fault = await ShardCheck.RunAsync(reader, row, index, key, static _ => Task.CompletedTask, cancel).ConfigureAwait(false);
        }
        catch (IOException error)
        {
            fault = error.Message;
        }

        if (fault is null)
            return true;
        parts.Progress.FoundFault();
        Log.ScrubFault(log, index, shard.Key.ObjectHash.ToString(), storageId, fault);
        var queue = new QueueHeal { DataId = row.DataId, Reason = "damaged" };
        queue.Places.Add(new ShardPlace { Shard = index, StorageId = storageId });
        await parts.Proposer.RunAsync(new Command { QueueHeal = queue }, cancel).ConfigureAwait(false);
        return false;
    }
}
