using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;
using Predastore.Testing.Disk;
using Xunit;
using static Predastore.Shards.Tests.Segments.StoreFixture;

namespace Predastore.Shards.Tests.Segments;

/// <summary>The store on disks that fail, and its compaction and rebuild, all on the modelled disk.</summary>
public sealed class SegmentFaultSpecs
{
    private readonly MemoryDisk _disk = new();
    private readonly MemoryKvFactory _kv = new();
    private SegmentStore _store;

    public SegmentFaultSpecs() => _store = Open();

    private SegmentStore Open(Func<SegmentStoreOptions, SegmentStoreOptions>? change = null) =>
        SegmentStore.Open(_disk, _kv, (change ?? (o => o))(Tiny("/d")));

    private void Reopen()
    {
        _store.Dispose();
        _store = Open();
    }

    private IReadOnlyList<string> Files() => _disk.List("/d/segments");

    private sealed class ByDigest : IExtentVerifier
    {
        public bool Verify(ShardRow shard, ShardReader reader)
        {
            var bytes = new byte[reader.Length];
            reader.Read(0, bytes);
            return Digest(bytes) == shard.Digest;
        }
    }

    private long CompactAll(IExtentVerifier? verifier = null)
    {
        long copied = 0;
        for (var i = 0; i < 1000; i++)
        {
            var step = _store.CompactStep(3000, verifier);
            copied += step.CopiedBytes;
            if (!step.More)
                return copied;
        }
        throw new InvalidOperationException("compaction does not end");
    }

    [Fact]
    public async Task Failed_sync_should_fence_the_segment_and_never_acknowledge()
    {
        var (first, second) = (Content(1, 600), Content(2, 600));
        await _store.PutAsync(Key(1), first);
        var bystander = await _store.WriteAsync(Key(3), first);
        var syncs = 0;
        _disk.Fault = c => c.Kind == DiskCallKind.Sync && syncs++ == 0 ? new IOException("EIO") : null;
        Assert.Equal(CommitOutcome.Failed, (await _store.PutAsync(Key(2), second)).Outcome);
        Assert.Equal(1, _store.Stats().FencedSegments);
        Assert.Equal(CommitOutcome.Failed, _store.Commit(bystander, first).Outcome);
        Assert.Equal(1, syncs);
        Assert.Null(_store.Read(Key(2)));
        // A new segment takes over, and what an earlier sync covered is copied out.
        Assert.Equal(CommitOutcome.Committed, (await _store.PutAsync(Key(2), second)).Outcome);
        CompactAll();
        Assert.Equal(1, _store.Stats().FencedSegments);
        CompactAll(new ByDigest());
        Assert.Equal(0, _store.Stats().FencedSegments);
        for (var seed = 0; seed < 2; seed++)
        {
            Assert.Equal(first, _store.Read(Key(1)));
            Assert.Equal(second, _store.Read(Key(2)));
            _disk.Crash(new Random(seed));
            _kv.Crash(new Random(seed));
            _store = Open();
        }
    }

    [Fact]
    public async Task Sync_beside_one_that_fails_should_not_acknowledge()
    {
        // The kernel tells a lost page to one of two callers that sync a file at once; the other one hears of success.
        var disk = new FaultDisk(_disk);
        using var store = SegmentStore.Open(disk, _kv, Tiny("/e"));
        for (var n = 1; _disk.List("/e/segments").Count < 2; n++)
            await store.PutAsync(Key(n), Content(n, 1500));
        for (var n = 2; store.Stats().LiveBytes > 5000; n++)
            store.Delete(Key(n));
        var content = Content(50, 600);
        var writer = await store.WriteAsync(Key(50), content);
        using var entered = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();
        var syncs = 0;
        disk.Fault = c =>
        {
            if (c.Kind != DiskCallKind.Sync || Interlocked.Increment(ref syncs) > 1)
                return null;
            entered.Set();
            release.Wait(TimeSpan.FromSeconds(20));
            return new IOException("EIO");
        };
        var compaction = Task.Run(() => store.CompactStep(1 << 20));
        Assert.True(entered.Wait(TimeSpan.FromSeconds(20)));
        var commit = Task.Run(() => store.Commit(writer, content));
        await Task.WhenAny(commit, Task.Delay(300));
        release.Set();
        Assert.Equal(CommitOutcome.Failed, (await commit).Outcome);
        await compaction;
        Assert.Null(store.Read(Key(50)));
    }

