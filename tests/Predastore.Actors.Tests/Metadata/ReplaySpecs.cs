using Google.Protobuf;
using Predastore.Actors.Metadata;
using Predastore.Actors.Metadata.Replica;
using Predastore.Actors.Raft;
using Predastore.Shards.Disk;
using Predastore.Testing.Disk;
using Xunit;

namespace Predastore.Actors.Tests.Metadata;

public class ReplaySpecs
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 12)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Same_log_should_make_the_same_rows_in_any_batches_and_after_crashes(int seed)
    {
        var random = new Random(seed);
        using var bench = new Bench();
        RandomLog.Run(bench, random, 150);
        RowCensus.Check(bench.Store, $"seed {seed}");
        string expected = Hash(bench.Store);

        var factory = new MemoryKvFactory();
        MetadataStore store = Bench.Open(factory, "/replay");
        int at = 0;
        while (at < bench.Log.Count)
        {
            int count = Math.Min(random.Next(1, 20), bench.Log.Count - at);
            store.Apply(bench.Log.GetRange(at, count));
            at += count;
            if (random.Next(6) == 0) store.Flush();
            if (random.Next(5) != 0) continue;
            factory.Crash(random);
            store = Bench.Open(factory, "/replay");
            at = (int)store.AppliedIndex;
        }

        Assert.True(expected == Hash(store), $"seed {seed}");
        store.Dispose();
    }

    [Fact]
    public void Snapshot_should_carry_every_row_into_another_replica()
    {
        using var bench = new Bench();
        RandomLog.Run(bench, new Random(7), 200);
        var disk = new MemoryDisk();
        using var from = Machine(disk, "/from");
        using var to = Machine(disk, "/to");
        from.Open("");
        to.Open("");
        from.Apply([.. bench.Log.Select(e => new CommittedEntry(new LogPosition(e.Index, e.Term), true, e.Data))]);
        byte[] bytes = Snapshots.Read(from);
        string folder = Snapshots.Receive(to, from.Applied, bytes, 777);
        to.Install(folder);
        Assert.Equal(from.Applied, to.Applied);
        Assert.Equal(1u, to.ClusterFeatureLevel);
        Assert.Equal(bytes, Snapshots.Read(to));
        to.Open(folder);
        Assert.Equal(bytes, Snapshots.Read(to));
    }

    [Fact]
    public void Damaged_or_short_snapshot_should_be_refused_and_leave_nothing()
    {
        var disk = new MemoryDisk();
        using var from = Machine(disk, "/from");
        using var to = Machine(disk, "/to");
        from.Open("");
        to.Open("");
        from.Apply([new CommittedEntry(new LogPosition(1, 1), true, Bench.Init().ToByteArray())]);
        byte[] bytes = Snapshots.Read(from);
        for (int i = 0; i < bytes.Length; i++)
        {
            byte[] flipped = [.. bytes];
            flipped[i] ^= 0x10;
            Assert.ThrowsAny<IOException>(() => Wrap(() => Snapshots.Receive(to, from.Applied, flipped, 64)));
        }

        Assert.ThrowsAny<IOException>(() => Wrap(() => Snapshots.Receive(to, from.Applied, bytes[..^1], 64)));
        Assert.ThrowsAny<IOException>(() => Wrap(() => Snapshots.Receive(to, from.Applied, [.. bytes, 0], 64)));
        Assert.Equal(["state-0"], disk.List("/to"));
    }

    [Fact]
    public void Damaged_database_should_be_begun_anew()
    {
        var disk = new MemoryDisk();
        var databases = new MemoryKvFactory();
        using var machine = new MetadataMachine("/m", disk, databases);
        machine.Open("");
        machine.Apply([new CommittedEntry(new LogPosition(1, 1), true, Bench.Init().ToByteArray())]);
        machine.Flush();
        machine.Open("");
        Assert.Equal(1UL, machine.Applied.Index);
        machine.Dispose();
        databases.Damage("/m/state-0");
        machine.Open("");
        Assert.True(machine.WasDamaged);
        Assert.Equal(default, machine.Applied);
    }

    // InvalidDataException is no IOException; both mean the same here.
    private static void Wrap(Action action)
    {
        try
        {
            action();
        }
        catch (InvalidDataException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    private static MetadataMachine Machine(MemoryDisk disk, string root) => new(root, disk, new MemoryKvFactory());

    private static string Hash(MetadataStore store)
    {
        using IKvView view = store.View();
        return Convert.ToHexString(MetadataStore.Hash(view));
    }
}
