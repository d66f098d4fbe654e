using System.Collections.Concurrent;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Metadata;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// Heals storage ids whose disks are new: walks the data rows of a partition, asks the disks which shards they have, and rebuilds the
/// rest, all shards of a row in one pass. A row that cannot be healed although all its places answer is left to the heal queue. That a
/// partition is whole goes into Raft, and the last one ends the healing; a walk cut short goes on from where this process stood, and in
/// another process from the start, where asking the disks costs little.
/// </summary>
internal sealed class DiskHealWork(MaintenanceParts parts, RowKeeper keeper, ILogger log)
{
    private readonly ConcurrentDictionary<uint, Walk> _walks = [];

    /// <summary>One round over a partition, for all healing storage ids that answer.</summary>
    public async Task RunAsync(uint partition, CancellationToken cancel)
    {
        StorageRow[] disks = [.. parts.Cluster.Require().Storages.Values
            .Where(row => row.State == StorageState.StorageHealing && ((row.Healed >> (int)partition) & 1) == 0 && parts.Usable(row.Id))
            .OrderBy(row => row.Id)];
        if (disks.Length == 0)
        {
            _walks.TryRemove(partition, out _);
            return;
        }

        // Another disk means another question: what was found whole for some says nothing of the rest.
        string about = string.Join(',', disks.Select(disk => disk.DiskUuid.ToBase64()));
        Walk walk = _walks.AddOrUpdate(partition, _ => new Walk(about), (_, old) => old.About == about ? old : new Walk(about));
        if (!await WalkAsync(partition, disks, walk, cancel).ConfigureAwait(false))
            return;
        _walks.TryRemove(partition, out _);
        if (!walk.Whole)
            return;
        foreach (StorageRow disk in disks)
            await TellAsync(disk, partition, cancel).ConfigureAwait(false);
    }

    // True at the end of the partition.
    private async Task<bool> WalkAsync(uint partition, StorageRow[] disks, Walk walk, CancellationToken cancel)
    {
        uint filter = disks.Length == 1 ? disks[0].Id : 0;
        long started = parts.Time.GetTimestamp();
        while (true)
        {
            QueryResult page = await parts.QueryAsync(
                new Query
                {
                    WalkData = new WalkData
                    {
                        Partition = partition, StorageId = filter, After = walk.After, Limit = parts.Settings.PageRows,
                    },
                },
                cancel).ConfigureAwait(false);
            if (!await HealAsync(disks, page.DataRows, cancel).ConfigureAwait(false))
                walk.Whole = false;
            if (!page.Truncated)
                return true;
            walk.After = page.NextCursor;
            if (parts.Time.GetElapsedTime(started) > parts.Settings.RoundMax)
                return false;
        }
    }

    private async Task TellAsync(StorageRow disk, uint partition, CancellationToken cancel)
    {
        CommandResult result = await parts.Proposer.RunAsync(
            new Command
            {
                HealedPartition = new HealedPartition { StorageId = disk.Id, DiskUuid = disk.DiskUuid, Partition = partition },
            },
            cancel).ConfigureAwait(false);
        if (result.Storage?.State == StorageState.StorageNormal)
            Log.DiskHealed(log, disk.Id);
    }

    // True if every shard that these rows have on the disks is there, or in the heal queue.
    private async Task<bool> HealAsync(StorageRow[] disks, IReadOnlyList<DataRow> rows, CancellationToken cancel)
    {
        bool whole = true;
        var missing = new Dictionary<DataRow, List<uint>>(ReferenceEqualityComparer.Instance);
        foreach (StorageRow disk in disks)
        {
            if (await MissingAsync(disk.Id, rows, cancel).ConfigureAwait(false) is not { } found)
            {
                whole = false;
                continue;
            }

            foreach ((DataRow row, uint shard) in found)
            {
                if (!missing.TryGetValue(row, out List<uint>? shards))
                    missing.Add(row, shards = []);
                shards.Add(shard);
            }
        }

        foreach (DataRow row in rows)
        {
            if (missing.TryGetValue(row, out List<uint>? shards) && !await HealAsync(row, shards, cancel).ConfigureAwait(false))
                whole = false;
        }

        return whole;
    }

    // The shards that rows have on a disk and the disk does not have; null if it does not say.
    private async Task<List<(DataRow Row, uint Shard)>?> MissingAsync(uint storageId, IReadOnlyList<DataRow> rows, CancellationToken cancel)
    {
        (DataRow Row, uint Shard)[] named = [.. rows
            .Select(row => (Row: row, Shard: row.Placement.IndexOf(storageId)))
            .Where(item => item.Shard >= 0).Select(item => (item.Row, (uint)item.Shard))];
        if (named.Length == 0)
            return [];
        try
        {
            IReadOnlyList<ShardRow?> found = await parts.Shards.StatAsync(
                new StatShardsRequest(
                    storageId, [.. named.Select(item => new ShardKey(new ObjectHash(item.Row.ObjectHash.Span), item.Shard))]),
                cancel).ConfigureAwait(false);
            return [.. named.Where((_, i) => found[i] is null)];
        }
        catch (Exception error) when (error is ShardException or IOException)
        {
            Log.DiskSilent(log, storageId, error.Message);
            return null;
        }
    }

    private async Task<bool> HealAsync(DataRow row, List<uint> shards, CancellationToken cancel)
    {
        using IDisposable turn = await parts.Pace.EnterAsync(cancel).ConfigureAwait(false);

        // Read again: it may have been deleted or moved since the page was made.
        QueryResult now = await parts.QueryAsync(new Query { GetData = new GetData { DataId = row.DataId } }, cancel).ConfigureAwait(false);
        if (now.Data is not { } current || current.ObjectHash != row.ObjectHash
            || await parts.BucketAsync(current, cancel).ConfigureAwait(false) is not { } bucket)
        {
            return true;
        }

        uint[] wanted = [.. current.Missing.Concat(shards.Where(shard => current.Placement[(int)shard] == row.Placement[(int)shard]))
            .Distinct()];
        if (wanted.Length == 0)
            return true;
        HealOutcome outcome = await keeper.HealAsync(current, bucket, wanted, queued: current.Missing.Count > 0, cancel).ConfigureAwait(false);
        if (outcome.Done)
            return true;

        // What all its places cannot give would keep the disk HEALING for ever: it is the heal queue's from here on.
        return outcome.Row.Placement.All(parts.Usable)
            && await parts.QueueAsync(outcome.Row, wanted, "missing", cancel).ConfigureAwait(false);
    }

    private sealed class Walk(string about)
    {
        public string About => about;

        public ByteString After { get; set; } = ByteString.Empty;

        public bool Whole { get; set; } = true;
    }
}
