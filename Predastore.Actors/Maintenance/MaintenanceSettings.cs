using Akka.Configuration;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// How hard background work may push, and when it gives a disk up: <c>predastore.maintenance</c> in hocon/predastore.conf. Rates are
/// bytes read and written by one node; 0 is no bound.
/// </summary>
internal sealed record MaintenanceSettings
{
    /// <summary>Rate of heal, rewrite and rebalance while no gate serves requests, in bytes a second.</summary>
    public long BytesPerSecondIdle { get; init; }

    /// <summary>The same while a gate of the cluster serves requests.</summary>
    public long BytesPerSecondBusy { get; init; } = 24L << 20;

    /// <summary>Rows worked on at once while no gate serves requests.</summary>
    public int RowsAtOnceIdle { get; init; } = 4;

    /// <summary>The same while a gate of the cluster serves requests.</summary>
    public int RowsAtOnceBusy { get; init; } = 1;

    /// <summary>A gate counts as serving for this long after its last request.</summary>
    public TimeSpan QuietAfter { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A storage id that was away for this long is given up: its shards are rebuilt on others.</summary>
    public TimeSpan RelocateAfter { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Every fragment is opened at least once in this time.</summary>
    public TimeSpan ScrubPeriod { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Highest rate at which one disk is scrubbed, in bytes a second.</summary>
    public long ScrubBytesPerSecondMax { get; init; } = 32L << 20;

    /// <summary>Lowest rate at which one disk is scrubbed, in bytes a second: a small disk is through soon.</summary>
    public long ScrubBytesPerSecondMin { get; init; } = 1L << 20;

    /// <summary>A round over a partition hands over to its other work after this long.</summary>
    public TimeSpan RoundMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time between two looks for orphans in a partition.</summary>
    public TimeSpan OrphanInterval { get; init; } = TimeSpan.FromMinutes(4);

    /// <summary>Time until orphans are looked for in a partition whose shards have just moved.</summary>
    public TimeSpan OrphanIntervalMoved { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Rows of one page of a walk.</summary>
    public uint PageRows { get; init; } = 128;

    /// <summary>Reads the values of a node.</summary>
    public static MaintenanceSettings From(Config config) => new()
    {
        BytesPerSecondIdle = Bytes(config, "bytes-per-second-idle"),
        BytesPerSecondBusy = Bytes(config, "bytes-per-second-busy"),
        RowsAtOnceIdle = config.GetInt(Key("rows-at-once-idle")),
        RowsAtOnceBusy = config.GetInt(Key("rows-at-once-busy")),
        QuietAfter = config.GetTimeSpan(Key("quiet-after")),
        RelocateAfter = config.GetTimeSpan(Key("relocate-after")),
        ScrubPeriod = config.GetTimeSpan(Key("scrub-period")),
        ScrubBytesPerSecondMax = Bytes(config, "scrub-bytes-per-second-max"),
        ScrubBytesPerSecondMin = Bytes(config, "scrub-bytes-per-second-min"),
        RoundMax = config.GetTimeSpan(Key("round-max")),
        OrphanInterval = config.GetTimeSpan(Key("orphan-interval")),
        OrphanIntervalMoved = config.GetTimeSpan(Key("orphan-interval-moved")),
    };

    private static long Bytes(Config config, string name) => config.GetByteSize(Key(name)) ?? 0;

    private static string Key(string name) => "predastore.maintenance." + name;
}
