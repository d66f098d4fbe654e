using System.Buffers.Binary;
using System.Security.Cryptography;
using Predastore.Shards.Crypto;
using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;

namespace Predastore.Shards.Tests.Segments;

/// <summary>Short ways to write and read shards in tests; content follows from its seed.</summary>
internal static class StoreFixture
{
    public static readonly Guid Cluster = new("00112233-4455-6677-8899-aabbccddeeff");
    public static readonly Guid Uuid = new("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0");

    /// <summary>Limits small enough that a few kilobytes cross all of them.</summary>
    public static SegmentStoreOptions Tiny(string directory) => new(directory, Cluster, 7, Uuid)
    {
        ExtentBytesMax = 4096,
        SegmentBytesMax = 16384,
        FirstStepBytes = 1024,
        StepBytesMax = 2048,
        PreallocateBytes = 2048,
        PunchBytesMin = 512,
        LowSpacePercent = 0,
        FullSpacePercent = 0,
    };

    public static ObjectHash Hash(int number)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        return new ObjectHash(SHA256.HashData(bytes));
    }

    public static ShardKey Key(int number, uint shard = 0) => new(Hash(number), shard);

    public static byte[] Content(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static UInt128 Digest(ReadOnlySpan<byte> content) => BinaryPrimitives.ReadUInt128BigEndian(SHA256.HashData(content));

    public static ExtentRequest Request(ShardKey key, long hint = -1) => new(key, 0x0000000500000009, Guid.NewGuid(), 2, 1, hint);

    public static async Task<ExtentWriter> WriteAsync(
        this SegmentStore store, ShardKey key, byte[] content, bool hint = true, int piece = 700)
    {
        var writer = store.Reserve(Request(key, hint ? content.Length : -1));
        try
        {
            for (var at = 0; at < content.Length; at += piece)
                await writer.WriteAsync(content.AsMemory(at, Math.Min(piece, content.Length - at)));
            writer.Complete();
            return writer;
        }
        catch
        {
            writer.Abort();
            throw;
        }
    }

    public static CommitResult Commit(this SegmentStore store, ExtentWriter writer, byte[] content) =>
        store.Commit([new CommitRequest(writer.Id, content.Length, Digest(content))])[0];

    public static async Task<CommitResult> PutAsync(this SegmentStore store, ShardKey key, byte[] content, bool hint = true) =>
        store.Commit(await store.WriteAsync(key, content, hint), content);

    public static DeleteOutcome Delete(this SegmentStore store, ShardKey key, Guid? attempt = null) =>
        store.Delete([new ShardToDelete(key, attempt)])[0];

    public static byte[]? Read(this SegmentStore store, ShardKey key, Guid? attempt = null)
    {
        using var reader = store.TryOpenRead(key, attempt);
        if (reader is null)
            return null;
        var bytes = new byte[reader.Length];
        return bytes[..reader.Read(0, bytes)];
    }
}
