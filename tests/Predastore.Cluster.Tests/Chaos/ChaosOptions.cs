using Predastore.Cluster.Tests.Harness;

namespace Predastore.Cluster.Tests.Chaos;

/// <summary>How long and how hard: short by default, longer by the variables that <c>scripts/chaos.sh</c> sets.</summary>
public sealed record ChaosOptions
{
    /// <summary>CHAOS_ROUNDS: kills or power cuts.</summary>
    public int Rounds { get; init; } = TestVariables.Number("CHAOS_ROUNDS", 3);

    /// <summary>CHAOS_HISTORIES: races that are judged, each with another trouble.</summary>
    public int Histories { get; init; } = TestVariables.Number("CHAOS_HISTORIES", 1);

    /// <summary>CHAOS_SEED: draws keys, sizes and moments; printed by every run.</summary>
    public int Seed { get; init; } = TestVariables.Number("CHAOS_SEED", Random.Shared.Next());

    /// <summary>CHAOS_WRITERS.</summary>
    public int Writers { get; init; } = TestVariables.Number("CHAOS_WRITERS", 4);

    /// <summary>CHAOS_OBJECTS and CHAOS_MEBIBYTES: what lies in the cluster while single nodes are killed.</summary>
    public int Objects { get; init; } = TestVariables.Number("CHAOS_OBJECTS", 60);

    public long Bytes { get; init; } = (long)TestVariables.Number("CHAOS_MEBIBYTES", 48) << 20;

    /// <summary>CHAOS_KEYS: how many lie in a cluster that is restarted as a whole.</summary>
    public int Keys { get; init; } = TestVariables.Number("CHAOS_KEYS", 2000);

    /// <summary>CHAOS_NODES: 3 for RS(2,1), 5 for RS(3,2).</summary>
    public ClusterShape Shape { get; init; } = TestVariables.Number("CHAOS_NODES", 3) == 5 ? ClusterShape.Five : ClusterShape.Three;

    /// <summary>CHAOS_FREEZE_SECONDS: how long a frozen node stays frozen.</summary>
    public TimeSpan Freeze { get; init; } = TimeSpan.FromSeconds(TestVariables.Number("CHAOS_FREEZE_SECONDS", 15));

    /// <summary>CHAOS_ORPHAN_SECONDS: until then the census has to be exact once the load has ended.</summary>
    public TimeSpan OrphanLimit { get; init; } = TimeSpan.FromSeconds(TestVariables.Number("CHAOS_ORPHAN_SECONDS", 180));

    /// <summary>CHAOS_ORPHAN_INTERVAL: seconds between two looks for orphans; 0 for what nodes have by themselves.</summary>
    public int OrphanInterval { get; init; } = TestVariables.Number("CHAOS_ORPHAN_INTERVAL", 10);

    /// <summary>CHAOS_REPORT: a file that the figures are added to, a line a run.</summary>
    public string? Report { get; init; } = Environment.GetEnvironmentVariable("CHAOS_REPORT");

    /// <summary>CHAOS_LONG=1: what takes too long for every build is wanted.</summary>
    public static bool IsLong => Environment.GetEnvironmentVariable("CHAOS_LONG") == "1";

    /// <summary>Skips, visibly, what takes too long for every build.</summary>
    public static void RequireLong() => Skip.IfNot(IsLong, "it takes minutes: scripts/chaos.sh runs it");
}
