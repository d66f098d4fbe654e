using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Http.Admin;

namespace Predastore.Host.Nodes;

/// <summary>The part of the status that tells of background work.</summary>
internal static class MaintenanceStatusOf
{
    public static MaintenanceStatus Make(QueryResult? rows, IReadOnlyDictionary<uint, NodeReport> reports) => new(
        (long)(rows?.HealBacklog ?? 0), (long)(rows?.GarbageBacklog ?? 0), (long)(rows?.Counters?.OpenUploads ?? 0))
    {
        Nodes = [.. reports.Values.Where(report => report.Maintenance is not null).OrderBy(report => report.Node).Select(Node)],
        Storages = [.. (rows?.Storages ?? []).Select(storage => Storage(storage, rows!)).OfType<StorageProgress>()],
    };

    public static ScrubStatus? Make(ScrubReport? scrub) => scrub is null ? null : new ScrubStatus(
        scrub.Running ? (int)scrub.Percent : null, Time(scrub.BeganMs), Time(scrub.EndedMs), (long)scrub.Faults,
        scrub.Running ? (long)scrub.Rate : null);

    private static NodeMaintenance Node(NodeReport report)
    {
        MaintenanceReport of = report.Maintenance;
        return new NodeMaintenance(
            report.Node, (long)of.HealedShards, (long)of.HealedBytes, (long)of.MovedShards, (long)of.MovedBytes, (long)of.Rewritten,
            (long)of.Orphans, (long)of.Collected, (long)of.Failures, (long)of.Rate, of.RateMax == 0 ? null : (long)of.RateMax, of.Yields);
    }

    private static StorageProgress? Storage(StorageRow storage, QueryResult rows)
    {
        long named = (long)(rows.StorageUse.FirstOrDefault(use => use.StorageId == storage.Id)?.DataRows ?? 0);
        return storage.State switch
        {
            StorageState.StorageHealing => new StorageProgress(
                storage.Id, "healing", System.Numerics.BitOperations.PopCount(storage.Healed) * 100 / 64, named),
            StorageState.StorageDraining => new StorageProgress(storage.Id, "draining", null, named),
            _ => null,
        };
    }

    private static DateTimeOffset? Time(long ms) => ms == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(ms);
}
