using Predastore.Shards.Disk;
using Predastore.Testing.Disk;

namespace Predastore.Simulation.Tests.Store;

/// <summary>One machine: what stays when its process dies. All its disks lose power together.</summary>
internal sealed class SimHost
{
    public SimHost(uint node, bool hasReplica, IReadOnlyList<uint> storageIds)
    {
        (Node, HasReplica, StorageIds) = (node, hasReplica, storageIds);
        ReplicaDisk = new MemoryDisk(Power);
        Databases = new MemoryKvFactory(Power);
        foreach (uint id in storageIds)
        {
            Disks[id] = new MemoryDisk(Power);
            Uuids[id] = new Guid((int)id, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]);
        }
    }

    public uint Node { get; }

    public bool HasReplica { get; }

    public IReadOnlyList<uint> StorageIds { get; }

    public CrashPoint Power { get; } = new();

    public MemoryDisk ReplicaDisk { get; }

    public MemoryKvFactory Databases { get; }

    public SortedDictionary<uint, MemoryDisk> Disks { get; } = [];

    public Dictionary<uint, Guid> Uuids { get; } = [];

    public int ClockPerMille { get; set; } = 1000;

    public long ClockOffsetMs { get; set; }

    /// <summary>Milliseconds that a sync takes, on average.</summary>
    public int DiskMs { get; set; } = 2;

    /// <summary>The running process, or null.</summary>
    public SimProcess? Process { get; set; }

    /// <summary>Everything not synced is decided by chance.</summary>
    public void LosePower(Random random)
    {
        ReplicaDisk.Crash(random);
        foreach (MemoryDisk disk in Disks.Values)
            disk.Crash(random);
        Databases.Crash(random);
        Power.Restore();
    }

    public static string ReplicaPath => "/replica";

    public static string StoragePath(uint id) => $"/storage-{id}";

    /// <summary>Disk as the process sees it.</summary>
    public IDisk DiskOf(uint id) => Disks[id];
}
