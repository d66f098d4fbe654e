using System.Buffers.Binary;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;

namespace Predastore.Shards.Segments;

/// <summary>Where one extent stands.</summary>
/// <param name="Segment">Segment number.</param>
/// <param name="Offset">Of its header in the file, a multiple of 512.</param>
/// <param name="Length">Sealed bytes, which follow the header.</param>
public readonly record struct ExtentLocation(uint Segment, long Offset, long Length)
{
    /// <summary>Bytes of file it takes.</summary>
    public long Footprint => ExtentHeader.Footprint(Length);
}

/// <summary>
/// The index of a store: what it holds is what is readable. Keys begin with one byte that names the kind of row.
/// <code>
/// store row    key   01
///              value schema version 4 (1), cluster id 16, storage id 4, disk uuid 16
/// shard row    key   02, objectHash 32, shardIndex 4, attempt id 16
///              value format 4 (1), write id 8, K 2, M 2, shard length 8, digest 16, commit sequence 8, parts 4,
///                    then for every part: segment 4, offset 8, length 8
/// extent row   key   03, segment 4, offset 8
///              value objectHash 32, shardIndex 4, attempt id 16, part 4
/// </code>
/// All big-endian. An extent row names the shard row that owns the extent: it is how compaction finds what lives in a segment.
/// </summary>
/// <param name="Shard">Key, attempt and description.</param>
/// <param name="CommitSequence">Order of commits in this store; of two attempts the higher is the newer.</param>
/// <param name="Extents">Its extents, in the order of their bytes.</param>
public sealed record IndexRow(ShardRow Shard, ulong CommitSequence, IReadOnlyList<ExtentLocation> Extents)
{
    /// <summary>Schema written into the store row.</summary>
    public const uint Schema = 1;

    /// <summary>Format written into shard rows.</summary>
    public const uint Format = 1;

    internal const byte StorePrefix = 1;
    internal const byte ShardPrefix = 2;
    internal const byte ExtentPrefix = 3;
    internal const int ShardKeyBytes = 1 + ObjectHash.SizeBytes + 4 + 16;
    internal const int ExtentKeyBytes = 1 + 4 + 8;

    private const int FixedBytes = 52;
    private const int PartBytes = 20;

    /// <summary>Key of the shard row.</summary>
    public static byte[] Key(ShardKey shard, Guid attemptId)
    {
        var key = new byte[ShardKeyBytes];
        KeyPrefix(shard).CopyTo(key, 0);
        attemptId.TryWriteBytes(key.AsSpan(37), bigEndian: true, out _);
        return key;
    }

    /// <summary>What the keys of all attempts of a shard begin with.</summary>
    public static byte[] KeyPrefix(ShardKey shard)
    {
        var key = new byte[ShardKeyBytes - 16];
        key[0] = ShardPrefix;
        shard.ObjectHash.CopyTo(key.AsSpan(1));
        BinaryPrimitives.WriteUInt32BigEndian(key.AsSpan(33), shard.ShardIndex);
        return key;
    }

    /// <summary>Key of an extent row.</summary>
    public static byte[] ExtentKey(uint segment, long offset)
    {
        var key = new byte[ExtentKeyBytes];
        key[0] = ExtentPrefix;
        BinaryPrimitives.WriteUInt32BigEndian(key.AsSpan(1), segment);
        BinaryPrimitives.WriteInt64BigEndian(key.AsSpan(5), offset);
        return key;
    }

    /// <summary>Value of the extent row of part <paramref name="part"/>.</summary>
    public byte[] ExtentValue(int part)
    {
        var value = new byte[56];
        Key(Shard.Key, Shard.AttemptId).AsSpan(1).CopyTo(value);
        BinaryPrimitives.WriteUInt32BigEndian(value.AsSpan(52), (uint)part);
        return value;
    }

