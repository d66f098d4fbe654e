using Predastore.Shards.Disk;
using Predastore.Testing.Disk;
using Xunit;

namespace Predastore.Shards.Tests.Disk;

/// <summary>RocksDB; power loss is a copy of the directory taken while the database is open.</summary>
public sealed class RocksKvSpecs : OrderedKvConformance, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    protected override IOrderedKvFactory Factory { get; } = new RocksKvFactory();

    protected override string Directory => Path.Combine(_folder.Path, "above", "kv");

    public void Dispose() => _folder.Dispose();

    protected override IOrderedKv Crash(IOrderedKv kv, OrderedKvOptions options)
    {
        var copy = Path.Combine(_folder.Path, "after-crash");
        TemporaryFolder.Copy(Directory, copy);
        kv.Dispose();
        return Factory.Open(copy, options);
    }

    private string OnlyLog(string directory) =>
        System.IO.Directory.EnumerateFiles(directory, "*.log").OrderBy(f => f, StringComparer.Ordinal).Last();

    private string CrashedCopyWithThreeBatches()
    {
        var copy = Path.Combine(_folder.Path, "copy");
        using var kv = Factory.Open(Directory, new OrderedKvOptions());
        for (byte i = 1; i <= 3; i++)
            kv.Write(new KvBatch().Put([i], new byte[100]), sync: true);
        TemporaryFolder.Copy(Directory, copy);
        return copy;
    }

    /// <summary>In one piece, those of a large table outgrow a shard of the cache, and every lookup reads them again.</summary>
    [Fact]
    public void Filters_and_indexes_of_tables_should_be_in_pieces()
    {
        Factory.Open(Directory, new OrderedKvOptions()).Dispose();
        string options = File.ReadAllText(System.IO.Directory.EnumerateFiles(Directory, "OPTIONS-*").Order(StringComparer.Ordinal).Last());
        Assert.Contains("partition_filters=true", options);
        Assert.Contains("index_type=kTwoLevelIndexSearch", options);
    }

    [Fact]
    public void Torn_tail_of_the_log_should_be_cut_off()
    {
        var copy = CrashedCopyWithThreeBatches();
        using (var log = File.OpenWrite(OnlyLog(copy)))
            log.SetLength(log.Length - 40);
        using var kv = Factory.Open(copy, new OrderedKvOptions());
        Assert.NotNull(kv.Get([1]));
        Assert.NotNull(kv.Get([2]));
        Assert.Null(kv.Get([3]));
    }

    [Fact]
    public void Damage_in_the_middle_of_the_log_should_refuse_to_open()
    {
        var copy = CrashedCopyWithThreeBatches();
        var path = OnlyLog(copy);
        var bytes = File.ReadAllBytes(path);
        bytes[60] ^= 1;
        File.WriteAllBytes(path, bytes);
        var e = Assert.Throws<KvException>(() => Factory.Open(copy, new OrderedKvOptions()));
        Assert.Equal(KvFailure.Damaged, e.Failure);
    }

    [Fact]
    public void Missing_table_file_should_refuse_to_open()
    {
        using (var kv = Factory.Open(Directory, new OrderedKvOptions()))
        {
            kv.Write(new KvBatch().Put([1], [1]), sync: true);
            kv.Flush();
        }
        foreach (var table in System.IO.Directory.EnumerateFiles(Directory, "*.sst"))
            File.Delete(table);
        var e = Assert.Throws<KvException>(() => Factory.Open(Directory, new OrderedKvOptions()));
        Assert.Equal(KvFailure.Damaged, e.Failure);
    }

    [Fact]
    public void Damaged_table_block_should_fail_a_read_and_not_look_empty()
    {
        using (var kv = Factory.Open(Directory, new OrderedKvOptions()))
        {
            var batch = new KvBatch();
            for (var i = 0; i < 2000; i++)
                batch.Put([(byte)(i >> 8), (byte)i], System.Security.Cryptography.SHA256.HashData([(byte)(i >> 8), (byte)i]));
            kv.Write(batch, sync: true);
            kv.Flush();
        }
        var table = System.IO.Directory.EnumerateFiles(Directory, "*.sst").Single();
        var bytes = File.ReadAllBytes(table);
        bytes[10_000] ^= 1;
        File.WriteAllBytes(table, bytes);
        using var damaged = Factory.Open(Directory, new OrderedKvOptions());
        using var view = damaged.View();
        using var cursor = view.Cursor();
        var e = Assert.Throws<KvException>(() =>
        {
            for (cursor.Seek([]); cursor.Valid; cursor.Next())
            {
            }
        });
        Assert.Equal(KvFailure.Damaged, e.Failure);
    }

    [Fact]
    public void Deletion_cut_short_should_leave_all_of_a_database_or_nothing()
    {
        string[] files = ["000001.log", "CURRENT", "MANIFEST-000002"];
        for (var step = 0; ; step++)
        {
            for (var seed = 0; seed < 20; seed++)
            {
                var disk = new MemoryDisk();
                disk.CreateDurableDirectory("/d/kv");
                foreach (var file in files)
                    disk.ReplaceFile($"/d/kv/{file}", [1]);
                disk.Power.Restore();
                disk.Power.CrashAt(step);
                var crashed = false;
                try
                {
                    new RocksKvFactory(disk).Delete("/d/kv");
                }
                catch (SimulatedCrashException)
                {
                    crashed = true;
                }
                disk.Power.Restore();
                disk.Crash(new Random(seed));
                if (crashed && disk.Exists("/d/kv"))
                    Assert.Equal(files, disk.List("/d/kv"));
                else
                    Assert.False(disk.Exists("/d/kv"));
                if (!crashed && seed == 19)
                    return;
            }
        }
    }

    [Fact]
    public void Open_should_remove_what_a_deletion_cut_short_left()
    {
        var left = Directory + ".deleting";
        System.IO.Directory.CreateDirectory(left);
        File.WriteAllBytes(Path.Combine(left, "000001.log"), [1]);
        Factory.Open(Directory, new OrderedKvOptions()).Dispose();
        Assert.False(System.IO.Directory.Exists(left));
    }

    [Fact]
    public void Delete_should_remove_what_an_earlier_one_left()
    {
        Factory.Open(Directory, new OrderedKvOptions()).Dispose();
        System.IO.Directory.CreateDirectory(Directory + ".deleting");
        Factory.Delete(Directory);
        Assert.Empty(System.IO.Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(Directory)!));
    }
}
