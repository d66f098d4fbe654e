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
    /// <inheritdoc/>
    public ExtentVerdict Verify(ShardRow shard, ShardReader reader)
    {
        try
        {
            return VerifyAsync(shard, reader).GetAwaiter().GetResult();
        }
        catch (Exception error) when (error is Client.StoreException or OperationCanceledException)
        {
            Log.ScrubFailed(log, storageId, error.Message);

            // A key that cannot be had will not come back; a metadata group that does not answer will.
            return error is Client.StoreException { Failure: StoreFailure.Damaged } ? ExtentVerdict.Damaged : ExtentVerdict.Unknown;
        }
    }

    // No limit on the whole: questions to the metadata group have their own, and a long shard takes as long as it is.
    private async Task<ExtentVerdict> VerifyAsync(ShardRow shard, ShardReader reader)
    {
        QueryResult found = await parts.QueryAsync(
            new Query { GetData = new GetData { ObjectHash = ByteString.CopyFrom(shard.Key.ObjectHash.ToArray()) } }, default)
            .ConfigureAwait(false);
        uint index = shard.Key.ShardIndex;
        if (found.Data is not { } row || index >= row.Placement.Count || row.Placement[(int)index] != storageId
            || await parts.BucketAsync(row, default).ConfigureAwait(false) is not { } bucket)
        {
            return ExtentVerdict.Damaged;
        }

        using DataKey key = parts.Keys.Unwrap(bucket, row.Keys);
        string? fault;
        try
        {
            fault = await ShardCheck.RunAsync(reader, row, index, key, static _ => Task.CompletedTask, default).ConfigureAwait(false);
        }
        catch (IOException error)
        {
            fault = error.Message;
        }

        if (fault is null)
            return ExtentVerdict.Whole;
        parts.Progress.FoundFault();
        Log.ScrubFault(log, index, shard.Key.ObjectHash.ToString(), storageId, fault);
        await parts.QueueAsync(row, [index], "damaged", default).ConfigureAwait(false);
        return ExtentVerdict.Damaged;
    }
}
