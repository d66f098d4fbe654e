using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Actors.Topology;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;

namespace Predastore.Actors.Maintenance;

/// <summary>How the heal of a row ended.</summary>
/// <param name="Row">The row as it stands afterwards.</param>
/// <param name="Done">True if all shards asked for are durable.</param>
/// <param name="Contradicts">True if a rebuilt shard is not the one that the row names: the object has to be written anew.</param>
internal readonly record struct HealOutcome(DataRow Row, bool Done, bool Contradicts = false);

/// <summary>
/// Brings the shards of one data row to where they belong: heals them in their own place, or puts them elsewhere by compare-and-set.
/// Whatever it loses on the way is an extent that nobody names, which orphan collection deletes. Thread-safe.
/// </summary>
internal sealed partial class RowKeeper(MaintenanceParts parts, ILogger log)
{
    private static readonly TimeSpan FullFor = TimeSpan.FromMinutes(1);

    private readonly ShardRebuilder _rebuilder = new(parts);
    private readonly ShardMover _mover = new(parts);
    private readonly ConcurrentDictionary<uint, long> _full = [];
    private readonly HealBackoff _backoff = new(parts.Time);

    /// <summary>How a storage id stands, as rows and this process's view of it say.</summary>
    public StorageCondition ConditionOf(uint storageId) => PlacementPlan.ConditionOf(
        parts.Cluster.Require(), storageId, parts.Away.Look(storageId), parts.Settings.RelocateAfter);

    /// <summary>
    /// Rebuilds shards where the row has them, or elsewhere if that place is gone for good, leaving, or full.
    /// </summary>
    /// <param name="row">The row as just read.</param>
    /// <param name="bucket">A bucket that refers to it.</param>
    /// <param name="shards">What to rebuild.</param>
    /// <param name="queued">True if the heal queue has the row: the metadata group has to hear of the end.</param>
    /// <param name="cancel">Ends the work.</param>
    public async Task<HealOutcome> HealAsync(
        DataRow row, BucketRow bucket, IReadOnlyList<uint> shards, bool queued, CancellationToken cancel)
    {
        if (_backoff.IsPaused(row.DataId))
            return new HealOutcome(row, false);
        HealOutcome? healed = await TryHealAsync(row, bucket, shards, queued, cancel).ConfigureAwait(false);
        if (healed is not { } result)
            return new HealOutcome(row, false);
        _backoff.Note(row.DataId, result.Done);
        return result;
    }

    // Null if there was nothing to try: a place is only out of reach for a moment.
    private async Task<HealOutcome?> TryHealAsync(
        DataRow row, BucketRow bucket, IReadOnlyList<uint> shards, bool queued, CancellationToken cancel)
    {
        string name = NameOf(row);
        try
        {
            using var write = new HealWrite(parts.Proposer);
            List<ShardTask> tasks = Tasks(row, shards, write);
            if (tasks.Count == 0)
                return null;
            List<(uint StorageId, ShardToDelete[] Shards)> older = await OlderAsync(row, tasks, cancel).ConfigureAwait(false);
            IReadOnlyList<ShardOutcome> outcomes = await _rebuilder.RebuildAsync(row, bucket, tasks, cancel)
                .ConfigureAwait(false);
            ShardOutcome[] good = Judge(outcomes, name);
            bool contradicts = outcomes.Any(outcome => outcome.Failure is WrongDigestException);
            if (good.Length == 0)
                return new HealOutcome(row, false, contradicts);
            bool tell = queued || good.Any(outcome => row.Missing.Contains(outcome.Task.Shard)
                || row.Placement[(int)outcome.Task.Shard] != outcome.Task.StorageId);
            DataRow? placed = !tell ? row
                : await PlaceAsync(row, [.. good.Select(outcome => outcome.Put)], write, name, cancel).ConfigureAwait(false);
            if (placed is null)
                return new HealOutcome(row, false);
            foreach (ShardOutcome outcome in good)
            {
                parts.Progress.Healed(outcome.Put.SizeHint);
                Log.Healed(log, outcome.Task.Shard, name, outcome.Task.StorageId);
            }

            foreach ((uint storageId, ShardToDelete[] attempts) in older.Where(item => good.Any(o => o.Task.StorageId == item.StorageId)))
                await parts.Shards.DeleteAsync(new DeleteShardsRequest(storageId, attempts), cancel).ConfigureAwait(false);
            return new HealOutcome(placed, good.Length == shards.Count, contradicts);
        }
        catch (Exception error) when (IsExpected(error, cancel))
        {
            parts.Progress.Failed();
            Log.NotHealed(log, string.Join(',', shards), name, error.Message);
            return new HealOutcome(row, false);
        }
    }

