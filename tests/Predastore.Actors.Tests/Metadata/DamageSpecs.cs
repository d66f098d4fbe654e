using Predastore.Actors.Metadata;
using Predastore.Actors.Metadata.Replica;
using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;
using Predastore.Shards.Disk;
using Predastore.Testing.Disk;
using Xunit;

namespace Predastore.Actors.Tests.Metadata;

/// <summary>Rows that cannot be read any more: told, never served, and made again from the log or a peer.</summary>
public sealed class DamageSpecs
{
    [Fact]
    public void Damaged_block_met_while_running_should_be_told_and_the_state_begin_anew()
    {
        using var folder = new TemporaryFolder();
        CommittedEntry[] log = Log();
        using (var before = new MetadataMachine(folder.Path, new FileDisk(), new RocksKvFactory()))
        {
            before.Open("");
            before.Apply(log);
            before.Flush();
        }

        string table = Assert.Single(Directory.GetFiles(Path.Combine(folder.Path, "state-0"), "*.sst"));
        using (FileStream file = File.Open(table, FileMode.Open))
        {
            file.Position = file.Length / 3;
            file.Write(new byte[64]);
        }

        using var machine = new MetadataMachine(folder.Path, new FileDisk(), new RocksKvFactory());
        List<string> told = [];
        machine.Damaged += told.Add;
        machine.Open("");
        Assert.False(machine.WasDamaged);
        Assert.Equal(log[^1].Position, machine.Applied);

        Assert.Equal(KvFailure.Damaged, Assert.Throws<KvException>(() => ReadAll(machine)).Failure);
        Assert.Throws<KvException>(() => ReadAll(machine));
        Assert.Contains("state-0", Assert.Single(told), StringComparison.Ordinal);

        machine.Open("");
        Assert.True(machine.WasDamaged);
        Assert.Equal(default, machine.Applied);
        machine.Apply(log);
        Assert.True(ReadAll(machine) > 0);
    }

    [Fact]
    public void Damage_met_by_a_flush_should_be_told()
    {
        var factory = new MemoryKvFactory();
        using var machine = new MetadataMachine("/replica", new MemoryDisk(), factory);
        List<string> told = [];
        machine.Damaged += told.Add;
        machine.Open("");
        machine.Apply(Log());

        factory.Fault = _ => new KvException(KvFailure.Damaged, "a bad block");
        Assert.Throws<KvException>(machine.Flush);
        factory.Fault = null;

        Assert.Single(told);
        machine.Open("");
        Assert.True(machine.WasDamaged);
    }

    [Fact]
    public void Damage_met_where_a_snapshot_begins_should_be_told_and_leave_nothing_open()
    {
        using var folder = new TemporaryFolder();
        var databases = new DamagedViews();
        using var machine = new MetadataMachine(folder.Path, new FileDisk(), databases);
        List<string> told = [];
        machine.Damaged += told.Add;
        machine.Open("");
        machine.Apply(Log());

        databases.Seeks = false;
        Assert.Throws<KvException>(machine.TakeSnapshot);
        Assert.Single(told);
        databases.Seeks = true;

        // RocksDB locks it for as long as anything of it is open.
        machine.Open("");
        Assert.True(machine.WasDamaged);
    }

    [Fact]
    public void Full_disk_should_be_no_damage()
    {
        var factory = new MemoryKvFactory();
        using var machine = new MetadataMachine("/replica", new MemoryDisk(), factory);
        List<string> told = [];
        machine.Damaged += told.Add;
        machine.Open("");

        factory.Fault = _ => new DiskFullException("no space left");
        Assert.ThrowsAny<IOException>(() => machine.Apply(Log()));
        factory.Fault = null;

        Assert.Empty(told);
        machine.Open("");
        Assert.False(machine.WasDamaged);
    }

    [Fact]
    public void Recorded_start_of_a_replica_should_be_known()
    {
        using var bench = new Bench();
        byte[] nonce = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
        bench.Execute(new Command
        {
            RegisterReplica = new RegisterReplica { Node = 3, Incarnation = 77, Boots = 5, Nonce = Google.Protobuf.ByteString.CopyFrom(nonce) },
        });
        using var machine = new MetadataMachine("/replica", new MemoryDisk(), new MemoryKvFactory());
        machine.Open("");
        machine.Apply([.. bench.Log.Select(entry => new CommittedEntry(new LogPosition(entry.Index, entry.Term), true, entry.Data))]);

        Assert.Equal(new ReplicaStart(5, 0x0102030405060708), machine.StartOf(new ReplicaId(3, 77)));
        Assert.Equal(default, machine.StartOf(new ReplicaId(3, 78)));
    }

    [Fact]
    public void Reserve_of_the_disk_should_be_kept_for_what_frees_something()
    {
        var disk = new MemoryDisk(capacityBytes: 1_000_000);
        disk.CreateDirectory("/replica");
        var time = new ManualTime();
        var space = new MetadataSpace(disk, "/replica", time);
        Assert.True(space.HasRoom);

        using (IDiskFile file = disk.Open("/replica/f", DiskOpenMode.CreateNew))
            file.Write(0, new byte[960_000]);
        Assert.True(space.HasRoom, "asked a moment ago");
        time.Now += TimeSpan.FromSeconds(3);
        Assert.False(space.HasRoom);
        disk.DeleteFile("/replica/f");
        time.Now += TimeSpan.FromSeconds(3);
        Assert.True(space.HasRoom);

        Assert.True(MetadataSpace.Grows(new Command { PutVersion = new PutVersion() }));
        Assert.False(MetadataSpace.Grows(new Command { DeleteVersions = new DeleteVersions() }));
        Assert.False(MetadataSpace.Grows(new Command { ReportSession = new ReportSession() }));
    }

    private static CommittedEntry[] Log()
    {
        using var bench = new Bench();
        RandomLog.Run(bench, new Random(5), 150);
        return [.. bench.Log.Select(entry => new CommittedEntry(new LogPosition(entry.Index, entry.Term), true, entry.Data))];
    }

    private static long ReadAll(MetadataMachine machine)
    {
        using ISnapshotSource source = machine.TakeSnapshot();
        byte[] buffer = new byte[4096];
        long all = 0;
        while (source.Read(buffer) is > 0 and int read)
            all += read;
        return all;
    }

    /// <summary>RocksDB whose cursors find a bad block.</summary>
    private sealed class DamagedViews : IOrderedKvFactory
    {
        private readonly RocksKvFactory _inner = new();

        public bool Seeks { get; set; } = true;

        public IOrderedKv Open(string directory, OrderedKvOptions options) => new Kv(this, _inner.Open(directory, options));

        public void Delete(string directory) => _inner.Delete(directory);

        private sealed class Kv(DamagedViews owner, IOrderedKv inner) : IOrderedKv
        {
            public byte[]? Get(ReadOnlySpan<byte> key) => inner.Get(key);

            public void Write(KvBatch batch, bool sync) => inner.Write(batch, sync);

            public void Flush() => inner.Flush();

            public IKvView View() => new ViewOf(owner, inner.View());

            public void Dispose() => inner.Dispose();
        }

        private sealed class ViewOf(DamagedViews owner, IKvView inner) : IKvView
        {
            public byte[]? Get(ReadOnlySpan<byte> key) => inner.Get(key);

            public IKvCursor Cursor() => owner.Seeks ? inner.Cursor() : throw new KvException(KvFailure.Damaged, "a bad block");

            public void Dispose() => inner.Dispose();
        }
    }

    private sealed class ManualTime : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
