using System.Buffers;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Actors.Streams;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;
using Predastore.Shards.Striping;
using DataKey = Predastore.Shards.Crypto.DataKey;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// Rebuilds the shards that the heal queue of a partition names: reads K others, computes the shard, seals it again with the key and
/// write id it had, and stores it only if its digest is the one in the data row. Bounded memory: one batch at a time.
/// </summary>
internal sealed class HealWork(MaintenanceParts parts, RewriteWork rewrite, ILogger log)
{
    private const uint RowsPerRound = 64;

    private readonly HedgeDelay _hedge = new();

    /// <summary>One round over a partition's queue.</summary>
    public async Task RunAsync(uint partition, CancellationToken cancel)
    {
        QueryResult page = await QueryAsync(
            new Query { WalkHeals = new WalkHeals { Partition = partition, Limit = RowsPerRound } }, cancel).ConfigureAwait(false);
        foreach (HealRow heal in page.Heals)
            await HealAsync(heal, cancel).ConfigureAwait(false);
    }

    private async Task HealAsync(HealRow heal, CancellationToken cancel)
    {
        QueryResult found = await QueryAsync(new Query { GetData = new GetData { DataId = heal.DataId } }, cancel).ConfigureAwait(false);
        if (found.Data is not { } row)
            return;
        uint[] wanted = [.. row.Missing.Concat(heal.Shards).Distinct().Where(shard => shard < row.Placement.Count)];
        if (wanted.Length == 0 && !heal.Rewrite)
            return;
        BucketRow? bucket = await BucketAsync(row, cancel).ConfigureAwait(false);
        if (bucket is null)
            return;
        foreach (uint shard in wanted)
            row = await HealShardAsync(row, bucket, shard, wanted, cancel).ConfigureAwait(false);
        if (heal.Rewrite && row.Missing.Count == 0)
            await rewrite.RunAsync(row, bucket, cancel).ConfigureAwait(false);
    }

