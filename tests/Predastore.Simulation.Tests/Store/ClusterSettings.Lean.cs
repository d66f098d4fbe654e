using Predastore.Shards;

namespace Predastore.Simulation.Tests.Store;

/// <content>
/// Some bugs show only where several rare things meet. A draw with such a bug has these often; all else is as the seed drew it.
/// </content>
internal sealed partial record ClusterSettings
{
    private static readonly Trouble[] Crashes = [Trouble.Crash, Trouble.Crash, Trouble.CrashInWrite, Trouble.CrashAll];

    private static ClusterSettings Lean(ClusterSettings drawn, SimRandom random)
    {
        if (!Enum.TryParse(drawn.Bug, out PlantedBug bug))
            return drawn;
        int soon = 200 + random.Next(800);
        return bug switch
        {
            // What was not synced is lost by a power cut only.
            PlantedBug.SegmentNotSynced or PlantedBug.IndexRowNotSynced => drawn with { Troubles = Crashes, TroubleMs = soon },
            PlantedBug.DirectoryNotSynced => drawn with { Troubles = Crashes, TroubleMs = soon, SegmentBytes = 16 << 10 },
            PlantedBug.FailedSyncIgnored => drawn with { Troubles = [.. Crashes, Trouble.DiskErrors], TroubleMs = soon },
            PlantedBug.CompactedNotSynced => drawn with { Troubles = Crashes, TroubleMs = soon, SegmentBytes = 64 << 10, CompactMs = 150, MaintenanceMs = 300 },

            // An orphan round between the last shard of a write and its commit, which takes long.
            PlantedBug.LiveSessionCollected => drawn with { MaintenanceMs = 100, OrphanRounds = 1, DelayMs = 20 + random.Next(80) },

            // Copies of commands that come when their session, or their write id, is long over.
            PlantedBug.ClosedSessionApplied => Late(drawn, random) with { OrphanRounds = 1 },
            PlantedBug.RequestIdsRepeat or PlantedBug.NonceKept => Late(drawn, random) with { Troubles = Crashes, TroubleMs = soon },

            // Two nodes that heal one row.
            PlantedBug.GenerationIgnored => drawn with
            {
                Troubles = [Trouble.Flip, Trouble.Flip, Trouble.Crash, Trouble.Partition], TroubleMs = soon, MaintenanceMs = 100, DelayMs = 20 + random.Next(80),
            },

            // Followers that were away for longer than the log reaches back.
            PlantedBug.SnapshotNotVerified or PlantedBug.SnapshotWithoutConfiguration => Grouped(drawn) with
            {
                Troubles = [Trouble.Crash, Trouble.Partition, Trouble.Flip], TroubleMs = soon, CompactEntries = 3, CompactTail = 0,
            },
            PlantedBug.LocalRead => Grouped(drawn),
            _ => drawn,
        };
    }

    private static ClusterSettings Grouped(ClusterSettings drawn) => drawn with { Nodes = Math.Max(3, drawn.Nodes), Replicas = Math.Max(3, drawn.Replicas) };

    private static ClusterSettings Late(ClusterSettings drawn, SimRandom random) => Grouped(drawn) with
    {
        DuplicatePerMille = 500,
        ReplayPerMille = 100 + random.Next(300),
        LossPerMille = 20 + random.Next(150),
    };
}
