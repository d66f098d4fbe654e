using System.Buffers.Binary;
using Predastore.Shards.Crypto;
using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;

namespace Predastore.Shards.Segments;

/// <summary>
/// What stands before the sealed bytes of every extent, so that a lost index can be rebuilt by walking the segments. It starts
/// at a multiple of 512 bytes in the file; the sealed bytes follow it at once. It is written when the shard is committed.
/// <code>
/// offset size  field (big-endian)
///      0    4  magic "PEXT"
///      4    4  format, 1
///      8   32  objectHash
///     40    8  write id
///     48   16  attempt id
///     64    4  shardIndex
///     68    2  K
///     70    2  M
///     72    4  part: number of this extent in its shard, from 0
///     76    4  parts: extents of the shard
///     80    8  length: sealed bytes in this extent
///     88    8  shard length: sealed bytes in all its extents
///     96   16  digest of the shard
///    112    8  commit sequence of the store, rising
///    120    4  reserved, 0
///    124    4  CRC32C of bytes 0..123
/// </code>
/// </summary>
/// <param name="Shard">What the index says of the shard.</param>
/// <param name="Part">Number of this extent in its shard, from 0.</param>
/// <param name="Parts">Extents of the shard.</param>
/// <param name="Length">Sealed bytes in this extent.</param>
/// <param name="CommitSequence">Order of commits in this store.</param>
public readonly record struct ExtentHeader(ShardRow Shard, uint Part, uint Parts, long Length, ulong CommitSequence)
{
    /// <summary>Size in bytes.</summary>
    public const int Bytes = 128;

    /// <summary>Extents start at multiples of this, in bytes.</summary>
    public const int Alignment = 512;

    /// <summary>Format written.</summary>
    public const uint Format = 1;

    private const int CheckedBytes = 124;

    private static ReadOnlySpan<byte> Magic => "PEXT"u8;

    /// <summary>Bytes of file that an extent with <paramref name="length"/> sealed bytes takes.</summary>
    public static long Footprint(long length) => (Bytes + length + Alignment - 1) / Alignment * Alignment;

    /// <summary>Writes <see cref="Bytes"/> bytes.</summary>
    public void Encode(Span<byte> span)
    {
        span = span[..Bytes];
        span.Clear();
        Magic.CopyTo(span);
        BinaryPrimitives.WriteUInt32BigEndian(span[4..], Format);
        Shard.Key.ObjectHash.CopyTo(span[8..]);
        BinaryPrimitives.WriteUInt64BigEndian(span[40..], Shard.WriteId);
        Shard.AttemptId.TryWriteBytes(span[48..], bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32BigEndian(span[64..], Shard.Key.ShardIndex);
        BinaryPrimitives.WriteUInt16BigEndian(span[68..], Shard.K);
        BinaryPrimitives.WriteUInt16BigEndian(span[70..], Shard.M);
        BinaryPrimitives.WriteUInt32BigEndian(span[72..], Part);
        BinaryPrimitives.WriteUInt32BigEndian(span[76..], Parts);
        BinaryPrimitives.WriteInt64BigEndian(span[80..], Length);
        BinaryPrimitives.WriteInt64BigEndian(span[88..], Shard.Length);
        BinaryPrimitives.WriteUInt128BigEndian(span[96..], Shard.Digest);
        BinaryPrimitives.WriteUInt64BigEndian(span[112..], CommitSequence);
        BinaryPrimitives.WriteUInt32BigEndian(span[124..], Crc32C.Of(span[..CheckedBytes]));
    }

    /// <summary>Reads a header; false where none stands, or a torn or damaged one.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out ExtentHeader header)
    {
        header = default;
        if (bytes.Length < Bytes
            || !bytes[..4].SequenceEqual(Magic)
            || BinaryPrimitives.ReadUInt32BigEndian(bytes[124..]) != Crc32C.Of(bytes[..CheckedBytes])
            || BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]) != Format)
        {
            return false;
        }
        var shard = new ShardRow(
            new ShardKey(new ObjectHash(bytes.Slice(8, ObjectHash.SizeBytes)), BinaryPrimitives.ReadUInt32BigEndian(bytes[64..])),
            new Guid(bytes.Slice(48, 16), bigEndian: true),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[40..]),
            BinaryPrimitives.ReadUInt16BigEndian(bytes[68..]),
            BinaryPrimitives.ReadUInt16BigEndian(bytes[70..]),
            BinaryPrimitives.ReadInt64BigEndian(bytes[88..]),
            BinaryPrimitives.ReadUInt128BigEndian(bytes[96..]));
        header = new ExtentHeader(
            shard,
            BinaryPrimitives.ReadUInt32BigEndian(bytes[72..]),
            BinaryPrimitives.ReadUInt32BigEndian(bytes[76..]),
            BinaryPrimitives.ReadInt64BigEndian(bytes[80..]),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[112..]));
        return header.Length >= 0 && header.Length <= shard.Length && header.Part < header.Parts;
    }
}