    private async Task<DataRow> HealShardAsync(
        DataRow row, BucketRow bucket, uint shard, uint[] wanted, CancellationToken cancel)
    {
        string name = Convert.ToHexStringLower(row.ObjectHash.Span);
        uint storageId = Target(row, shard);
        if (storageId == 0)
            return row;
        try
        {
            PutShardRequest? stored = await RebuildAsync(row, bucket, shard, storageId, wanted, cancel).ConfigureAwait(false);
            if (stored is not { } put)
            {
                Log.WrongDigest(log, shard, name);
                return row;
            }

            var place = new PlaceShards { DataId = row.DataId, Generation = row.Generation };
            place.Places.Add(new ShardPlace { Shard = shard, StorageId = storageId });
            CommandResult result = await parts.Proposer.RunAsync(new Command { PlaceShards = place }, cancel).ConfigureAwait(false);
            if (result.Code != ResultCode.ResultOk)
            {
                Log.NotHealed(log, shard, name, storageId, result.Code.ToString());
                await DeleteAsync(storageId, [new ShardToDelete(put.Key, put.AttemptId)], cancel).ConfigureAwait(false);
                return row;
            }

            Log.Healed(log, shard, name, storageId);
            await DeleteOlderAsync(put, cancel).ConfigureAwait(false);
            return result.Data;
        }
        catch (Exception error) when (error is ShardException or IOException or StoreException
            || (error is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            Log.NotHealed(log, shard, name, storageId, error.Message);
            return row;
        }
    }

    // The place it had, or another disk once that one was removed; 0 while neither is there.
    private uint Target(DataRow row, uint shard)
    {
        uint own = row.Placement[(int)shard];
        ClusterViewOf(own, out bool removed);
        if (!removed)
            return parts.Usable(own) ? own : 0;
        return parts.Cluster.Require().Ring.Place(new ObjectHash(row.ObjectHash.Span), int.MaxValue, parts.Usable)
            .FirstOrDefault(id => !row.Placement.Contains(id));
    }

    private void ClusterViewOf(uint storageId, out bool removed)
        => removed = parts.Cluster.Require().Storages.TryGetValue(storageId, out StorageRow? storage)
            && storage.State == StorageState.StorageRemoved;

    private async Task<PutShardRequest?> RebuildAsync(
        DataRow row, BucketRow bucket, uint shard, uint storageId, uint[] wanted, CancellationToken cancel)
    {
        DataRow sources = row.Clone();
        sources.Missing.Clear();
        sources.Missing.AddRange(wanted);
        DataKey key = parts.Keys.Unwrap(bucket, row.Keys);
        using var reader = new DataReader(parts.Shards, sources, key, _hedge, static _ => { });
        var hash = new ObjectHash(row.ObjectHash.Span);
        using var sealer = new FragmentSealer(key, hash, row.WriteId);
        using var digest = new ShardDigest();
        long shardBytes = reader.Layout.ShardBytes;
        var put = new PutShardRequest(
            hash, shard, row.WriteId, Guid.NewGuid(), (ushort)row.DataShards, (ushort)row.ParityShards, storageId,
            FragmentLayout.SealedBytes(shardBytes));
        await using IShardSink sink = await parts.Shards.BeginPutAsync(put, cancel).ConfigureAwait(false);
        var shape = new BatchShape(reader.Layout.Geometry);
        byte[] sealedBytes = ArrayPool<byte>.Shared.Rent(shape.ShardArrayBytes);
        try
        {
            long count = FragmentLayout.FragmentCount(shardBytes);
            long step = shape.Stripes * BatchShape.FragmentsPerCell;
            for (long first = 0; first < count; first += step)
            {
                var range = new IndexRange(first, Math.Min(step, count - first));
                Dictionary<int, ShardRun> runs = await reader.ReadShardsAsync(
                    new Dictionary<int, IndexRange> { [(int)shard] = range }, cancel).ConfigureAwait(false);
                using ShardRun run = runs[(int)shard];
                int length = sealer.SealShardRun(
                    shard, (ulong)first, range.End == count, run.Slice(range, shardBytes).Span, sealedBytes);
                digest.AppendFragments(sealedBytes.AsSpan(0, length));
                await sink.WriteAsync(sealedBytes.AsMemory(0, length), cancel).ConfigureAwait(false);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(sealedBytes);
        }

        byte[] rebuilt = digest.Finish();
        if (!rebuilt.AsSpan().SequenceEqual(row.Digests[(int)shard].Span))
            return null;
        await sink.CommitAsync(put.SizeHint, Digests.ToNumber(rebuilt), cancel).ConfigureAwait(false);
        return put;
    }

    private async Task DeleteOlderAsync(PutShardRequest put, CancellationToken cancel)
    {
        ShardPage page = await parts.Shards.ListAsync(
            new ListShardsRequest(put.StorageId, put.ObjectHash, put.ObjectHash, ReadOnlyMemory<byte>.Empty, ProtocolLimits.BatchMax),
            cancel).ConfigureAwait(false);
        ShardToDelete[] older = [.. page.Rows
            .Where(row => row.Key == put.Key && row.AttemptId != put.AttemptId)
            .Select(row => new ShardToDelete(row.Key, row.AttemptId))];
        if (older.Length > 0)
            await DeleteAsync(put.StorageId, older, cancel).ConfigureAwait(false);
    }

    private async Task DeleteAsync(uint storageId, ShardToDelete[] shards, CancellationToken cancel)
        => await parts.Shards.DeleteAsync(new DeleteShardsRequest(storageId, shards), cancel).ConfigureAwait(false);

    private async Task<BucketRow?> BucketAsync(DataRow row, CancellationToken cancel)
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

    private Task<QueryResult> QueryAsync(Query query, CancellationToken cancel)
        => parts.Metadata.QueryAsync(query, MaintenanceParts.QueryTimeout, cancel);
}
