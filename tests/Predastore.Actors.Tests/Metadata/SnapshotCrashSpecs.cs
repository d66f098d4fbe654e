using System.Text;
using Predastore.Actors.Metadata.Replica;
using Predastore.Actors.Raft;
using Predastore.Shards.Disk;
using Predastore.Testing.Disk;
using Xunit;

namespace Predastore.Actors.Tests.Metadata;

/// <summary>
/// A follower that is sent two snapshots in quick succession and applies the log around them, with the power cut at every I/O step: what the
/// journal names is there byte for byte, and goes on to the leader's state by the rest of the log or by another snapshot.
/// </summary>
public sealed class SnapshotCrashSpecs
{
    private const int Commands = 120;
    private const int ChunkStep = 700;
    private const string Root = "/replica";

    // Entries that the follower has, and where the two snapshots stand.
    private const int Had = 20;
    private const int First = 60;
    private const int Second = 90;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void F13_every_crash_point_should_leave_the_state_that_the_journal_names(int seed)
    {
        var leader = new Leader(seed);
        int step = 0;
        for (; ; step++)
        {
            using var follower = new Follower(leader);
            follower.Power.CrashAt(step);
            if (!Crashes(follower.Work)) break;

            // The second cut is in the recovery from the first.
            for (int again = 0; ; again = (again * 2) + 1)
            {
                follower.Lose(new Random((seed * 1_000_000) + (step * 100) + again));
                follower.Power.CrashAt(again);
                if (!Crashes(follower.Open)) break;
            }

            follower.Power.Restore();
            follower.Check($"seed {seed}, power cut at step {step}");
        }

        Assert.InRange(step, 20, int.MaxValue);
    }

    private static bool Crashes(Action work)
    {
        try
        {
            work();
            return false;
        }
        catch (SimulatedCrashException)
        {
            return true;
        }
    }

    /// <summary>The log, and the state after every entry of it.</summary>
    private sealed class Leader
    {
        public Leader(int seed)
        {
            using var bench = new Bench();
            RandomLog.Run(bench, new Random(seed), Commands);
            Log = [.. bench.Log.Select(entry => new CommittedEntry(new LogPosition(entry.Index, entry.Term), true, entry.Data))];
            Assert.InRange(Log.Length, Second + 20, int.MaxValue);
            using var machine = new MetadataMachine("/leader", new MemoryDisk(), new MemoryKvFactory());
            machine.Open("");
            States = new byte[Log.Length + 1][];
            for (int i = 0; i < Log.Length; i++)
            {
                machine.Apply(Log.AsSpan(i, 1));
                Assert.Equal((ulong)(i + 1), machine.Applied.Index);
                States[i + 1] = Snapshots.Read(machine);
            }
        }

        public CommittedEntry[] Log { get; }

        public byte[][] States { get; }

        public LogPosition At(int entry) => Log[entry - 1].Position;
    }

    private sealed class Follower : IDisposable
    {
        private static readonly byte[] FolderKey = "folder"u8.ToArray();

        private readonly Leader _leader;
        private readonly MemoryDisk _disk;
        private readonly MemoryKvFactory _databases;
        private IOrderedKv? _journal;
        private MetadataMachine? _machine;

        public Follower(Leader leader)
        {
            _leader = leader;
            _disk = new MemoryDisk(Power);
            _databases = new MemoryKvFactory(Power);
            _disk.CreateDirectory(Root);
            _disk.SyncDirectory("/");
            Power.Restore();
        }

        public CrashPoint Power { get; } = new();

        private string Folder => _journal!.Get(FolderKey) is { } name ? Encoding.UTF8.GetString(name) : "";

        public void Open()
        {
            _journal = _databases.Open($"{Root}-journal", new OrderedKvOptions(WriteAheadLog: true));
            _machine = new MetadataMachine(Root, _disk, _databases);
            _machine.Open(Folder);
        }

        public void Work()
        {
            Open();
            Apply(Had);
            _machine!.Flush();
            Install(First);
            Apply(First + 10);
            Install(Second);
            Apply(Second + 10);
            _machine.Flush();
        }

        public void Lose(Random random)
        {
            Power.Restore();
            _disk.Crash(random);
            _databases.Crash(random);
        }

        public void Check(string where)
        {
            // Entries before a snapshot that is named are gone from the log.
            string folder = Folder;
            int applied = (int)_machine!.Applied.Index;
            int needed = folder switch { "" => 0, "state-1" => First, _ => Second };
            Assert.True(applied >= needed, $"{where}: the journal names {folder}, which stands at {applied}");
            Same(applied, where);
            if (applied < Second)
            {
                Install(Second);
                Same(Second, $"{where}, another snapshot");
            }

            Apply(_leader.Log.Length);
            Same(_leader.Log.Length, $"{where}, the rest of the log");
        }

        public void Dispose()
        {
            _machine?.Dispose();
            _journal?.Dispose();
        }

        private void Install(int entry)
        {
            string folder = Snapshots.Receive(_machine!, _leader.At(entry), _leader.States[entry], ChunkStep);
            var named = new KvBatch();
            named.Put(FolderKey, Encoding.UTF8.GetBytes(folder));
            _journal!.Write(named, sync: true);
            _machine!.Install(folder);
        }

        private void Apply(int to)
        {
            for (int i = (int)_machine!.Applied.Index; i < to; i++)
                _machine.Apply(_leader.Log.AsSpan(i, 1));
        }

        private void Same(int entry, string where)
            => Assert.True(entry == 0 || Snapshots.Read(_machine!).AsSpan().SequenceEqual(_leader.States[entry]), $"{where}: other rows than the leader had at {entry}");
    }
}