    /// <summary>Reads an extent row: its offset, and the key of the shard row that owns it.</summary>
    internal static (long Offset, byte[] ShardKey) DecodeExtent(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (key.Length != ExtentKeyBytes || value.Length != 56)
            throw new InvalidDataException("an extent row of the index has a wrong length");
        var shardKey = new byte[ShardKeyBytes];
        shardKey[0] = ShardPrefix;
        value[..52].CopyTo(shardKey.AsSpan(1));
        return (BinaryPrimitives.ReadInt64BigEndian(key[5..]), shardKey);
    }

    /// <summary>Value of the shard row.</summary>
    public byte[] Value()
    {
        var value = new byte[FixedBytes + (PartBytes * Extents.Count)];
        var span = value.AsSpan();
        BinaryPrimitives.WriteUInt32BigEndian(span, Format);
        BinaryPrimitives.WriteUInt64BigEndian(span[4..], Shard.WriteId);
        BinaryPrimitives.WriteUInt16BigEndian(span[12..], Shard.K);
        BinaryPrimitives.WriteUInt16BigEndian(span[14..], Shard.M);
        BinaryPrimitives.WriteInt64BigEndian(span[16..], Shard.Length);
        BinaryPrimitives.WriteUInt128BigEndian(span[24..], Shard.Digest);
        BinaryPrimitives.WriteUInt64BigEndian(span[40..], CommitSequence);
        BinaryPrimitives.WriteUInt32BigEndian(span[48..], (uint)Extents.Count);
        for (var i = 0; i < Extents.Count; i++)
        {
            var part = span[(FixedBytes + (PartBytes * i))..];
            BinaryPrimitives.WriteUInt32BigEndian(part, Extents[i].Segment);
            BinaryPrimitives.WriteInt64BigEndian(part[4..], Extents[i].Offset);
            BinaryPrimitives.WriteInt64BigEndian(part[12..], Extents[i].Length);
        }
        return value;
    }

    /// <summary>Reads a shard row.</summary>
    /// <exception cref="InvalidDataException">It contradicts itself or is of a newer format.</exception>
    public static IndexRow Decode(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (key.Length != ShardKeyBytes || key[0] != ShardPrefix || value.Length < FixedBytes)
            throw new InvalidDataException("a shard row of the index has a wrong length");
        if (BinaryPrimitives.ReadUInt32BigEndian(value) is var format && format != Format)
            throw new InvalidDataException($"a shard row of the index has format {format}, this program knows {Format}");
        var count = BinaryPrimitives.ReadUInt32BigEndian(value[48..]);
        if (value.Length != FixedBytes + (PartBytes * (long)count))
            throw new InvalidDataException("a shard row of the index has a wrong number of parts");
        var extents = new ExtentLocation[count];
        for (var i = 0; i < extents.Length; i++)
        {
            var part = value[(FixedBytes + (PartBytes * i))..];
            extents[i] = new ExtentLocation(
                BinaryPrimitives.ReadUInt32BigEndian(part),
                BinaryPrimitives.ReadInt64BigEndian(part[4..]),
                BinaryPrimitives.ReadInt64BigEndian(part[12..]));
        }
        var shard = new ShardRow(
            new ShardKey(new ObjectHash(key.Slice(1, ObjectHash.SizeBytes)), BinaryPrimitives.ReadUInt32BigEndian(key[33..])),
            new Guid(key.Slice(37, 16), bigEndian: true),
            BinaryPrimitives.ReadUInt64BigEndian(value[4..]),
            BinaryPrimitives.ReadUInt16BigEndian(value[12..]),
            BinaryPrimitives.ReadUInt16BigEndian(value[14..]),
            BinaryPrimitives.ReadInt64BigEndian(value[16..]),
            BinaryPrimitives.ReadUInt128BigEndian(value[24..]));
        return new IndexRow(shard, BinaryPrimitives.ReadUInt64BigEndian(value[40..]), extents);
    }
}
