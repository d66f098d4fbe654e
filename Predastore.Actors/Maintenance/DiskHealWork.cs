using System.Collections.Concurrent;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Metadata;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// Heals a storage id whose disk is new: walks the data rows of a partition that name it, asks the disk which shards it has, and
/// rebuilds the rest. That a partition is whole goes into Raft, and the last one ends the healing; a walk cut short goes on from where
/// this process stood, and in another process from the start, where asking the disk costs little.
/// </summary>
internal sealed class DiskHealWork(MaintenanceParts parts, RowKeeper keeper, ILogger log)
{
    private readonly ConcurrentDictionary<(ByteString Disk, uint Partition), Walk> _walks = [];

    /// <summary>One round over a partition, for every healing storage id in turn.</summary>
    public async Task RunAsync(uint partition, CancellationToken cancel)
    {
        foreach (StorageRow storage in parts.Cluster.Require().Storages.Values
            .Where(row => row.State == StorageState.StorageHealing && ((row.Healed >> (int)partition) & 1) == 0))
        {
            if (parts.Usable(storage.Id))
                await RunAsync(storage, partition, cancel).ConfigureAwait(false);
        }
    }

    private async Task RunAsync(StorageRow storage, uint partition, CancellationToken cancel)
    {
        Walk walk = _walks.GetOrAdd((storage.DiskUuid, partition), _ => new Walk());
        long started = parts.Time.GetTimestamp();
        while (true)
        {
            QueryResult page = await parts.QueryAsync(
                new Query
                {
                    WalkData = new WalkData { Partition = partition, StorageId = storage.Id, After = walk.After, Limit = parts.Settings.PageRows },
                },
                cancel).ConfigureAwait(false);
            walk.Whole &= await HealAsync(storage.Id, page.DataRows, cancel).ConfigureAwait(false);
            if (!page.Truncated)
                break;
            walk.After = page.NextCursor;
            if (parts.Time.GetElapsedTime(started) > parts.Settings.RoundMax)
                return;
        }

        _walks.TryRemove((storage.DiskUuid, partition), out _);
        if (!walk.Whole)
            return;
        CommandResult result = await parts.Proposer.RunAsync(
            new Command
            {
                HealedPartition = new HealedPartition
                {
                    StorageId = storage.Id, DiskUuid = storage.DiskUuid, Partition = partition,
                },
            },
            cancel).ConfigureAwait(false);
        if (result.Storage?.State == StorageState.StorageNormal)
            Log.DiskHealed(log, storage.Id);
    }

    // True if every shard of these rows is there.
    private async Task<bool> HealAsync(uint storageId, IReadOnlyList<DataRow> rows, CancellationToken cancel)
    {
        (DataRow Row, uint Shard)[] named = [.. rows
            .Select(row => (Row: row, Shard: row.Placement.IndexOf(storageId)))
            .Where(item => item.Shard >= 0).Select(item => (item.Row, (uint)item.Shard))];
        if (named.Length == 0)
            return true;
        IReadOnlyList<ShardRow?> found;
        try
        {
            found = await parts.Shards.StatAsync(
                new StatShardsRequest(storageId, [.. named.Select(item => new ShardKey(new ObjectHash(item.Row.ObjectHash.Span), item.Shard))]),
                cancel).ConfigureAwait(false);
        }
        catch (Exception error) when (error is ShardException or IOException)
        {
            Log.DiskSilent(log, storageId, error.Message);
            return false;
        }

        bool whole = true;
        for (int i = 0; i < named.Length; i++)
        {
            if (found[i] is null && !await HealAsync(storageId, named[i].Row, named[i].Shard, cancel).ConfigureAwait(false))
                whole = false;
        }

        return whole;
    }

    private async Task<bool> HealAsync(uint storageId, DataRow row, uint shard, CancellationToken cancel)
    {
        using IDisposable turn = await parts.Pace.EnterAsync(cancel).ConfigureAwait(false);

        // Read again: it may have been deleted or moved since the page was made.
        QueryResult now = await parts.QueryAsync(new Query { GetData = new GetData { DataId = row.DataId } }, cancel).ConfigureAwait(false);
        if (now.Data is not { } current || shard >= current.Placement.Count || current.Placement[(int)shard] != storageId
            || current.ObjectHash != row.ObjectHash)
        {
            return true;
        }

        if (await parts.BucketAsync(current, cancel).ConfigureAwait(false) is not { } bucket)
            return true;
        uint[] missing = [.. current.Missing.Append(shard).Distinct()];
        (_, bool done) = await keeper.HealAsync(current, bucket, missing, queued: current.Missing.Count > 0, cancel).ConfigureAwait(false);
        return done;
    }

    private sealed class Walk
    {
        public ByteString After { get; set; } = ByteString.Empty;

        public bool Whole { get; set; } = true;
    }
}
