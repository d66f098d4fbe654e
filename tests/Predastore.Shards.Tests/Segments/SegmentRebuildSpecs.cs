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

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(2)]
    public async Task Rebuild_should_leave_out_only_what_stands_in_a_block_that_cannot_be_read(int bad)
    {
        for (var i = 0; i < 5; i++)
            await Store.PutAsync(Key(i), Content(i, 900));
        var block = bad < 0 ? 0 : Location(Key(bad)).Offset;
        Assert.All(Enumerable.Range(0, 5), i => Assert.Equal(1u, Location(Key(i)).Segment));
        Store.Dispose();
        var disk = new FaultDisk(Disk)
        {
            Corrupt = (_, offset, bytes) =>
            {
                if (offset <= block && block < offset + bytes.Length)
                    throw new IOException("EIO");
            },
        };
        Assert.Equal(new RebuildReport(bad < 0 ? 5 : 4, 0, 0, 1), SegmentStore.RebuildIndex(disk, Databases, Tiny("/d")));
        Store = Open();
        for (var i = 0; i < 5; i++)
            Assert.Equal(i == bad ? null : Content(i, 900), Store.Read(Key(i)));
    }

    [Fact]
    public async Task Power_loss_while_the_index_is_deleted_should_lose_nothing()
    {
        using var folder = new TemporaryFolder();
        var files = new FaultDisk(new FileDisk());
        var databases = new RocksKvFactory(files);
        var options = Tiny(folder.Path);
        for (var i = 0; i < 2; i++)
        {
            // Opening writes out what the log of the run before holds; only the last shard's row is in the log alone.
            using var store = SegmentStore.Open(files, databases, options);
            await store.PutAsync(Key(i), Content(i, 900));
        }
        files.Fault = call =>
        {
            if (call.Kind != DiskCallKind.Delete || !Directory.Exists(call.Path))
                return null;
            foreach (var log in Directory.EnumerateFiles(call.Path, "*.log"))
                File.Delete(log);
            return new SimulatedCrashException(call.Index);
        };
        Assert.Throws<SimulatedCrashException>(() => SegmentStore.RebuildIndex(files, databases, options));
        files.Fault = null;
        Assert.Throws<IndexLostException>(() => SegmentStore.Open(files, databases, options));
        Assert.Equal(2, SegmentStore.RebuildIndex(files, databases, options).Shards);
        using var rebuilt = SegmentStore.Open(files, databases, options);
        for (var i = 0; i < 2; i++)
            Assert.Equal(Content(i, 900), rebuilt.Read(Key(i)));
    }
}
