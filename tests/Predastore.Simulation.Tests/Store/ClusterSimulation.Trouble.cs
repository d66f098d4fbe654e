using Predastore.Actors.Raft.Core;
using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;
using Predastore.Testing.Disk;

namespace Predastore.Simulation.Tests.Store;

/// <content>What goes wrong.</content>
internal sealed partial class ClusterSimulation
{
    private void Disturb()
    {
        if (_healed)
            return;
        Clock.After(1 + _troubleRandom.Next(2 * Settings.TroubleMs), Disturb);
        if (Settings.Troubles.Count == 0)
            return;
        Trouble trouble = _troubleRandom.Pick(Settings.Troubles);
        SimHost host = _troubleRandom.Pick(Hosts);
        switch (trouble)
        {
            case Trouble.Crash:
                CrashFor(host, 1 + _troubleRandom.Next(8_000));
                break;
            case Trouble.CrashInWrite:
                host.Power.CrashAt(host.Power.Steps + 1 + _troubleRandom.Next(30));
                break;
            case Trouble.CrashAll:
                foreach (SimHost each in Hosts)
                    CrashFor(each, 1 + _troubleRandom.Next(2_000));
                break;
            case Trouble.Partition:
                CutSome(bothWays: true);
                break;
            case Trouble.OneWay:
                CutSome(bothWays: false);
                break;
            case Trouble.Clog:
                Network.Clog(host.Node, _troubleRandom.Pick(Hosts).Node, _troubleRandom.Next(2_000));
                break;
            case Trouble.Freeze:
                FreezeFor(host, _troubleRandom.Chance(100) ? 40_000 : 1 + _troubleRandom.Next(6_000));
                break;
            case Trouble.DiskErrors:
                FailDisk(host);
                break;
            case Trouble.DiskFull:
                FillDisk(host);
                break;
            case Trouble.SlowDisk:
                SlowDisk(host);
                break;
            case Trouble.Flip:
                Damage(misdirect: false);
                break;
            case Trouble.Misdirect:
                Damage(misdirect: true);
                break;
            case Trouble.Transfer:
                Transfer();
                break;
            case Trouble.ClockJump:
                host.ClockOffsetMs += _troubleRandom.Next(7_200_000) - 3_600_000;
                break;
        }
    }

    private void CrashFor(SimHost host, int milliseconds)
    {
        if (host.Process is null)
            return;
        Note($"node {host.Node} lost power");
        Kill(host, reset: _troubleRandom.Chance(500), losePower: true);
        Clock.After(milliseconds, () => Start(host));
    }

    private void CutSome(bool bothWays)
    {
        foreach (SimHost a in Hosts)
        {
            foreach (SimHost b in Hosts)
            {
                if (a.Node >= b.Node || _troubleRandom.Next(3) != 0)
                    continue;
                if (bothWays || _troubleRandom.Next(2) == 0)
                    Network.Cut(a.Node, b.Node);
                if (bothWays || _troubleRandom.Next(2) == 0)
                    Network.Cut(b.Node, a.Node);
            }
        }

        Clock.After(1 + _troubleRandom.Next(_troubleRandom.Chance(150) ? 20_000 : 4_000), Network.Join);
    }

    private void FreezeFor(SimHost host, int milliseconds)
    {
        if (host.Process is not { Frozen: false } process)
            return;
        Note($"node {host.Node} is frozen for {milliseconds}");
        process.Freeze();
        Clock.After(milliseconds, process.Thaw);
    }

    // Single calls fail; a sync that fails forgets what was not synced.
    private void FailDisk(SimHost host)
    {
        MemoryDisk disk = host.Disks[_troubleRandom.Pick(host.StorageIds)];
        int left = 1 + _troubleRandom.Next(3);
        DiskCallKind kind = _troubleRandom.Pick<DiskCallKind>(
            [DiskCallKind.Sync, DiskCallKind.Sync, DiskCallKind.Write, DiskCallKind.Read, DiskCallKind.Allocate, DiskCallKind.SyncDirectory, DiskCallKind.Open]);
        Note($"a disk of node {host.Node} fails {left} calls of {kind}");
        disk.Fault = call =>
        {
            if (call.Kind != kind)
                return null;
            if (--left <= 0)
                disk.Fault = null;
            return new IOException($"injected failure of {kind}");
        };
        Clock.After(3_000, () => disk.Fault = null);
    }

