using System.Buffers.Binary;
using Predastore.Shards.Striping;

namespace Predastore.Shards.Crypto;

/// <summary>
/// The bytes of a fragment, the unit that is sealed by AES-256-GCM. All numbers big-endian, all sizes in bytes.
/// <code>
/// fragment, 8240 B; only the last one of a shard is shorter
///    0     8  fragNum     number in the shard, from 0
///    8     8  shardNum    the write id
///   16     4  format      1
///   20     4  size        of the body
///   24     4  flags       bit 0: end of shard
///   28     4  reserved    0
///   32  size  body        ciphertext; fragment i holds shard bytes [8192 i, 8192 i + size)
///  +size  16  tag
///
/// additional data, 52 B                nonce, 12 B
///    0    32  objectHash                  0  4  shardIndex
///   32     4  shardIndex                  4  8  fragNum
///   36     8  shardNum
///   44     8  fragNum
/// </code>
/// shardIndex is 0..K+M-1, or <see cref="InlineShardIndex"/> for data that lies in the metadata. Size and flags are not in the
/// additional data: a reader compares all 32 header bytes with those it expects before it opens.
/// </summary>
public static class FragmentLayout
{
    /// <summary>Size of the header.</summary>
    public const int HeaderBytes = 32;

    /// <summary>Size of a full body.</summary>
    public const int BodyBytesMax = 8192;

    /// <summary>Size of the tag.</summary>
    public const int TagBytes = 16;

    /// <summary>Header and tag together.</summary>
    public const int OverheadBytes = HeaderBytes + TagBytes;

    /// <summary>Size of a full fragment.</summary>
    public const int FragmentBytesMax = OverheadBytes + BodyBytesMax;

    /// <summary>Size of the additional data.</summary>
    public const int AadBytes = 52;

    /// <summary>Size of the nonce.</summary>
    public const int NonceBytes = 12;

    /// <summary>Format number in the header.</summary>
    public const uint Format = 1;

    /// <summary>Flag of a shard's last fragment.</summary>
    public const uint FlagEndOfShard = 1;

    /// <summary>The shard index of inline data.</summary>
    public const uint InlineShardIndex = 0xFFFF_FFFF;

    /// <summary>Number of fragments of a shard of <paramref name="shardBytes"/> body bytes; 0 for an empty shard.</summary>
    public static long FragmentCount(long shardBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(shardBytes);
        return shardBytes / BodyBytesMax + (shardBytes % BodyBytesMax == 0 ? 0 : 1);
    }

    /// <summary>Size on disk of a shard of <paramref name="shardBytes"/> body bytes.</summary>
    public static long SealedBytes(long shardBytes) => shardBytes + FragmentCount(shardBytes) * OverheadBytes;

    /// <summary>Body bytes of a shard of <paramref name="sealedBytes"/> on disk; false if no shard has that size.</summary>
    public static bool TryShardBytes(long sealedBytes, out long shardBytes)
    {
        long rest = sealedBytes % FragmentBytesMax;
        bool valid = sealedBytes >= 0 && (rest == 0 || rest > OverheadBytes);
        shardBytes = valid ? sealedBytes / FragmentBytesMax * BodyBytesMax + (rest == 0 ? 0 : rest - OverheadBytes) : 0;
        return valid;
    }

    /// <summary>Offset of a fragment in its sealed shard.</summary>
    public static long OffsetOf(long fragment)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(fragment);
        return fragment * FragmentBytesMax;
    }

    /// <summary>Body size of a fragment of a shard of <paramref name="shardBytes"/>.</summary>
    public static int BodySize(long shardBytes, long fragment)
    {
        if ((ulong)fragment >= (ulong)FragmentCount(shardBytes))
            throw new ArgumentOutOfRangeException(nameof(fragment), fragment, $"A shard of {shardBytes} bytes has fewer fragments.");
        return (int)Math.Min(BodyBytesMax, shardBytes - fragment * BodyBytesMax);
    }

    /// <summary>True for the last fragment of a shard of <paramref name="shardBytes"/>.</summary>
    public static bool IsEnd(long shardBytes, long fragment) => fragment == FragmentCount(shardBytes) - 1;

    /// <summary>The fragments that hold shard bytes [offset, offset + length).</summary>
    public static IndexRange FragmentsOf(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        long first = offset / BodyBytesMax;
        return new IndexRange(first, length == 0 ? 0 : (offset + length - 1) / BodyBytesMax - first + 1);
    }

    /// <summary>Where fragments lie in a sealed shard of <paramref name="shardBytes"/>: offset and size in bytes.</summary>
    public static (long Offset, long Length) SealedRange(long shardBytes, IndexRange fragments)
    {
        if (fragments.Count == 0) return (OffsetOf(fragments.First), 0);
        int last = OverheadBytes + BodySize(shardBytes, fragments.End - 1);
        return (OffsetOf(fragments.First), (fragments.Count - 1) * FragmentBytesMax + last);
    }

    internal static void WriteHeader(Span<byte> header, ulong fragNum, ulong shardNum, int size, bool end)
    {
        BinaryPrimitives.WriteUInt64BigEndian(header, fragNum);
        BinaryPrimitives.WriteUInt64BigEndian(header[8..], shardNum);
        BinaryPrimitives.WriteUInt32BigEndian(header[16..], Format);
        BinaryPrimitives.WriteInt32BigEndian(header[20..], size);
        BinaryPrimitives.WriteUInt32BigEndian(header[24..], end ? FlagEndOfShard : 0);
        BinaryPrimitives.WriteUInt32BigEndian(header[28..], 0);
    }

    internal static void WriteAad(Span<byte> aad, in ObjectHash objectHash, uint shardIndex, ulong shardNum, ulong fragNum)
    {
        objectHash.CopyTo(aad);
        BinaryPrimitives.WriteUInt32BigEndian(aad[32..], shardIndex);
        BinaryPrimitives.WriteUInt64BigEndian(aad[36..], shardNum);
        BinaryPrimitives.WriteUInt64BigEndian(aad[44..], fragNum);
    }

    internal static void WriteNonce(Span<byte> nonce, uint shardIndex, ulong fragNum)
    {
        BinaryPrimitives.WriteUInt32BigEndian(nonce, shardIndex);
        BinaryPrimitives.WriteUInt64BigEndian(nonce[4..], fragNum);
    }
}
