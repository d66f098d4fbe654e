using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;
using Predastore.Testing.Disk;
using static Predastore.Shards.Tests.Segments.StoreFixture;

namespace Predastore.Shards.Tests.Segments;

/// <summary>A store with tiny segments on the modelled disk.</summary>
public abstract class ModelledStore
{
    protected ModelledStore() => Store = Open();

    protected MemoryDisk Disk { get; } = new();

    protected MemoryKvFactory Databases { get; } = new();

    protected SegmentStore Store { get; set; }

    protected SegmentStore Open(Func<SegmentStoreOptions, SegmentStoreOptions>? change = null) =>
        SegmentStore.Open(Disk, Databases, (change ?? (o => o))(Tiny("/d")));

    protected void Reopen()
    {
        Store.Dispose();
        Store = Open();
    }

    protected IReadOnlyList<string> Files() => Disk.List("/d/segments");

    protected ExtentLocation Location(ShardKey key)
    {
        using var reader = Store.TryOpenRead(key)!;
        return reader.Row.Extents[0];
    }

    protected long CompactAll(IExtentVerifier? verifier = null)
    {
        long copied = 0;
        for (var i = 0; i < 1000; i++)
        {
            var step = Store.CompactStep(3000, verifier);
            copied += step.CopiedBytes;
            if (!step.More)
                return copied;
        }
        throw new InvalidOperationException("compaction does not end");
    }

    /// <summary>Finds a shard good if its digest is right.</summary>
    protected sealed class ByDigest : IExtentVerifier
    {
        public ExtentVerdict Verify(ShardRow shard, ShardReader reader)
        {
            var bytes = new byte[reader.Length];
            reader.Read(0, bytes);
            return Digest(bytes) == shard.Digest ? ExtentVerdict.Whole : ExtentVerdict.Damaged;
        }
    }
}
