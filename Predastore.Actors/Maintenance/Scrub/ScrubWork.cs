using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Client;
using Predastore.Actors.Hosting.Partitions;
using Predastore.Actors.Maintenance.Wire;
using Predastore.Actors.Metadata;
using Predastore.Shards.Crypto;
using Predastore.Shards.Segments;
using DataKey = Predastore.Shards.Crypto.DataKey;

namespace Predastore.Actors.Maintenance.Scrub;

/// <summary>
/// Scrubs one disk, on the node that has it: walks the data rows that name it, partition by partition, and opens every fragment of their
/// shards. A shard that is bad or missing is queued for heal; what a new disk has not got yet is left to its own heal. One step at a
/// time; where it stands survives a restart.
/// </summary>
internal sealed class ScrubWork(MaintenanceParts parts, uint storageId, SegmentStore store, ScrubCursor cursor, ILogger log)
{
    private const uint PageRows = 32;
    private const string Missing = "missing";
    private static readonly TimeSpan SaveInterval = TimeSpan.FromSeconds(20);

    // Two passes begin at most so much of the period apart, and one takes at most as much: together less than the period.
    private const double ShareOfPeriod = 0.45;

    private readonly TokenBucket _bucket = new(parts.Time);
    private readonly Lock _lock = new();
    private readonly ScrubState _state = cursor.Read();
    private long _saved = parts.Time.GetTimestamp();

    /// <summary>Where it stands.</summary>
    public ScrubState State
    {
        get
        {
            lock (_lock)
                return _state.Clone();
        }
    }

    /// <summary>Rate of the pass under way, in bytes a second.</summary>
    public long BytesPerSecond
    {
        get
        {
            MaintenanceSettings settings = parts.Settings;
            if (State.Urgent)
                return settings.ScrubBytesPerSecondMax;
            double seconds = settings.ScrubPeriod.TotalSeconds * ShareOfPeriod;
            return Math.Clamp(
                (long)(store.Stats().LiveBytes / seconds), settings.ScrubBytesPerSecondMin, settings.ScrubBytesPerSecondMax);
        }
    }

    /// <summary>Begins a pass now, at the highest rate: what is under way begins anew.</summary>
    public void BeginNow()
    {
        lock (_lock)
            Begin(urgent: true);
        Save();
    }

    /// <summary>
    /// Checks the next rows, if a pass is due or under way. True if there is more to do at once.
    /// </summary>
    public async Task<bool> StepAsync(CancellationToken cancel)
    {
        if (parts.Cluster.Current is not { } cluster || parts.Proposer.Sessions.Current is not { Closed: false }
            || cluster.Storages.GetValueOrDefault(storageId) is not { State: not StorageState.StorageRemoved } storage)
        {
            return false;
        }

        uint partition;
        ByteString after;
        lock (_lock)
        {
            if (!_state.Running && !IsDue())
                return false;
            if (!_state.Running)
                Begin(urgent: false);
            (partition, after) = (_state.Partition, _state.After);
        }

        QueryResult page = await parts.QueryAsync(
            new Query { WalkData = new WalkData { Partition = partition, StorageId = storageId, After = after, Limit = PageRows } }, cancel)
            .ConfigureAwait(false);
        long rate = BytesPerSecond;
        bool filling = storage.State == StorageState.StorageHealing && ((storage.Healed >> (int)partition) & 1) == 0;
        foreach (DataRow row in page.DataRows)
        {
            int shard = row.Placement.IndexOf(storageId);
            if (shard >= 0 && !row.Missing.Contains((uint)shard))
                await CheckAsync(row, (uint)shard, rate, filling, cancel).ConfigureAwait(false);
        }

        lock (_lock)
        {
            // A pass that was begun anew meanwhile stands at its start.
            if (_state.Partition != partition || _state.After != after)
                return true;
            _state.After = page.NextCursor;
            if (!page.Truncated)
                NextPartition();
        }

        if (!State.Running || parts.Time.GetElapsedTime(_saved) > SaveInterval)
            Save();
        return true;
    }

    private bool IsDue()
    {
        TimeSpan since = parts.Time.GetUtcNow() - DateTimeOffset.FromUnixTimeMilliseconds(_state.WholeBeganMs);
        return _state.EndedMs == 0 || since < TimeSpan.Zero || since > parts.Settings.ScrubPeriod * ShareOfPeriod;
    }

    private void Begin(bool urgent)
    {
        _state.Running = true;
        _state.Urgent = urgent;
        _state.BeganMs = parts.Time.GetUtcNow().ToUnixTimeMilliseconds();
        _state.Partition = 0;
        _state.After = ByteString.Empty;
        _state.Shards = _state.Bytes = _state.Faults = 0;
    }

    private void NextPartition()
    {
        _state.After = ByteString.Empty;
        if (++_state.Partition < PartitionProtocol.Partitions)
            return;
        _state.Partition = 0;
        _state.Running = false;
        _state.Urgent = false;
        _state.EndedMs = parts.Time.GetUtcNow().ToUnixTimeMilliseconds();
        _state.WholeBeganMs = _state.BeganMs;
        (_state.LastShards, _state.LastFaults) = (_state.Shards, _state.Faults);
        Log.Scrubbed(log, storageId, _state.Shards, _state.Bytes, _state.Faults);
    }

    private async Task CheckAsync(DataRow row, uint shard, long rate, bool filling, CancellationToken cancel)
    {
        long bytes = 0;
        string? fault;
        try
        {
            fault = await LookAsync(row, shard, async next =>
            {
                bytes += next;
                await _bucket.TakeAsync(next, rate, cancel).ConfigureAwait(false);
            }, cancel).ConfigureAwait(false);
        }
        catch (IOException error)
        {
            fault = error.Message;
        }
        catch (Client.StoreException error) when (error.Failure == StoreFailure.Damaged)
        {
            // Its key cannot be had: nothing is known of the shard, and the rows after it are still to be checked.
            Log.ScrubFailed(log, storageId, error.Message);
            return;
        }

        if (filling && fault == Missing)
            return;
        parts.Progress.Scrubbed(bytes);
        lock (_lock)
        {
            _state.Shards++;
            _state.Bytes += (ulong)bytes;
            if (fault is not null)
                _state.Faults++;
        }

        if (fault is not null)
            await QueueAsync(row, shard, fault, cancel).ConfigureAwait(false);
    }

    private async Task<string?> LookAsync(DataRow row, uint shard, Func<long, Task> pace, CancellationToken cancel)
    {
        using ShardReader? reader = store.TryOpenRead(new Predastore.Shards.Protocol.ShardKey(new ObjectHash(row.ObjectHash.Span), shard));
        if (reader is null)
            return Missing;
        if (await parts.BucketAsync(row, cancel).ConfigureAwait(false) is not { } bucket)
            return null;
        using DataKey key = parts.Keys.Unwrap(bucket, row.Keys);
        return await ShardCheck.RunAsync(reader, row, shard, key, pace, cancel).ConfigureAwait(false);
    }

    private async Task QueueAsync(DataRow row, uint shard, string fault, CancellationToken cancel)
    {
        parts.Progress.FoundFault();
        Log.ScrubFault(log, shard, Convert.ToHexStringLower(row.ObjectHash.Span), storageId, fault);
        await parts.QueueAsync(row, [shard], fault == Missing ? Missing : "damaged", cancel).ConfigureAwait(false);
    }

    private void Save()
    {
        _saved = parts.Time.GetTimestamp();
        try
        {
            cursor.Write(State);
        }
        catch (IOException error)
        {
            Log.ScrubNotSaved(log, storageId, error.Message);
        }
    }
}