    [Fact]
    public async Task Fenced_extent_that_does_not_verify_should_be_reported_and_stay()
    {
        var content = Content(1, 600);
        await _store.PutAsync(Key(1), content);
        await _store.PutAsync(Key(2), content);
        var extent = Location(Key(1));
        _disk.FlipBit("/d/segments/00000001.segment", (extent.Offset + 300) * 8);
        _disk.Fault = c => c.Kind == DiskCallKind.Sync ? new IOException("EIO") : null;
        await _store.PutAsync(Key(3), content);
        _disk.Fault = null;
        var step = _store.CompactStep(1 << 20, new ByDigest());
        Assert.Equal(Key(1), Assert.Single(step.Damaged).Key);
        Assert.False(step.More);
        Assert.Equal(content, _store.Read(Key(2)));
        Assert.Equal(DeleteOutcome.Deleted, _store.Delete(Key(1)));
        Assert.Equal(0, _store.Stats().FencedSegments);
    }

    private ExtentLocation Location(ShardKey key)
    {
        using var reader = _store.TryOpenRead(key)!;
        return reader.Row.Extents[0];
    }

    [Fact]
    public async Task Failed_write_should_leave_only_an_abort()
    {
        var writer = _store.Reserve(Request(Key(1)));
        _disk.Fault = c => c.Kind == DiskCallKind.Write ? new IOException("EIO") : null;
        await Assert.ThrowsAsync<IOException>(async () => await writer.WriteAsync(new byte[100]));
        _disk.Fault = null;
        Assert.Throws<InvalidOperationException>(writer.Complete);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await writer.WriteAsync(new byte[100]));
        Assert.True(writer.Abort());
        Assert.Equal(0, _store.Stats().Reservations);
    }

    [Fact]
    public async Task Failed_index_write_should_stop_the_store_until_it_is_opened_anew()
    {
        var content = Content(1, 900);
        await _store.PutAsync(Key(1), content);
        _kv.Fault = _ => new KvException(KvFailure.Io, "EIO");
        Assert.Equal(CommitOutcome.Failed, (await _store.PutAsync(Key(2), content)).Outcome);
        _kv.Fault = null;
        Assert.Throws<StoreFailedException>(() => _store.Reserve(Request(Key(3))));
        Assert.Throws<StoreFailedException>(() => _store.Delete(Key(1)));
        Assert.Throws<StoreFailedException>(() => _store.CompactStep(1));
        Assert.Equal(content, _store.Read(Key(1)));
        Reopen();
        Assert.Equal(content, _store.Read(Key(1)));
        Assert.Equal(CommitOutcome.Committed, (await _store.PutAsync(Key(3), content)).Outcome);
    }

    [Fact]
    public async Task Full_disk_should_refuse_and_take_writes_again_once_something_is_deleted()
    {
        _disk.CapacityBytes = 64 << 10;
        var stored = new List<int>();
        var content = Content(1, 3000);
        var refused = 0;
        for (var i = 0; i < 60 && refused < 3; i++)
        {
            try
            {
                Assert.Equal(CommitOutcome.Committed, (await _store.PutAsync(Key(i), content)).Outcome);
                stored.Add(i);
            }
            catch (StoreFullException)
            {
                refused++;
            }
        }
        Assert.Equal(3, refused);
        Assert.True(stored.Count > 8);
        Assert.All(stored, i => Assert.Equal(content, _store.Read(Key(i))));
        foreach (var i in stored)
            Assert.Equal(DeleteOutcome.Deleted, _store.Delete(Key(i)));
        Assert.Equal(CommitOutcome.Committed, (await _store.PutAsync(Key(100), content)).Outcome);
    }

    [Fact]
    public async Task Space_limits_should_say_low_and_then_refuse_shards_but_not_deletes()
    {
        _store.Dispose();
        _disk.CapacityBytes = 1 << 20;
        _store = Open(o => o with { LowSpacePercent = 98, FullSpacePercent = 95 });
        var content = Content(1, 3000);
        var states = new List<SpaceState>();
        var stored = 0;
        try
        {
            for (; stored < 100; stored++)
            {
                await _store.PutAsync(Key(stored), content);
                states.Add(_store.RefreshSpace());
            }
        }
        catch (StoreFullException)
        {
            states.Add(SpaceState.Full);
        }
        Assert.Equal([SpaceState.Normal, SpaceState.Low, SpaceState.Full], states.Distinct());
        Assert.Equal(_disk.CapacityBytes * 0.95, _disk.Space("/d").FreeBytes, 20_000.0);
        for (var i = 0; i < stored; i++)
            Assert.Equal(DeleteOutcome.Deleted, _store.Delete(Key(i)));
        CompactAll();
        Assert.Equal(CommitOutcome.Committed, (await _store.PutAsync(Key(200), content)).Outcome);
    }

    [Fact]
    public async Task Compaction_should_keep_the_living_and_unlink_the_rest()
    {
        for (var i = 0; i < 40; i++)
            await _store.PutAsync(Key(i), Content(i, 1800), hint: i % 2 == 0);
        var before = Files().Count;
        for (var i = 0; i < 40; i++)
        {
            if (i % 4 != 0)
                _store.Delete(Key(i));
        }
        Assert.True(CompactAll() > 0);
        Assert.True(Files().Count <= (before / 2) + 1, $"{before} -> {Files().Count}");
        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < 40; i++)
                Assert.Equal(i % 4 == 0 ? Content(i, 1800) : null, _store.Read(Key(i)));
            Reopen();
        }
        Assert.Equal(0, _store.Opened.BrokenShards);
    }

    [Fact]
    public async Task Compaction_should_leave_the_source_to_its_readers()
    {
        for (var i = 0; i < 12; i++)
            await _store.PutAsync(Key(i), Content(i, 1800));
        using (var reader = _store.TryOpenRead(Key(0))!)
        {
            var source = $"{reader.Row.Extents[0].Segment:x8}.segment";
            for (var i = 1; i < 12; i++)
                _store.Delete(Key(i));
            CompactAll();
            Assert.NotEqual(reader.Row.Extents[0], Location(Key(0)));
            Assert.Contains(source, Files());
            var bytes = new byte[1800];
            Assert.Equal(1800, reader.Read(0, bytes));
            Assert.Equal(Content(0, 1800), bytes);
            reader.Dispose();
            Assert.DoesNotContain(source, Files());
        }
        Assert.Equal(Content(0, 1800), _store.Read(Key(0)));
    }

    [Fact]
    public async Task Failed_sync_of_a_compaction_target_should_move_nothing()
    {
        for (var i = 0; i < 12; i++)
            await _store.PutAsync(Key(i), Content(i, 1800));
        for (var i = 0; i < 12; i++)
        {
            if (i % 3 != 0)
                _store.Delete(Key(i));
        }
        _disk.Fault = c => c.Kind == DiskCallKind.Sync ? new IOException("EIO") : null;
        var places = Enumerable.Range(0, 4).Select(i => Location(Key(i * 3))).ToList();
        try
        {
            _store.CompactStep(1 << 20);
        }
        catch (StoreException)
        {
            // A new target segment could not be made.
        }
        _disk.Fault = null;
        Assert.Equal(places, Enumerable.Range(0, 4).Select(i => Location(Key(i * 3))));
        CompactAll(new ByDigest());
        Assert.All(places, place => Assert.DoesNotContain($"{place.Segment:x8}.segment", Files()));
        for (var i = 0; i < 12; i += 3)
            Assert.Equal(Content(i, 1800), _store.Read(Key(i)));
    }

    [Fact]
    public async Task Compaction_should_report_what_it_cannot_read_and_move_the_rest()
    {
        for (var i = 0; i < 6; i++)
            await _store.PutAsync(Key(i), Content(i, 1800));
        var bad = Location(Key(0));
        for (var i = 2; i < 6; i++)
            _store.Delete(Key(i));
        var reads = 0;
        _disk.Fault = c => c.Kind == DiskCallKind.Read && reads++ == 0 ? new IOException("EIO") : null;
        var step = _store.CompactStep(1 << 20);
        _disk.Fault = null;
        Assert.Equal(Key(0), Assert.Single(step.Damaged).Key);
        Assert.Equal(bad, Location(Key(0)));
        Assert.NotEqual(bad.Segment, Location(Key(1)).Segment);
        Assert.Equal(Content(1, 1800), _store.Read(Key(1)));
    }

    [Fact]
    public async Task Compaction_without_room_should_go_on_once_there_is_some()
    {
        for (var i = 0; i < 12; i++)
            await _store.PutAsync(Key(i), Content(i, 1800));
        for (var i = 0; i < 12; i++)
        {
            if (i % 3 != 0)
                _store.Delete(Key(i));
        }
        _disk.Fault = c => c.Kind is DiskCallKind.Allocate or DiskCallKind.Open ? new DiskFullException("ENOSPC") : null;
        var sources = Files();
        for (var i = 0; i < 5 && !_store.CompactStep(1 << 20).NoRoom; i++)
        {
        }
        Assert.True(_store.CompactStep(1 << 20).NoRoom);
        _disk.Fault = null;
        CompactAll();
        Assert.Empty(Files().Intersect(sources).SkipLast(1));
        for (var i = 0; i < 12; i += 3)
            Assert.Equal(Content(i, 1800), _store.Read(Key(i)));
    }

    [Fact]
    public async Task Rebuild_should_prefer_the_try_that_was_committed()
    {
        var content = Content(1, 900);
        var request = Request(Key(1));
        for (var attempt = 0; attempt < 2; attempt++)
        {
            var writer = _store.Reserve(request);
            await writer.WriteAsync(content);
            writer.Complete();
            // The first try fails after its header was written.
            _disk.Fault = c => attempt == 0 && c.Kind == DiskCallKind.Sync ? new IOException("EIO") : null;
            Assert.Equal(attempt == 0 ? CommitOutcome.Failed : CommitOutcome.Committed, _store.Commit(writer, content).Outcome);
            _disk.Fault = null;
        }
        var place = Location(Key(1));
        _store.Dispose();
        SegmentStore.RebuildIndex(_disk, _kv, Tiny("/d"));
        _store = Open();
        Assert.Equal(place, Location(Key(1)));
        Assert.Equal(content, _store.Read(Key(1)));
    }

    [Fact]
    public async Task Lost_index_should_refuse_to_open_and_be_rebuilt()
    {
        for (var i = 0; i < 20; i++)
            await _store.PutAsync(Key(i), Content(i, 700 * i), hint: i % 2 == 0);
        var twoAttempts = await _store.WriteAsync(Key(5), Content(99, 500));
        _store.Commit(twoAttempts, Content(99, 500));
        await _store.WriteAsync(Key(50), Content(50, 500));
        _store.Dispose();
        _kv.Damage("/d/index");
        Assert.Throws<IndexLostException>(() => Open());
        _kv.Delete("/d/index");
        Assert.Throws<IndexLostException>(() => Open());
        var report = SegmentStore.RebuildIndex(_disk, _kv, Tiny("/d"), new ByDigest());
        Assert.Equal(new RebuildReport(21, 0, 0, 0), report);
        _store = Open();
        for (var i = 0; i < 20; i++)
            Assert.Equal(i == 5 ? Content(99, 500) : Content(i, 700 * i), _store.Read(Key(i)));
        Assert.Null(_store.Read(Key(50)));
        Assert.Equal(CommitOutcome.Committed, (await _store.PutAsync(Key(60), Content(60, 500))).Outcome);
    }

    [Fact]
    public async Task Rebuild_should_leave_out_torn_and_incomplete_shards()
    {
        await _store.PutAsync(Key(1), Content(1, 9000));
        await _store.PutAsync(Key(2), Content(2, 900));
        await _store.PutAsync(Key(3), Content(3, 900));
        var (part, torn) = (Location(Key(1)), Location(Key(2)));
        _store.Dispose();
        _kv.Delete("/d/index");
        _disk.FlipBit($"/d/segments/{part.Segment:x8}.segment", (part.Offset + 20) * 8);
        _disk.FlipBit($"/d/segments/{torn.Segment:x8}.segment", (torn.Offset + ExtentHeader.Bytes + 5) * 8);
        Assert.Equal(new RebuildReport(1, 1, 1, 0), SegmentStore.RebuildIndex(_disk, _kv, Tiny("/d"), new ByDigest()));
        _store = Open();
        Assert.Null(_store.Read(Key(1)));
        Assert.Null(_store.Read(Key(2)));
        Assert.Equal(Content(3, 900), _store.Read(Key(3)));
    }

    [Fact]
    public async Task Segment_that_is_gone_should_make_its_shards_unreadable_and_be_counted()
    {
        await _store.PutAsync(Key(1), Content(1, 900));
        _store.Dispose();
        _disk.DeleteFile("/d/segments/00000001.segment");
        _store = Open();
        Assert.Equal(1, _store.Opened.BrokenShards);
        Assert.Null(_store.Read(Key(1)));
        Assert.Equal(DeleteOutcome.Deleted, _store.Delete(Key(1)));
    }

    [Fact]
    public async Task Foreign_files_should_be_refused()
    {
        await _store.PutAsync(Key(1), Content(1, 900));
        _store.Dispose();
        Assert.Throws<StoreException>(() => Open(o => o with { StorageId = 8 }));
        Assert.Throws<StoreException>(() => Open(o => o with { ClusterId = Guid.Empty }));
        Assert.Throws<StoreException>(() => Open(o => o with { DiskUuid = Guid.Empty }));
        _disk.Rename("/d/segments/00000001.segment", "/d/segments/00000002.segment");
        _disk.ReplaceFile("/d/segments/00000001.segment", new SegmentHeader(Guid.Empty, 7, Uuid, 1).Encode());
        Assert.Throws<StoreException>(() => Open());
    }

    [Fact]
    public async Task Aborted_room_should_be_given_back_after_its_write_has_ended()
    {
        _store.Dispose();
        _store = Open(o => o with { SegmentBytesMax = 1 << 20, ExtentBytesMax = 1 << 19, PreallocateBytes = 0 });
        await _store.PutAsync(Key(0), Content(0, 900));
        var writer = await _store.WriteAsync(Key(1), Content(1, 60_000));
        await _store.PutAsync(Key(2), Content(2, 900));
        var before = _disk.Space("/d").FreeBytes;
        writer.Abort();
        Assert.True(_disk.Space("/d").FreeBytes - before > 40_000);
        Assert.Equal(Content(2, 900), _store.Read(Key(2)));
        Assert.Equal(0, _store.Stats().Reservations);
    }

    [Fact]
    public void Reservations_should_be_bounded()
    {
        _store.Dispose();
        _store = Open(o => o with { ReservationsMax = 2 });
        _store.Reserve(Request(Key(1)));
        using (_store.Reserve(Request(Key(2))))
            Assert.Throws<StoreBusyException>(() => _store.Reserve(Request(Key(3))));
        _store.Reserve(Request(Key(3)));
    }

    [Fact]
    public async Task Declared_size_alone_should_take_one_step()
    {
        _store.Dispose();
        _store = Open(o => o with { PreallocateBytes = 0, SegmentBytesMax = 1L << 40, ExtentBytesMax = 1L << 38 });
        var writer = _store.Reserve(Request(Key(1), hint: 1L << 40));
        await writer.WriteAsync(new byte[10]);
        Assert.True(_store.Stats().DeadBytes <= 2048);
    }
}
