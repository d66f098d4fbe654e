using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;
using Predastore.Testing.Disk;
using Xunit;
using static Predastore.Shards.Tests.Segments.StoreFixture;

namespace Predastore.Shards.Tests.Segments;

/// <summary>The index made anew from the segments, on the modelled disk.</summary>
public sealed class SegmentRebuildSpecs : ModelledStore
{
    [Fact]
    public async Task Rebuild_should_prefer_the_try_that_was_committed()
    {
        var content = Content(1, 900);
        var request = Request(Key(1));
        for (var attempt = 0; attempt < 2; attempt++)
        {
            var writer = Store.Reserve(request);
            await writer.WriteAsync(content);
            writer.Complete();
            // The first try fails after its header was written.
            Disk.Fault = c => attempt == 0 && c.Kind == DiskCallKind.Sync ? new IOException("EIO") : null;
            Assert.Equal(attempt == 0 ? CommitOutcome.Failed : CommitOutcome.Committed, Store.Commit(writer, content).Outcome);
            Disk.Fault = null;
        }
        var place = Location(Key(1));
        Store.Dispose();
        SegmentStore.RebuildIndex(Disk, Databases, Tiny("/d"));
        Store = Open();
        Assert.Equal(place, Location(Key(1)));
        Assert.Equal(content, Store.Read(Key(1)));
    }

    [Fact]
    public async Task Lost_index_should_refuse_to_open_and_be_rebuilt()
    {
        for (var i = 0; i < 20; i++)
            await Store.PutAsync(Key(i), Content(i, 700 * i), hint: i % 2 == 0);
        var twoAttempts = await Store.WriteAsync(Key(5), Content(99, 500));
        Store.Commit(twoAttempts, Content(99, 500));
        await Store.WriteAsync(Key(50), Content(50, 500));
        Store.Dispose();
        Databases.Damage("/d/index");
        Assert.Throws<IndexLostException>(() => Open());
        Databases.Delete("/d/index");
        Assert.Throws<IndexLostException>(() => Open());
        var report = SegmentStore.RebuildIndex(Disk, Databases, Tiny("/d"), new ByDigest());
        Assert.Equal(new RebuildReport(21, 0, 0, 0), report);
        Store = Open();
        for (var i = 0; i < 20; i++)
            Assert.Equal(i == 5 ? Content(99, 500) : Content(i, 700 * i), Store.Read(Key(i)));
        Assert.Null(Store.Read(Key(50)));
        Assert.Equal(CommitOutcome.Committed, (await Store.PutAsync(Key(60), Content(60, 500))).Outcome);
    }

    [Fact]
    public async Task Rebuild_should_leave_out_torn_and_incomplete_shards()
    {
        await Store.PutAsync(Key(1), Content(1, 9000));
        await Store.PutAsync(Key(2), Content(2, 900));
        await Store.PutAsync(Key(3), Content(3, 900));
        var (part, torn) = (Location(Key(1)), Location(Key(2)));
        Store.Dispose();
        Databases.Delete("/d/index");
        Disk.FlipBit($"/d/segments/{part.Segment:x8}.segment", (part.Offset + 20) * 8);
        Disk.FlipBit($"/d/segments/{torn.Segment:x8}.segment", (torn.Offset + ExtentHeader.Bytes + 5) * 8);
        Assert.Equal(new RebuildReport(1, 1, 1, 0), SegmentStore.RebuildIndex(Disk, Databases, Tiny("/d"), new ByDigest()));
        Store = Open();
        Assert.Null(Store.Read(Key(1)));
        Assert.Null(Store.Read(Key(2)));
        Assert.Equal(Content(3, 900), Store.Read(Key(3)));
    }
}
