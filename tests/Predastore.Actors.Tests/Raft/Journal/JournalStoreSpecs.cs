using Predastore.Actors.Raft.Journal;
using Predastore.Shards.Disk;
using Predastore.Testing.Disk;
using Xunit;

namespace Predastore.Actors.Tests.Raft.Journal;

public sealed class JournalStoreSpecs : IDisposable
{
    private const string Folder = "/journal";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly MemoryKvFactory _factory = new();
    private readonly TemporaryFolder _disk = new();

    public void Dispose() => _disk.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Events_should_come_back_in_order_after_a_restart(bool rocks)
    {
        IOrderedKvFactory factory = rocks ? new RocksKvFactory() : _factory;
        string folder = rocks ? Path.Combine(_disk.Path, "journal") : Folder;
        using (var store = new JournalStore(factory, folder))
        {
            for (int n = 1; n <= 5; n++)
                await store.WriteAsync("a", [Record(n)]).WaitAsync(Patience);
            await store.WriteAsync("b", [Record(1), Record(2)]).WaitAsync(Patience);
        }

        using var again = new JournalStore(factory, folder);
        Assert.Equal(new long[] { 1, 2, 3, 4, 5 }, await SequencesAsync(again, "a"));
        Assert.Equal(new long[] { 1, 2 }, await SequencesAsync(again, "b"));
        Assert.Equal(5, await again.ReadAsync(reader => reader.Head("a").Highest).WaitAsync(Patience));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Highest_number_should_be_remembered_when_all_events_are_deleted(bool rocks)
    {
        IOrderedKvFactory factory = rocks ? new RocksKvFactory() : _factory;
        string folder = rocks ? Path.Combine(_disk.Path, "journal") : Folder;
        using (var store = new JournalStore(factory, folder))
        {
            await store.WriteAsync("a", [Record(1), Record(2), Record(3)]).WaitAsync(Patience);
            await store.DeleteAsync("a", 2).WaitAsync(Patience);
            Assert.Equal(new long[] { 3 }, await SequencesAsync(store, "a"));
            await store.DeleteAsync("a", long.MaxValue).WaitAsync(Patience);
        }

        using var again = new JournalStore(factory, folder);
        Assert.Empty(await SequencesAsync(again, "a"));
        Assert.Equal(3, await again.ReadAsync(reader => reader.Head("a").Highest).WaitAsync(Patience));

        // The chain goes on from the last event although that is gone.
        await again.WriteAsync("a", [Record(4)]).WaitAsync(Patience);
        Assert.Equal(new long[] { 4 }, await SequencesAsync(again, "a"));
    }

    [Fact]
    public async Task Deletion_should_find_events_that_wait_in_the_same_batch()
    {
        using var store = new JournalStore(_factory, Folder);
        using var gate = new ManualResetEventSlim();
        Task<int> hold = store.ReadAsync(_ => gate.Wait(Patience) ? 0 : 1);
        Task write = store.WriteAsync("a", [Record(1), Record(2)]);
        Task delete = store.DeleteAsync("a", 1);
        gate.Set();
        await Task.WhenAll(hold, write, delete).WaitAsync(Patience);
        Assert.Equal(new long[] { 2 }, await SequencesAsync(store, "a"));
    }

    [Fact]
    public async Task Writers_that_wait_should_share_one_sync()
    {
        using var store = new JournalStore(_factory, Folder);
        using var gate = new ManualResetEventSlim();
        Task<int> hold = store.ReadAsync(_ => gate.Wait(Patience) ? 0 : 1);
        Task[] writes = [.. Enumerable.Range(0, 100).Select(n => store.WriteAsync($"id-{n}", [Record(1)]))];
        gate.Set();
        await Task.WhenAll(writes).WaitAsync(Patience);
        await hold;
        Assert.InRange(store.Syncs, 1, 5);
    }

    [Fact]
    public async Task Failed_write_should_fail_all_that_wait_and_leave_nothing_behind_a_recovery()
    {
        using var store = new JournalStore(_factory, Folder);
        await store.WriteAsync("a", [Record(1)]).WaitAsync(Patience);

        using var gate = new ManualResetEventSlim();
        Task<int> hold = store.ReadAsync(_ => gate.Wait(Patience) ? 0 : 1);
        int faults = 0;
        _factory.Fault = _ => Interlocked.Increment(ref faults) == 1 ? new IOException("no sync") : null;
        Task failed = store.WriteAsync("a", [Record(2)]);
        Task behind = store.WriteAsync("a", [Record(3)]);
        gate.Set();
        await hold;
        await Assert.ThrowsAsync<IOException>(() => failed.WaitAsync(Patience));
        await Assert.ThrowsAnyAsync<IOException>(() => behind.WaitAsync(Patience));

        // Recovery: what is read now is what there is, and the next event follows it.
        Assert.Equal(new long[] { 1 }, await SequencesAsync(store, "a"));
        await store.WriteAsync("a", [Record(2)]).WaitAsync(Patience);
        Assert.Equal(new long[] { 1, 2 }, await SequencesAsync(store, "a"));
    }

    [Fact]
    public async Task Event_out_of_its_order_should_be_refused()
    {
        using var store = new JournalStore(_factory, Folder);
        await store.WriteAsync("a", [Record(1)]).WaitAsync(Patience);
        await Assert.ThrowsAsync<JournalDamagedException>(() => store.WriteAsync("a", [Record(3)]).WaitAsync(Patience));
        Assert.Equal(new long[] { 1 }, await SequencesAsync(store, "a"));
    }

    public static TheoryData<string> Damages => ["changed", "missing", "swapped", "tail", "head"];

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task Damage_should_be_seen_and_refused(string damage)
    {
        using (var store = new JournalStore(_factory, Folder))
            await store.WriteAsync("a", [Record(1), Record(2), Record(3), Record(4)]).WaitAsync(Patience);
        using (IOrderedKv kv = _factory.Open(Folder, new OrderedKvOptions()))
        {
            byte[] two = kv.Get(JournalRows.EventKey("a", 2))!;
            byte[] three = kv.Get(JournalRows.EventKey("a", 3))!;
            var batch = new KvBatch();
            switch (damage)
            {
                case "changed":
                    two[^1] ^= 1;
                    batch.Put(JournalRows.EventKey("a", 2), two);
                    break;
                case "missing":
                    batch.Delete(JournalRows.EventKey("a", 2));
                    break;
                case "swapped":
                    batch.Put(JournalRows.EventKey("a", 2), three).Put(JournalRows.EventKey("a", 3), two);
                    break;
                case "tail":
                    batch.Delete(JournalRows.EventKey("a", 4));
                    break;
                case "head":
                    batch.Put(JournalRows.HeadKey("a"), [1, 2, 3]);
                    break;
            }

            kv.Write(batch, sync: true);
        }

        using var again = new JournalStore(_factory, Folder);
        await Assert.ThrowsAsync<JournalDamagedException>(() => SequencesAsync(again, "a"));
    }

    [Fact]
    public void Event_row_should_keep_its_bytes()
    {
        byte[] row = JournalRows.EventValue(new byte[16], 7601, "raft/event", [1, 2, 3]);
        Assert.Equal("00001DB1000A726166742F6576656E74010203", Convert.ToHexString(row.AsSpan(16)));
        Assert.Equal("4561000000000000000102", Convert.ToHexString(JournalRows.EventKey("a", 0x102)));
        Assert.True(JournalRows.TryRead(new byte[16], row, out int serializer, out string manifest, out byte[] payload));
        Assert.Equal((7601, "raft/event", "010203"), (serializer, manifest, Convert.ToHexString(payload)));
    }

    private static JournalRecord Record(int n) => new(n, 7, "m", [(byte)n, 0, 1]);

    private static Task<long[]> SequencesAsync(JournalStore store, string id)
        => store.ReadAsync<long[]>(reader => [.. reader.Events(id).Select(record => record.SequenceNr)]).WaitAsync(Patience);
}
