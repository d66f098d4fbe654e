using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;
using Predastore.Testing.Disk;
using Xunit;
using static Predastore.Shards.Tests.Segments.StoreFixture;

namespace Predastore.Shards.Tests.Segments;

/// <summary>The store on disks that fail or are full.</summary>
public sealed class SegmentFaultSpecs : ModelledStore
{
    [Fact]
    public async Task Failed_sync_should_fence_the_segment_and_never_acknowledge()
    {
        var (first, second) = (Content(1, 600), Content(2, 600));
        await Store.PutAsync(Key(1), first);
        var bystander = await Store.WriteAsync(Key(3), first);
        var syncs = 0;
        Disk.Fault = c => c.Kind == DiskCallKind.Sync && syncs++ == 0 ? new IOException("EIO") : null;
        Assert.Equal(CommitOutcome.Failed, (await Store.PutAsync(Key(2), second)).Outcome);
        Assert.Equal(1, Store.Stats().FencedSegments);
        Assert.Equal(CommitOutcome.Failed, Store.Commit(bystander, first).Outcome);
        Assert.Equal(1, syncs);
        Assert.Null(Store.Read(Key(2)));
        // A new segment takes over, and what an earlier sync covered is copied out.
        Assert.Equal(CommitOutcome.Committed, (await Store.PutAsync(Key(2), second)).Outcome);
        CompactAll();
        Assert.Equal(1, Store.Stats().FencedSegments);
        CompactAll(new ByDigest());
        Assert.Equal(0, Store.Stats().FencedSegments);
        for (var seed = 0; seed < 2; seed++)
        {
            Assert.Equal(first, Store.Read(Key(1)));
            Assert.Equal(second, Store.Read(Key(2)));
            Disk.Crash(new Random(seed));
            Databases.Crash(new Random(seed));
            Store = Open();
        }
    }

    [Fact]
    public async Task Sync_beside_one_that_fails_should_not_acknowledge()
    {
        // The kernel tells a lost page to one of two callers that sync a file at once; the other one hears of success.
        var disk = new FaultDisk(Disk);
        using var store = SegmentStore.Open(disk, Databases, Tiny("/e"));
        for (var n = 1; Disk.List("/e/segments").Count < 2; n++)
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
        await Store.PutAsync(Key(1), content);
        await Store.PutAsync(Key(2), content);
        var extent = Location(Key(1));
        Disk.FlipBit("/d/segments/00000001.segment", (extent.Offset + 300) * 8);
        Disk.Fault = c => c.Kind == DiskCallKind.Sync ? new IOException("EIO") : null;
        await Store.PutAsync(Key(3), content);
        Disk.Fault = null;
        var step = Store.CompactStep(1 << 20, new ByDigest());
        Assert.Equal(Key(1), Assert.Single(step.Damaged).Key);
        Assert.False(step.More);
        Assert.Equal(content, Store.Read(Key(2)));
        Assert.Equal(DeleteOutcome.Deleted, Store.Delete(Key(1)));
        Assert.Equal(0, Store.Stats().FencedSegments);
    }