    private List<ShardTask> Tasks(DataRow row, IReadOnlyList<uint> shards, HealWrite write)
    {
        List<ShardTask> tasks = [];
        HashSet<uint> used = [.. row.Placement];
        foreach (uint shard in shards)
        {
            uint own = row.Placement[(int)shard];
            if (TargetOf(row, own, used) is not { } storageId)
                continue;
            used.Add(storageId);
            tasks.Add(new ShardTask(shard, storageId, storageId == own ? row.WriteId : write.Id));
        }

        return tasks;
    }

    // Its own place while that is good; another once it is not; none while it is only out of reach for a moment.
    private uint? TargetOf(DataRow row, uint own, HashSet<uint> used)
    {
        StorageCondition at = ConditionOf(own);
        if (at == StorageCondition.Away || (at == StorageCondition.Good && !IsFull(own)))
            return at == StorageCondition.Good ? own : null;
        ClusterView cluster = parts.Cluster.Require();
        uint other = cluster.Ring.Place(
                new ObjectHash(row.ObjectHash.Span), cluster.Ring.Members.Count,
                id => ConditionOf(id) == StorageCondition.Good && !IsFull(id))
            .FirstOrDefault(id => !used.Contains(id));

        // With nowhere else to go, a place that is on its way out is better than none.
        return other != 0 ? other : at == StorageCondition.Leaving && parts.Usable(own) ? own : null;
    }

    private ShardOutcome[] Judge(IReadOnlyList<ShardOutcome> outcomes, string name)
    {
        foreach (ShardOutcome outcome in outcomes.Where(outcome => !outcome.Ok))
        {
            parts.Progress.Failed();
            if (outcome.Failure is ShardException { Error: ShardError.Full })
                _full[outcome.Task.StorageId] = parts.Time.GetTimestamp();
            if (outcome.Failure is WrongDigestException)
                Log.WrongDigest(log, outcome.Task.Shard, name);
            else
                Log.NotHealed(log, $"{outcome.Task.Shard} on storage id {outcome.Task.StorageId}", name, outcome.Failure!.Message);
        }

        return [.. outcomes.Where(outcome => outcome.Ok)];
    }

    private bool IsFull(uint storageId)
        => _full.TryGetValue(storageId, out long since) && parts.Time.GetElapsedTime(since) < FullFor;

    // Taken before the new attempt is durable: what is listed now is older than it, so that a later heal's work is never deleted.
    private async Task<List<(uint StorageId, ShardToDelete[] Shards)>> OlderAsync(
        DataRow row, List<ShardTask> tasks, CancellationToken cancel)
    {
        List<(uint, ShardToDelete[])> older = [];
        var hash = new ObjectHash(row.ObjectHash.Span);
        foreach (ShardTask task in tasks)
        {
            ShardPage page = await parts.Shards.ListAsync(
                new ListShardsRequest(task.StorageId, hash, hash, ReadOnlyMemory<byte>.Empty, ProtocolLimits.BatchMax), cancel)
                .ConfigureAwait(false);
            ShardToDelete[] attempts = [.. page.Rows.Where(found => found.Key == new ShardKey(hash, task.Shard))
                .Select(found => new ShardToDelete(found.Key, found.AttemptId))];
            if (attempts.Length > 0)
                older.Add((task.StorageId, attempts));
        }

        return older;
    }

    // Null if the row changed meanwhile. What was written stays for orphan collection: the row may name its place by now, and then it is the
    // newest attempt there, for which the older ones may be deleted at any moment.
    private async Task<DataRow?> PlaceAsync(
        DataRow row, PutShardRequest[] puts, HealWrite write, string name, CancellationToken cancel)
    {
        ClusterView cluster = parts.Cluster.Require();
        uint[] placement = [.. row.Placement];
        var place = new PlaceShards { DataId = row.DataId, Generation = row.Generation };
        foreach (PutShardRequest put in puts)
        {
            placement[put.ShardIndex] = put.StorageId;
            place.Places.Add(new ShardPlace { Shard = put.ShardIndex, StorageId = put.StorageId });
        }

        if (PlacementPlan.Follows(placement, cluster, row))
            place.Epoch = cluster.Epoch;
        CommandResult result = await write.ProposeAsync(new Command { PlaceShards = place }, cancel).ConfigureAwait(false);
        if (result.Code == ResultCode.ResultOk)
            return result.Data;
        parts.Progress.Failed();
        Log.NotHealed(log, string.Join(',', puts.Select(put => put.ShardIndex)), name, result.Code.ToString());
        return null;
    }

    private static string NameOf(DataRow row) => Convert.ToHexStringLower(row.ObjectHash.Span);

    private static bool IsExpected(Exception error, CancellationToken cancel)
        => error is ShardException or IOException or StoreException
            || (error is OperationCanceledException && !cancel.IsCancellationRequested);
}
