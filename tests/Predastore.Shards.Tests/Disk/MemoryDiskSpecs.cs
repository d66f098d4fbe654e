using Predastore.Shards.Disk;
using Predastore.Testing.Disk;
using Xunit;

namespace Predastore.Shards.Tests.Disk;

/// <summary>The crash-modelled disk: the common promises, and that it really forgets.</summary>
public sealed class MemoryDiskSpecs : DiskConformance
{
    private readonly MemoryDisk _disk = new();

    public MemoryDiskSpecs()
    {
        _disk.CreateDirectory("/root");
        _disk.SyncDirectory("/");
    }

    protected override IDisk Disk => _disk;

    protected override string Root => "/root";

    private static (MemoryDisk Disk, IDiskFile File) WithSyncedFile(byte[] bytes)
    {
        var disk = new MemoryDisk();
        var file = disk.Open("/a", DiskOpenMode.CreateNew);
        file.Write(0, bytes);
        file.Sync();
        disk.SyncDirectory("/");
        return (disk, file);
    }

    [Fact]
    public void Synced_bytes_under_a_synced_name_should_survive_every_crash()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var (disk, _) = WithSyncedFile([1, 2, 3]);
            disk.Crash(new Random(seed));
            Assert.Equal([1, 2, 3], disk.ReadFile("/a", 100));
        }
    }

    [Fact]
    public void Synced_bytes_under_a_name_that_was_not_synced_should_be_lost_in_some_crashes_only()
    {
        var lost = 0;
        for (var seed = 0; seed < 50; seed++)
        {
            var disk = new MemoryDisk();
            using (var file = disk.Open("/a", DiskOpenMode.CreateNew))
            {
                file.Write(0, [1]);
                file.Sync();
            }
            disk.Crash(new Random(seed));
            if (!disk.Exists("/a"))
                lost++;
            else
                Assert.Equal([1], disk.ReadFile("/a", 100));
        }
        Assert.InRange(lost, 1, 49);
    }

    [Fact]
    public void Unsynced_write_should_be_lost_kept_or_torn_at_sectors()
    {
        var seen = new HashSet<string>();
        for (var seed = 0; seed < 100; seed++)
        {
            var (disk, file) = WithSyncedFile(new byte[1024]);
            var ones = new byte[1024];
            Array.Fill(ones, (byte)1);
            file.Write(0, ones);
            disk.Crash(new Random(seed));
            var after = disk.ReadFile("/a", 2000);
            Assert.Single(after[..512].Distinct());
            Assert.Single(after[512..].Distinct());
            seen.Add($"{after[0]}{after[512]}");
        }
        Assert.Equal(["00", "01", "10", "11"], seen.Order());
    }

    [Fact]
    public void Failed_sync_should_lose_what_was_dirty_even_if_a_later_one_succeeds()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var (disk, file) = WithSyncedFile([1]);
            file.Write(0, [2]);
            disk.Fault = call => call.Kind == DiskCallKind.Sync ? new IOException("EIO") : null;
            Assert.Throws<IOException>(file.Sync);
            disk.Fault = null;
            file.Sync();
            disk.Crash(new Random(seed));
            Assert.Equal([1], disk.ReadFile("/a", 10));
        }
    }

    [Fact]
    public void Handle_should_be_dead_after_a_crash()
    {
        var (disk, file) = WithSyncedFile([1]);
        disk.Crash(new Random(1));
        Assert.Throws<IOException>(() => file.Write(0, [2]));
        Assert.Throws<IOException>(() => file.Read(0, new byte[1]));
    }

    [Fact]
    public void Power_should_fail_at_the_step_asked_for_and_stay_off()
    {
        var disk = new MemoryDisk();
        disk.Power.CrashAt(1);
        var file = disk.Open("/a", DiskOpenMode.CreateNew);
        Assert.Throws<SimulatedCrashException>(() => file.Write(0, [1]));
        Assert.Throws<SimulatedCrashException>(() => disk.SyncDirectory("/"));
        disk.Power.Restore();
        disk.SyncDirectory("/");
    }

    [Fact]
    public void Full_disk_should_refuse_and_take_writes_again_after_a_punch()
    {
        var disk = new MemoryDisk(capacityBytes: 3 * 4096);
        using var file = disk.Open("/a", DiskOpenMode.CreateNew);
        file.Allocate(0, 3 * 4096);
        Assert.Throws<DiskFullException>(() => file.Write(3 * 4096, [1]));
        Assert.Equal(0, disk.Space("/").FreeBytes);
        file.PunchHole(0, 4096);
        file.Write(3 * 4096, [1]);
    }

    [Fact]
    public void Replaced_file_should_be_old_or_new_after_a_crash_at_any_step()
    {
        for (var step = 0; ; step++)
        {
            var (disk, file) = WithSyncedFile([1, 2, 3]);
            file.Dispose();
            disk.Power.Restore();
            disk.Power.CrashAt(step);
            var crashed = false;
            try
            {
                disk.ReplaceFile("/a", [4, 5]);
            }
            catch (SimulatedCrashException)
            {
                crashed = true;
            }
            disk.Power.Restore();
            disk.Crash(new Random(step));
            var after = disk.ReadFile("/a", 10);
            Assert.True(after.SequenceEqual<byte>([4, 5]) || (crashed && after.SequenceEqual<byte>([1, 2, 3])), $"step {step}");
            if (!crashed)
                return;
        }
    }
}
