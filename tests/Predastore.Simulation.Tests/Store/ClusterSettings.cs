using Predastore.Simulation.Tests.Raft;

namespace Predastore.Simulation.Tests.Store;

/// <summary>What one seed draws before it starts. Times are virtual milliseconds, chances are in thousandths.</summary>
internal sealed partial record ClusterSettings
{
    public required ulong Seed { get; init; }

    /// <summary>The bug to plant; empty for none.</summary>
    public string Bug { get; init; } = "";

    public int Nodes { get; init; }

    public int Replicas { get; init; }

    public int DisksPerNode { get; init; }

    public int DataShards { get; init; }

    public int ParityShards { get; init; }

    public int LossPerMille { get; init; }

    public int DuplicatePerMille { get; init; }

    public int ReplayPerMille { get; init; }

    public int DelayMs { get; init; }

    public int DiskMs { get; init; }

    /// <summary>Mean time between two faults.</summary>
    public int TroubleMs { get; init; }

    /// <summary>Which kinds of faults this seed has.</summary>
    public IReadOnlyList<Trouble> Troubles { get; init; } = [];

    public int Clients { get; init; }

    public int Keys { get; init; }

    /// <summary>Largest object, in bytes.</summary>
    public int BytesMax { get; init; }

    public int SegmentBytes { get; init; }

    public int CompactMs { get; init; }

    public int CompactEntries { get; init; }

    public int CompactTail { get; init; }

    public int MessageBytesMax { get; init; }

    public int InflightMax { get; init; }

    /// <summary>Mean time between two rounds of maintenance somewhere.</summary>
    public int MaintenanceMs { get; init; }

    /// <summary>Every so many rounds of maintenance one looks for orphans as well.</summary>
    public int OrphanRounds { get; init; } = 6;

    /// <summary>Time of faults and of clients, in virtual milliseconds; then everything is healed.</summary>
    public int TroubledMs { get; init; } = 60_000;

    public int Operations { get; init; } = 220;

    private static readonly (int K, int M)[] Geometries = [(2, 1), (2, 1), (1, 1), (3, 2), (2, 2), (4, 2), (1, 2)];

    /// <summary>Every seed is another mix; with a bug it leans towards what that one needs.</summary>
    public static ClusterSettings Draw(ulong seed, string bug = "")
    {
        var random = new SimRandom((seed * 2) + 1);
        (int k, int m) = random.Pick(Geometries);
        int nodes = 1 + random.Next(7);
        int disks = random.Chance(250) ? 2 : 1;
        while (nodes * disks < k + m)
            (nodes, disks) = nodes < 7 && random.Chance(700) ? (nodes + 1, disks) : (nodes, disks + 1);
        bool badNetwork = random.Chance(600);
        Trouble[] all = Enum.GetValues<Trouble>();
        var drawn = new ClusterSettings
        {
            Seed = seed,
            Bug = bug,
            Nodes = nodes,
            Replicas = nodes >= 5 && random.Chance(400) ? 5 : nodes >= 3 ? 3 : 1,
            DisksPerNode = disks,
            DataShards = k,
            ParityShards = m,
            LossPerMille = badNetwork ? random.Next(random.Chance(200) ? 300 : 60) : 0,
            DuplicatePerMille = badNetwork ? random.Next(500) : 0,
            ReplayPerMille = random.Chance(500) ? random.Next(20) : 0,
            DelayMs = 1 + random.Next(random.Chance(250) ? 100 : 8),
            DiskMs = 1 + random.Next(random.Chance(250) ? 120 : 8),
            TroubleMs = 400 + random.Next(4000),
            Troubles = [.. all.Where(_ => random.Chance(600))],
            Clients = 3 + random.Next(6),
            Keys = 2 + random.Next(6),
            BytesMax = random.Chance(150) ? 120_000 : random.Chance(300) ? 5_000 : 20_000,
            SegmentBytes = random.Chance(250) ? 16 << 10 : random.Chance(500) ? 64 << 10 : 1 << 20,
            CompactMs = random.Chance(250) ? 150 : 5_000,
            CompactEntries = random.Chance(250) ? 3 : 20 + random.Next(300),
            CompactTail = random.Next(10),
            MessageBytesMax = random.Chance(250) ? 400 : 1 << 20,
            InflightMax = random.Chance(250) ? 1 : 1 + random.Next(16),
            MaintenanceMs = random.Chance(250) ? 300 : 1_000 + random.Next(3_000),
            OrphanRounds = random.Chance(250) ? 1 : 6,
        };
        return Lean(drawn, random);
    }

    public override string ToString() =>
        $"seed {Seed}{(Bug.Length > 0 ? $" with {Bug}" : "")}: {Nodes} nodes, {Replicas} replicas, {DisksPerNode} disks each, RS({DataShards},{ParityShards}), "
        + $"loss {LossPerMille}, dup {DuplicatePerMille}, replay {ReplayPerMille}, delay {DelayMs}, disk {DiskMs}, trouble {TroubleMs} "
        + $"[{string.Join(' ', Troubles)}], {Clients} clients, {Keys} keys, {BytesMax} bytes, segments {SegmentBytes}, compact {CompactMs} ms, "
        + $"log {CompactEntries}+{CompactTail}, maintenance {MaintenanceMs}/{OrphanRounds}, until {TroubledMs}";
}

/// <summary>Kinds of faults.</summary>
internal enum Trouble
{
    /// <summary>One machine loses power between two steps.</summary>
    Crash,

    /// <summary>One machine loses power in the middle of some later I/O.</summary>
    CrashInWrite,

    /// <summary>All machines lose power at once.</summary>
    CrashAll,

    /// <summary>Some links are cut both ways.</summary>
    Partition,

    /// <summary>Some links are cut one way.</summary>
    OneWay,

    /// <summary>A link is slow.</summary>
    Clog,

    /// <summary>A process is stopped for a while, and goes on.</summary>
    Freeze,

    /// <summary>A disk fails single calls.</summary>
    DiskErrors,

    /// <summary>A disk is full for a while.</summary>
    DiskFull,

    /// <summary>A disk is slow for a while.</summary>
    SlowDisk,

    /// <summary>A bit of a sealed shard is turned.</summary>
    Flip,

    /// <summary>A shard's bytes are those of another one.</summary>
    Misdirect,

    /// <summary>Leadership is handed over.</summary>
    Transfer,

    /// <summary>A wall clock jumps.</summary>
    ClockJump,
}
