namespace Predastore.Shards;

/// <summary>
/// Bugs that a simulation can plant, to prove that it would find them. Outside of one nothing is ever planted: only
/// <see cref="Planted.Set"/> does it, for the thread that calls it.
/// </summary>
internal enum PlantedBug
{
    None,

    /// <summary>A shard is acknowledged before its segment is synced.</summary>
    SegmentNotSynced,

    /// <summary>The directory of a new segment is not synced.</summary>
    DirectoryNotSynced,

    /// <summary>The row that makes a shard readable is not synced.</summary>
    IndexRowNotSynced,

    /// <summary>A sync that failed counts as one that worked.</summary>
    FailedSyncIgnored,

    /// <summary>Compaction points rows at copies that are not durable.</summary>
    CompactedNotSynced,

    /// <summary>The name of a write's shards lacks its session.</summary>
    UnversionedShardKey,

    /// <summary>A write is acknowledged as soon as it can be read.</summary>
    QuorumTooSmall,

    /// <summary>The shards of a write that was proposed are deleted when its request ends.</summary>
    AbortAfterPropose,

    /// <summary>Fragments that do not open are served.</summary>
    DamageServed,

    /// <summary>An extent of a session that is alive counts as an orphan.</summary>
    LiveSessionCollected,

    /// <summary>Garbage is collected under open reads.</summary>
    GarbageCollectedEarly,

    /// <summary>Results of write ids are not kept: a retry is applied again.</summary>
    ResultsForgotten,

    /// <summary>Writes of closed sessions are applied.</summary>
    ClosedSessionApplied,

    /// <summary>A copy does not count as a reference.</summary>
    CopyNotCounted,

    /// <summary>Preconditions are not decided when a command is applied.</summary>
    PreconditionsIgnored,

    /// <summary>Placements change without a look at the generation.</summary>
    GenerationIgnored,

    /// <summary>The applied position lags by one: entries are applied again after a restart.</summary>
    ReplayedTwice,

    /// <summary>The time of a version is its command's, whatever came before.</summary>
    ModifiedGoesBack,

    /// <summary>Queries are answered without a read index.</summary>
    LocalRead,

    /// <summary>A snapshot is taken without a look at its checksum.</summary>
    SnapshotNotVerified,

    /// <summary>Request ids of a replica start from 0 in every life.</summary>
    RequestIdsRepeat,

    /// <summary>A session that was closed by others is asked for again with its old nonce.</summary>
    NonceKept,

    /// <summary>A snapshot carries no configuration.</summary>
    SnapshotWithoutConfiguration,

    /// <summary>The journal is not synced.</summary>
    JournalNotSynced,

    /// <summary>Of several attempts in a place that a row names, all are kept.</summary>
    SupersededKept,

    /// <summary>A copy takes the key that its source had when it was read, though the data was written anew since.</summary>
    CopyWithOldKey,

    /// <summary>The journal is cut before the state in front of it is durable.</summary>
    CutBeforeFlush,
}

/// <summary>Which bug is planted for this thread.</summary>
internal static class Planted
{
    [ThreadStatic]
    private static PlantedBug s_bug;

    public static bool Has(PlantedBug bug) => s_bug == bug;

    /// <summary>For simulations only.</summary>
    public static void Set(PlantedBug bug) => s_bug = bug;
}
