using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;
using Predastore.Testing.Disk;
using Xunit;
using static Predastore.Shards.Tests.Segments.StoreFixture;

namespace Predastore.Shards.Tests.Segments;

/// <summary>Compaction, on the modelled disk.</summary>
public sealed class SegmentCompactionSpecs : ModelledStore
{
    [Fact]
    public async Task Compaction_should_keep_the_living_and_unlink_the_rest()
    {
        for (var i = 0; i < 40; i++)
            await Store.PutAsync(Key(i), Content(i, 1800), hint: i % 2 == 0);
        var before = Files().Count;
        for (var i = 0; i < 40; i++)
        {
            if (i % 4 != 0)
                Store.Delete(Key(i));
        }
        Assert.True(CompactAll() > 0);
        Assert.True(Files().Count <= (before / 2) + 1, $"{before} -> {Files().Count}");
        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < 40; i++)
                Assert.Equal(i % 4 == 0 ? Content(i, 1800) : null, Store.Read(Key(i)));
            Reopen();
        }
        Assert.Equal(0, Store.Opened.BrokenShards);
    }

    [Fact]
    public async Task Compaction_should_leave_the_source_to_its_readers()
    {
        for (var i = 0; i < 12; i++)
            await Store.PutAsync(Key(i), Content(i, 1800));
        using (var reader = Store.TryOpenRead(Key(0))!)
        {
            var source = $"{reader.Row.Extents[0].Segment:x8}.segment";
            for (var i = 1; i < 12; i++)
                Store.Delete(Key(i));
            CompactAll();
            Assert.NotEqual(reader.Row.Extents[0], Location(Key(0)));
            Assert.DoesNotContain(source, Files());
            var bytes = new byte[1800];
            Assert.Equal(1800, reader.Read(0, bytes));
            Assert.Equal(Content(0, 1800), bytes);
        }
        Assert.Equal(Content(0, 1800), Store.Read(Key(0)));
    }

    [Fact]
    public async Task Reader_of_a_closed_store_should_not_unlink_what_a_rebuilt_index_names()
    {
        for (var i = 0; i < 12; i++)
            await Store.PutAsync(Key(i), Content(i, 1800));
        using (Store.TryOpenRead(Key(0)))
        {
            for (var i = 1; i < 12; i++)
                Store.Delete(Key(i));
            CompactAll();
            Store.Dispose();
            SegmentStore.RebuildIndex(Disk, Databases, Tiny("/d"));
            Store = Open();
            Assert.Equal(Content(0, 1800), Store.Read(Key(0)));
        }
        Reopen();
        Assert.Equal(0, Store.Opened.BrokenShards);
        Assert.Equal(Content(0, 1800), Store.Read(Key(0)));
    }

    [Fact]
    public async Task Fenced_segment_should_wait_for_a_verifier_that_cannot_tell()
    {
        for (var i = 0; i < 3; i++)
            await Store.PutAsync(Key(i), Content(i, 1800));
        await FenceAsync();
        var verifier = new Answers(new ByDigest()) { Verdict = ExtentVerdict.Unknown };
        for (var i = 0; i < 2; i++)
        {
            var step = Store.CompactStep(1 << 20, verifier);
            Assert.False(step.More);
            Assert.Empty(step.Damaged);
            Assert.Equal(1, Store.Stats().FencedSegments);
        }
        verifier.Verdict = null;
        CompactAll(verifier);
        Assert.Equal(0, Store.Stats().FencedSegments);
        for (var i = 0; i < 3; i++)
            Assert.Equal(Content(i, 1800), Store.Read(Key(i)));
    }

    [Fact]
    public async Task Damaged_shards_should_count_for_the_length_of_a_step()
    {
        for (var i = 0; i < 6; i++)
            await Store.PutAsync(Key(i), Content(i, 600));
        await FenceAsync();
        var verifier = new Answers(new ByDigest()) { Verdict = ExtentVerdict.Damaged };
        Assert.True(Store.CompactStep(1, verifier).More);
        Assert.Equal(1, verifier.Asked);
        CompactAll(verifier);
        Assert.Equal(6, verifier.Asked);
    }

    [Fact]
    public async Task Deleting_all_of_a_segment_should_not_break_the_compaction_under_way()
    {
        for (var i = 0; i < 48; i++)
            await Store.PutAsync(Key(i), Content(i, 100));
        for (var i = 0; i < 48; i++)
        {
            if (i % 3 != 0)
                Store.Delete(Key(i));
        }
        var reads = 0;
        Disk.Fault = call =>
        {
            // In the middle of the copy.
            if (call.Kind == DiskCallKind.Read && reads++ == 1)
            {
                for (var i = 0; i < 48; i += 3)
                    Assert.Equal(DeleteOutcome.Deleted, Store.Delete(Key(i)));
            }
            return null;
        };
        Store.CompactStep(1 << 20);
        Disk.Fault = null;
        Assert.True(reads > 1);
        CompactAll();
        Assert.Equal(0, Store.Stats().LiveBytes);
        await Store.PutAsync(Key(1), Content(1, 1800));
        Assert.Equal(Content(1, 1800), Store.Read(Key(1)));
    }

    [Fact]
    public async Task Failed_sync_of_a_compaction_target_should_move_nothing()
    {
        for (var i = 0; i < 12; i++)
            await Store.PutAsync(Key(i), Content(i, 1800));
        for (var i = 0; i < 12; i++)
        {
            if (i % 3 != 0)
                Store.Delete(Key(i));
        }
        Disk.Fault = c => c.Kind == DiskCallKind.Sync ? new IOException("EIO") : null;
        var places = Enumerable.Range(0, 4).Select(i => Location(Key(i * 3))).ToList();
        try
        {
            Store.CompactStep(1 << 20);
        }
        catch (StoreException)
        {
            // A new target segment could not be made.
        }
        Disk.Fault = null;
        Assert.Equal(places, Enumerable.Range(0, 4).Select(i => Location(Key(i * 3))));
        CompactAll(new ByDigest());
        Assert.All(places, place => Assert.DoesNotContain($"{place.Segment:x8}.segment", Files()));
        for (var i = 0; i < 12; i += 3)
            Assert.Equal(Content(i, 1800), Store.Read(Key(i)));
    }

    [Fact]
    public async Task Compaction_should_report_what_it_cannot_read_and_move_the_rest()
    {
        for (var i = 0; i < 6; i++)
            await Store.PutAsync(Key(i), Content(i, 1800));
        var bad = Location(Key(0));
        for (var i = 2; i < 6; i++)
            Store.Delete(Key(i));
        var reads = 0;
        Disk.Fault = c => c.Kind == DiskCallKind.Read && reads++ == 0 ? new IOException("EIO") : null;
        var step = Store.CompactStep(1 << 20);
        Disk.Fault = null;
        Assert.Equal(Key(0), Assert.Single(step.Damaged).Key);
        Assert.Equal(bad, Location(Key(0)));
        Assert.NotEqual(bad.Segment, Location(Key(1)).Segment);
        Assert.Equal(Content(1, 1800), Store.Read(Key(1)));
    }

    [Fact]
    public async Task Compaction_without_room_should_go_on_once_there_is_some()
    {
        for (var i = 0; i < 12; i++)
            await Store.PutAsync(Key(i), Content(i, 1800));
        for (var i = 0; i < 12; i++)
        {
            if (i % 3 != 0)
                Store.Delete(Key(i));
        }
        Disk.Fault = c => c.Kind is DiskCallKind.Allocate or DiskCallKind.Open ? new DiskFullException("ENOSPC") : null;
        var sources = Files();
        for (var i = 0; i < 5 && !Store.CompactStep(1 << 20).NoRoom; i++)
        {
        }
        Assert.True(Store.CompactStep(1 << 20).NoRoom);
        Disk.Fault = null;
        CompactAll();
        Assert.Empty(Files().Intersect(sources).SkipLast(1));
        for (var i = 0; i < 12; i += 3)
            Assert.Equal(Content(i, 1800), Store.Read(Key(i)));
    }

    private async Task FenceAsync()
    {
        Disk.Fault = c => c.Kind == DiskCallKind.Sync ? new IOException("EIO") : null;
        Assert.Equal(CommitOutcome.Failed, (await Store.PutAsync(Key(100), Content(100, 100))).Outcome);
        Disk.Fault = null;
        Assert.Equal(1, Store.Stats().FencedSegments);
    }

    private sealed class Answers(IExtentVerifier inner) : IExtentVerifier
    {
        public ExtentVerdict? Verdict { get; set; }

        public int Asked { get; private set; }

        public ExtentVerdict Verify(ShardRow shard, ShardReader reader)
        {
            Asked++;
            return Verdict ?? inner.Verify(shard, reader);
        }
    }
}
