using Predastore.Shards.Crypto;
using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;
using Predastore.Testing.Disk;
using Xunit;
using static Predastore.Shards.Tests.Segments.StoreFixture;

namespace Predastore.Shards.Tests.Segments;

/// <summary>The store on the real disk and RocksDB.</summary>
public sealed class SegmentStoreSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FileDisk _disk = new();
    private SegmentStore _store;

    public SegmentStoreSpecs() => _store = Open();

    private SegmentStore Open() => SegmentStore.Open(_disk, new RocksKvFactory(), Tiny(Path.Combine(_folder.Path, "disk")));

    public void Dispose()
    {
        _store.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(384)]
    [InlineData(385)]
    [InlineData(4096)]
    [InlineData(4097)]
    [InlineData(50_000)]
    public async Task Committed_shard_should_read_back_before_and_after_reopening(int length)
    {
        foreach (var hint in new[] { true, false })
        {
            var content = Content(length, length);
            var key = Key(length, hint ? 1u : 0u);
            Assert.Equal(CommitOutcome.Committed, (await _store.PutAsync(key, content, hint)).Outcome);
            Assert.Equal(content, _store.Read(key));
            _store.Dispose();
            _store = Open();
            Assert.Equal(content, _store.Read(key));
            Assert.Equal(Digest(content), _store.Stat(key)!.Value.Digest);
        }
    }

    [Fact]
    public async Task Shard_should_not_be_readable_before_its_commit_nor_after_a_restart_without_one()
    {
        await _store.WriteAsync(Key(1), Content(1, 2000));
        Assert.Null(_store.Read(Key(1)));
        _store.Dispose();
        _store = Open();
        Assert.Null(_store.Read(Key(1)));
        Assert.Empty(_disk.List(Path.Combine(_folder.Path, "disk", "segments")));
    }

    [Fact]
    public async Task Commit_without_a_live_reservation_should_be_refused()
    {
        Assert.Equal(CommitOutcome.NoReservation, _store.Commit([new CommitRequest(99, 0, 0)])[0].Outcome);
        var content = Content(1, 100);
        var open = _store.Reserve(Request(Key(1)));
        Assert.Equal(CommitOutcome.NoReservation, _store.Commit(open, content).Outcome);
        var aborted = await _store.WriteAsync(Key(1), content);
        Assert.True(aborted.Abort());
        Assert.Equal(CommitOutcome.NoReservation, _store.Commit(aborted, content).Outcome);
        var committed = await _store.WriteAsync(Key(1), content);
        Assert.Equal(CommitOutcome.Committed, _store.Commit(committed, content).Outcome);
        Assert.Equal(CommitOutcome.NoReservation, _store.Commit(committed, content).Outcome);
        Assert.False(committed.Abort());
        Assert.Equal(content, _store.Read(Key(1)));
    }

    [Fact]
    public async Task Commit_of_another_length_should_store_nothing()
    {
        var writer = await _store.WriteAsync(Key(1), Content(1, 100));
        Assert.Equal(CommitOutcome.LengthMismatch, _store.Commit([new CommitRequest(writer.Id, 99, 0)])[0].Outcome);
        Assert.Null(_store.Read(Key(1)));
        Assert.Null(_store.FindReservation(writer.Id));
    }

    [Fact]
    public async Task Same_attempt_should_be_stored_once()
    {
        var request = Request(Key(1));
        var writers = new List<ExtentWriter>();
        for (var i = 0; i < 3; i++)
        {
            var writer = _store.Reserve(request);
            await writer.WriteAsync(Content(1, 50));
            writer.Complete();
            writers.Add(writer);
        }
        var first = _store.Commit(writers.Take(2).Select(w => new CommitRequest(w.Id, 50, 0)).ToList());
        Assert.Equal(1, first.Count(r => r.Outcome == CommitOutcome.Committed));
        Assert.Equal(1, first.Count(r => r.Outcome == CommitOutcome.Duplicate));
        Assert.Equal(CommitOutcome.Duplicate, _store.Commit([new CommitRequest(writers[2].Id, 50, 0)])[0].Outcome);
        Assert.Equal(0, _store.Stats().Reservations);
    }

    [Fact]
    public async Task Two_attempts_should_coexist_and_the_newest_be_read()
    {
        var (old, young) = (Content(1, 900), Content(2, 900));
        var first = await _store.WriteAsync(Key(1), old);
        var second = await _store.WriteAsync(Key(1), young);
        _store.Commit(first, old);
        _store.Commit(second, young);
        Assert.Equal(young, _store.Read(Key(1)));
        Assert.Equal(old, _store.Read(Key(1), first.Request.AttemptId));
        Assert.Equal(DeleteOutcome.Deleted, _store.Delete(Key(1), second.Request.AttemptId));
        Assert.Equal(old, _store.Read(Key(1)));
        Assert.Equal(DeleteOutcome.Deleted, _store.Delete(Key(1)));
        Assert.Null(_store.Read(Key(1)));
        Assert.Equal(DeleteOutcome.NotFound, _store.Delete(Key(1)));
    }

    [Fact]
    public async Task Open_reader_should_not_see_a_deletion()
    {
        var content = Content(3, 9000);
        await _store.PutAsync(Key(1), content);
        await _store.PutAsync(Key(2), content);
        using (var reader = _store.TryOpenRead(Key(1))!)
        {
            Assert.Equal(DeleteOutcome.Deleted, _store.Delete(Key(1)));
            var bytes = new byte[content.Length];
            Assert.Equal(bytes.Length, await reader.ReadAsync(0, bytes));
            Assert.Equal(content, bytes);
        }
        Assert.Equal(content, _store.Read(Key(2)));
    }

    [Fact]
    public async Task Reader_should_read_any_range()
    {
        var content = Content(4, 12_345);
        await _store.PutAsync(Key(1), content, hint: false);
        using var reader = _store.TryOpenRead(Key(1))!;
        Assert.True(reader.Row.Extents.Count > 2);
        var random = new Random(5);
        for (var i = 0; i < 200; i++)
        {
            var (offset, length) = (random.Next(content.Length + 10), random.Next(6000));
            var buffer = new byte[length];
            var read = await reader.ReadAsync(offset, buffer);
            Assert.Equal(content.Skip(offset).Take(length), buffer.Take(read));
        }
    }

    [Fact]
    public async Task Scan_should_page_through_a_range_of_hashes()
    {
        var keys = Enumerable.Range(0, 20).Select(i => Key(i)).OrderBy(k => k.ObjectHash).ToList();
        foreach (var key in keys)
            await _store.PutAsync(key, Content(1, 10));
        var found = new List<ShardKey>();
        ReadOnlyMemory<byte> cursor = default;
        do
        {
            var page = _store.Scan(keys[3].ObjectHash, keys[16].ObjectHash, cursor, 5);
            Assert.InRange(page.Rows.Count, 1, 5);
            found.AddRange(page.Rows.Select(r => r.Key));
            cursor = page.Next;
        }
        while (cursor.Length > 0);
        Assert.Equal(keys[3..17], found);
        Assert.Throws<ArgumentException>(() => _store.Scan(ObjectHash.First, ObjectHash.Last, new byte[] { 1, 2 }, 5));
    }

    [Fact]
    public async Task Small_shards_of_known_size_should_take_their_footprint_only()
    {
        for (var i = 0; i < 5; i++)
            await _store.PutAsync(Key(i), Content(i, 800));
        var stats = _store.Stats();
        Assert.Equal(5 * 1024, stats.LiveBytes);
        Assert.Equal(0, stats.DeadBytes);
    }

    [Fact]
    public async Task Concurrent_writers_should_not_touch_each_others_bytes()
    {
        await Parallel.ForEachAsync(Enumerable.Range(0, 64), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) =>
        {
            var content = Content(i, 300 * i);
            if (i % 5 == 4)
            {
                var writer = await _store.WriteAsync(Key(i), content, hint: false, piece: 333);
                writer.Abort();
                return;
            }
            Assert.Equal(CommitOutcome.Committed, (await _store.PutAsync(Key(i), content, hint: i % 2 == 0)).Outcome);
            Assert.Equal(content, _store.Read(Key(i)));
            if (i % 7 == 6)
                _store.Delete(Key(i));
        });
        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < 64; i++)
                Assert.Equal(i % 5 == 4 || i % 7 == 6 ? null : Content(i, 300 * i), _store.Read(Key(i)));
            _store.Dispose();
            _store = Open();
        }
    }

    [Fact]
    public async Task Readers_should_not_notice_writes_deletes_and_compaction_around_them()
    {
        const int Keys = 16;
        for (var i = 0; i < Keys; i++)
            await _store.PutAsync(Key(i), Content(i, 2500));
        using var end = new CancellationTokenSource();
        var reads = 0;
        // Threads of their own: a small pool would run some of these only after the others have ended.
        var readers = Enumerable.Range(0, 2).Select(seed => Task.Factory.StartNew(() =>
        {
            var random = new Random(seed);
            while (!end.IsCancellationRequested)
            {
                var key = random.Next(Keys);
                Assert.Equal(Content(key, 2500), _store.Read(Key(key)));
                Interlocked.Increment(ref reads);
            }
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToList();
        var compaction = Task.Factory.StartNew(() =>
        {
            long copied = 0;
            while (!end.IsCancellationRequested)
                copied += _store.CompactStep(5000).CopiedBytes;
            return copied;
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        // Every key is written again, as heal does, and most older attempts deleted: the content stays the same throughout.
        for (var round = 0; round < 12; round++)
        {
            for (var i = 0; i < Keys; i++)
            {
                var old = _store.Stat(Key(i))!.Value.AttemptId;
                Assert.Equal(CommitOutcome.Committed, (await _store.PutAsync(Key(i), Content(i, 2500), hint: i % 2 == 0)).Outcome);
                if ((i + round) % 4 != 0)
                    Assert.Equal(DeleteOutcome.Deleted, _store.Delete(Key(i), old));
            }
        }
        await end.CancelAsync();
        await Task.WhenAll(readers).WaitAsync(TimeSpan.FromSeconds(30));
        var copied = await compaction.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(copied > 0, $"copied {copied}, {_store.Stats()}");
        Assert.True(reads > 0);
        _store.Dispose();
        _store = Open();
        for (var i = 0; i < Keys; i++)
            Assert.Equal(Content(i, 2500), _store.Read(Key(i)));
    }
}
