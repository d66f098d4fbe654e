using Microsoft.Extensions.Logging;
using Predastore.Actors.Client;
using Predastore.Actors.Hosting.Partitions;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// One round over one of the 64 partitions: heal queue, new disks, moves, garbage, and now and then orphans. A round that runs twice
/// at once does no harm: everything it changes is decided by compare-and-set on generations or is a delete of what nobody names.
/// </summary>
internal sealed class PartitionWork : IPartitionWork
{
    private readonly MaintenanceParts _parts;
    private readonly HealWork _heal;
    private readonly DiskHealWork _disks;
    private readonly RebalanceWork _rebalance;
    private readonly GarbageWork _garbage;
    private readonly OrphanWork _orphans;
    private readonly ILogger _log;
    private readonly Dictionary<int, long> _orphansSeen = [];
    private readonly HashSet<int> _moved = [];

    public PartitionWork(MaintenanceParts parts, RewriteWork rewrite, ILogger log)
    {
        _parts = parts;
        _log = log;
        var keeper = new RowKeeper(parts, log);
        _heal = new HealWork(parts, keeper, rewrite);
        _disks = new DiskHealWork(parts, keeper, log);
        _rebalance = new RebalanceWork(parts, keeper);
        _garbage = new GarbageWork(parts, log);
        _orphans = new OrphanWork(parts, log);
    }

    /// <inheritdoc/>
    public async Task RunAsync(int partition, CancellationToken cancellation)
    {
        if (_parts.Cluster.Current is null || _parts.Proposer.Sessions.Current is not { Closed: false })
            return;
        try
        {
            await _heal.RunAsync((uint)partition, cancellation).ConfigureAwait(false);
            await _disks.RunAsync((uint)partition, cancellation).ConfigureAwait(false);
            if (await _rebalance.RunAsync((uint)partition, cancellation).ConfigureAwait(false))
                NoteMoved(partition);
            await _garbage.RunAsync((uint)partition, cancellation).ConfigureAwait(false);
            if (OrphansAreDue(partition))
                await _orphans.RunAsync(partition, cancellation).ConfigureAwait(false);
        }
        catch (StoreException error) when (error.Failure is StoreFailure.Unavailable or StoreFailure.Unknown or StoreFailure.Busy)
        {
            // Without the metadata group there is nothing to do; the next round asks again.
            Log.Waiting(_log, partition, error.Message);
        }
    }

    private void NoteMoved(int partition)
    {
        lock (_orphansSeen)
            _moved.Add(partition);
    }

    private bool OrphansAreDue(int partition)
    {
        long now = _parts.Time.GetTimestamp();
        lock (_orphansSeen)
        {
            TimeSpan interval = _moved.Contains(partition) ? _parts.Settings.OrphanIntervalMoved : _parts.Settings.OrphanInterval;
            if (_orphansSeen.TryGetValue(partition, out long last) && _parts.Time.GetElapsedTime(last, now) < interval)
                return false;
            _orphansSeen[partition] = now;
            _moved.Remove(partition);
            return true;
        }
    }
}