    [Fact]
    public async Task Failed_write_should_leave_only_an_abort()
    {
        var writer = Store.Reserve(Request(Key(1)));
        Disk.Fault = c => c.Kind == DiskCallKind.Write ? new IOException("EIO") : null;
        await Assert.ThrowsAsync<IOException>(async () => await writer.WriteAsync(new byte[100]));
        Disk.Fault = null;
        Assert.Throws<InvalidOperationException>(writer.Complete);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await writer.WriteAsync(new byte[100]));
        Assert.True(writer.Abort());
        Assert.Equal(0, Store.Stats().Reservations);
    }

    [Fact]
    public async Task Failed_index_write_should_stop_the_store_until_it_is_opened_anew()
    {
        var content = Content(1, 900);
        await Store.PutAsync(Key(1), content);
        Databases.Fault = _ => new KvException(KvFailure.Io, "EIO");
        Assert.Equal(CommitOutcome.Failed, (await Store.PutAsync(Key(2), content)).Outcome);
        Databases.Fault = null;
        Assert.Throws<StoreFailedException>(() => Store.Reserve(Request(Key(3))));
        Assert.Throws<StoreFailedException>(() => Store.Delete(Key(1)));
        Assert.Throws<StoreFailedException>(() => Store.CompactStep(1));
        Assert.Equal(content, Store.Read(Key(1)));
        Reopen();
        Assert.Equal(content, Store.Read(Key(1)));
        Assert.Equal(CommitOutcome.Committed, (await Store.PutAsync(Key(3), content)).Outcome);
    }

    [Fact]
    public async Task Full_disk_should_refuse_and_take_writes_again_once_something_is_deleted()
    {
        Disk.CapacityBytes = 64 << 10;
        var stored = new List<int>();
        var content = Content(1, 3000);
        var refused = 0;
        for (var i = 0; i < 60 && refused < 3; i++)
        {
            try
            {
                Assert.Equal(CommitOutcome.Committed, (await Store.PutAsync(Key(i), content)).Outcome);
                stored.Add(i);
            }
            catch (StoreFullException)
            {
                refused++;
            }
        }
        Assert.Equal(3, refused);
        Assert.True(stored.Count > 8);
        Assert.All(stored, i => Assert.Equal(content, Store.Read(Key(i))));
        foreach (var i in stored)
            Assert.Equal(DeleteOutcome.Deleted, Store.Delete(Key(i)));
        Assert.Equal(CommitOutcome.Committed, (await Store.PutAsync(Key(100), content)).Outcome);
    }

    [Fact]
    public async Task Space_limits_should_say_low_and_then_refuse_shards_but_not_deletes()
    {
        Store.Dispose();
        Disk.CapacityBytes = 1 << 20;
        Store = Open(o => o with { LowSpacePercent = 98, FullSpacePercent = 95 });
        var content = Content(1, 3000);
        var states = new List<SpaceState>();
        var stored = 0;
        try
        {
            for (; stored < 100; stored++)
            {
                await Store.PutAsync(Key(stored), content);
                states.Add(Store.RefreshSpace());
            }
        }
        catch (StoreFullException)
        {
            states.Add(SpaceState.Full);
        }
        Assert.Equal([SpaceState.Normal, SpaceState.Low, SpaceState.Full], states.Distinct());
        Assert.Equal(Disk.CapacityBytes * 0.95, Disk.Space("/d").FreeBytes, 20_000.0);
        for (var i = 0; i < stored; i++)
            Assert.Equal(DeleteOutcome.Deleted, Store.Delete(Key(i)));
        CompactAll();
        Assert.Equal(CommitOutcome.Committed, (await Store.PutAsync(Key(200), content)).Outcome);
    }

    [Fact]
    public async Task Segment_that_is_gone_should_make_its_shards_unreadable_and_be_counted()
    {
        await Store.PutAsync(Key(1), Content(1, 900));
        Store.Dispose();
        Disk.DeleteFile("/d/segments/00000001.segment");
        Store = Open();
        Assert.Equal(1, Store.Opened.BrokenShards);
        Assert.Null(Store.Read(Key(1)));
        Assert.Equal(DeleteOutcome.Deleted, Store.Delete(Key(1)));
    }

    [Fact]
    public async Task Segment_whose_header_cannot_be_read_should_be_fenced_and_the_rest_opened()
    {
        await Store.PutAsync(Key(1), Content(1, 900));
        Store.Dispose();
        Disk.Fault = c => c.Kind == DiskCallKind.Read ? new IOException("EIO") : null;
        Store = Open();
        Disk.Fault = null;
        Assert.Equal(1, Store.Opened.SegmentsFenced);
        Assert.Equal(Content(1, 900), Store.Read(Key(1)));
        CompactAll(new ByDigest());
        Assert.Equal(0, Store.Stats().FencedSegments);
        Assert.Equal(Content(1, 900), Store.Read(Key(1)));
    }

    [Fact]
    public async Task Foreign_files_should_be_refused()
    {
        await Store.PutAsync(Key(1), Content(1, 900));
        Store.Dispose();
        Assert.Throws<StoreException>(() => Open(o => o with { StorageId = 8 }));
        Assert.Throws<StoreException>(() => Open(o => o with { ClusterId = Guid.Empty }));
        Assert.Throws<StoreException>(() => Open(o => o with { DiskUuid = Guid.Empty }));
        Disk.Rename("/d/segments/00000001.segment", "/d/segments/00000002.segment");
        Disk.ReplaceFile("/d/segments/00000001.segment", new SegmentHeader(Guid.Empty, 7, Uuid, 1).Encode());
        Assert.Throws<StoreException>(() => Open());
    }

    [Fact]
    public async Task Aborted_room_should_be_given_back_after_its_write_has_ended()
    {
        Store.Dispose();
        Store = Open(o => o with { SegmentBytesMax = 1 << 20, ExtentBytesMax = 1 << 19, PreallocateBytes = 0 });
        await Store.PutAsync(Key(0), Content(0, 900));
        var writer = await Store.WriteAsync(Key(1), Content(1, 60_000));
        await Store.PutAsync(Key(2), Content(2, 900));
        var before = Disk.Space("/d").FreeBytes;
        writer.Abort();
        Assert.True(Disk.Space("/d").FreeBytes - before > 40_000);
        Assert.Equal(Content(2, 900), Store.Read(Key(2)));
        Assert.Equal(0, Store.Stats().Reservations);
    }

    [Fact]
    public void Reservations_should_be_bounded()
    {
        Store.Dispose();
        Store = Open(o => o with { ReservationsMax = 2 });
        Store.Reserve(Request(Key(1)));
        using (Store.Reserve(Request(Key(2))))
            Assert.Throws<StoreBusyException>(() => Store.Reserve(Request(Key(3))));
        Store.Reserve(Request(Key(3)));
    }

    [Fact]
    public async Task Declared_size_alone_should_take_one_step()
    {
        Store.Dispose();
        Store = Open(o => o with { PreallocateBytes = 0, SegmentBytesMax = 1L << 40, ExtentBytesMax = 1L << 38 });
        var writer = Store.Reserve(Request(Key(1), hint: 1L << 40));
        await writer.WriteAsync(new byte[10]);
        Assert.True(Store.Stats().DeadBytes <= 2048);
    }
}
