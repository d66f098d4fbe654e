using Microsoft.Extensions.Logging;
using Predastore.Actors.Client;
using Predastore.Actors.Hosting.Partitions;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// One round over one of the 64 partitions: heal queue, garbage, and now and then orphans. A round that runs twice at once does no
/// harm: everything it changes is decided by compare-and-set on generations or is a delete of what nobody names.
/// </summary>
internal sealed class PartitionWork(MaintenanceParts parts, RewriteWork rewrite, ILogger log, TimeProvider time) : IPartitionWork
{
    /// <summary>Time between two looks for orphans in a partition.</summary>
    public static readonly TimeSpan OrphanInterval = TimeSpan.FromMinutes(4);

    private readonly HealWork _heal = new(parts, rewrite, log);
    private readonly GarbageWork _garbage = new(parts, log);
    private readonly OrphanWork _orphans = new(parts, log);
    private readonly Dictionary<int, long> _orphansSeen = [];

    /// <inheritdoc/>
    public async Task RunAsync(int partition, CancellationToken cancellation)
    {
        if (parts.Cluster.Current is null || parts.Proposer.Sessions.Current is not { Closed: false })
            return;
        try
        {
            await _heal.RunAsync((uint)partition, cancellation).ConfigureAwait(false);
            await _garbage.RunAsync((uint)partition, cancellation).ConfigureAwait(false);
            if (OrphansAreDue(partition))
                await _orphans.RunAsync(partition, cancellation).ConfigureAwait(false);
        }
        catch (StoreException error) when (error.Failure is StoreFailure.Unavailable or StoreFailure.Unknown or StoreFailure.Busy)
        {
            // Without the metadata group there is nothing to do; the next round asks again.
            Log.Waiting(log, partition, error.Message);
        }
    }

    private bool OrphansAreDue(int partition)
    {
        long now = time.GetTimestamp();
        lock (_orphansSeen)
        {
            if (_orphansSeen.TryGetValue(partition, out long last) && time.GetElapsedTime(last, now) < OrphanInterval)
                return false;
            _orphansSeen[partition] = now;
            return true;
        }
    }
}