    private void FillDisk(SimHost host)
    {
        MemoryDisk disk = host.Disks[_troubleRandom.Pick(host.StorageIds)];
        DiskSpace space = disk.Space("/");
        disk.CapacityBytes = space.TotalBytes - space.FreeBytes + _troubleRandom.Next(64 << 10);
        Note($"a disk of node {host.Node} is full");
        Clock.After(1 + _troubleRandom.Next(4_000), () => disk.CapacityBytes = 1L << 40);
    }

    private void SlowDisk(SimHost host)
    {
        int before = host.DiskMs;
        host.DiskMs = Math.Min(2_000, before * 50);
        Clock.After(1 + _troubleRandom.Next(4_000), () => host.DiskMs = Settings.DiskMs);
    }

    private void Transfer()
    {
        SimReplica? leader = Hosts.Select(h => h.Process?.Replica).FirstOrDefault(r => r?.Node.Role == RaftRole.Leader);
        SimHost to = _troubleRandom.Pick(Hosts);
        if (leader is not null && to.HasReplica)
            _ = leader.Door.Transfer(to.Node, TimeSpan.FromSeconds(5)).ContinueWith(static t => _ = t.Exception, TaskScheduler.Default);
    }

    // Turns a bit of a live shard, or puts the bytes of another one in its place: never of more shards of an object than it has parity
    // for, those that are missing anyway counted.
    private void Damage(bool misdirect)
    {
        (SimStore Store, ShardRow Row)[] live = [.. Hosts.SelectMany(h => h.Process?.Stores ?? [])
            .SelectMany(store => AllOf(store.Store).Select(row => (store, row)))];
        if (live.Length == 0)
            return;
        (SimStore store, ShardRow row) = live[_troubleRandom.Next(live.Length)];
        int spare = row.M - CountBad(row.Key.ObjectHash, row);
        if (spare <= 0)
            return;
        using ShardReader? reader = store.Store.TryOpenRead(row.Key, row.AttemptId);
        if (reader is null)
            return;
        ExtentLocation extent = reader.Row.Extents[_troubleRandom.Next(reader.Row.Extents.Count)];
        string path = $"{SimHost.StoragePath(store.StorageId)}/{SegmentStore.SegmentsFolder}/{extent.Segment:x8}.segment";
        MemoryDisk disk = HostOf(store.StorageId).Disks[store.StorageId];
        long at = extent.Offset + ExtentHeader.Bytes;
        if (misdirect)
        {
            ShardRow other = live[_troubleRandom.Next(live.Length)].Row;
            if (other.Key == row.Key)
                return;
            byte[] bytes = ReadAll(other, live);
            int length = (int)Math.Min(bytes.Length, extent.Length);
            if (length == 0)
                return;
            disk.Overwrite(path, at, bytes.AsSpan(0, length));
        }
        else
        {
            disk.FlipBit(path, (at * 8) + (long)(_troubleRandom.Next() % (ulong)(extent.Length * 8)));
        }

        _damaged.Add((row.Key, store.StorageId, row.AttemptId));
        Flips++;
        Note($"shard {row.Key.ShardIndex} of {row.Key.ObjectHash.ToString()[..8]} on storage id {store.StorageId} is damaged");
    }

    private static byte[] ReadAll(ShardRow row, (SimStore Store, ShardRow Row)[] live)
    {
        SimStore owner = live.First(l => l.Row == row).Store;
        using ShardReader? reader = owner.Store.TryOpenRead(row.Key, row.AttemptId);
        if (reader is null)
            return [];
        byte[] bytes = new byte[reader.Length];
        try
        {
            reader.Read(0, bytes);
        }
        catch (IOException)
        {
            return [];
        }

        return bytes;
    }

    private SimHost HostOf(uint storageId) => Hosts.First(h => h.StorageIds.Contains(storageId));

    /// <summary>Shards damaged so far.</summary>
    public int Flips { get; private set; }
}
