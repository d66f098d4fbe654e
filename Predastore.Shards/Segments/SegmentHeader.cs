using System.Buffers.Binary;
using Predastore.Shards.Disk;

namespace Predastore.Shards.Segments;

/// <summary>
/// The first block of a segment file.
/// <code>
/// offset size  field (big-endian)
///      0    8  magic "PREDASEG"
///      8    4  format, 1
///     12   16  cluster id
///     28    4  storage id
///     32   16  disk uuid
///     48    4  segment number
///     52    4  CRC32C of bytes 0..51
///     56  456  zeros
/// </code>
/// </summary>
/// <param name="ClusterId">The cluster.</param>
/// <param name="StorageId">The disk's storage id.</param>
/// <param name="DiskUuid">The very disk.</param>
/// <param name="Number">Segment number, which also names the file.</param>
public readonly record struct SegmentHeader(Guid ClusterId, uint StorageId, Guid DiskUuid, uint Number)
{
    /// <summary>Size of the block in bytes; the first extent follows it.</summary>
    public const int Bytes = 512;

    /// <summary>Format written.</summary>
    public const uint Format = 1;

    private const int CheckedBytes = 52;

    private static ReadOnlySpan<byte> Magic => "PREDASEG"u8;

    /// <summary>The block's bytes.</summary>
    public byte[] Encode()
    {
        var bytes = new byte[Bytes];
        var span = bytes.AsSpan();
        Magic.CopyTo(span);
        BinaryPrimitives.WriteUInt32BigEndian(span[8..], Format);
        ClusterId.TryWriteBytes(span[12..], bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32BigEndian(span[28..], StorageId);
        DiskUuid.TryWriteBytes(span[32..], bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32BigEndian(span[48..], Number);
        BinaryPrimitives.WriteUInt32BigEndian(span[52..], Crc32C.Of(span[..CheckedBytes]));
        return bytes;
    }

    /// <summary>Reads a block; false if it is torn, damaged or of another format.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out SegmentHeader header)
    {
        header = default;
        if (bytes.Length < CheckedBytes + sizeof(uint)
            || !bytes[..8].SequenceEqual(Magic)
            || BinaryPrimitives.ReadUInt32BigEndian(bytes[52..]) != Crc32C.Of(bytes[..CheckedBytes])
            || BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]) != Format)
        {
            return false;
        }
        header = new SegmentHeader(
            new Guid(bytes.Slice(12, 16), bigEndian: true),
            BinaryPrimitives.ReadUInt32BigEndian(bytes[28..]),
            new Guid(bytes.Slice(32, 16), bigEndian: true),
            BinaryPrimitives.ReadUInt32BigEndian(bytes[48..]));
        return true;
    }
}
