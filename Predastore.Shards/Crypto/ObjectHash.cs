using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Predastore.Shards.Crypto;

/// <summary>
/// The 32 bytes that name one write's data in a cluster: SHA-256(cluster id 16 B || write id 8 B, big-endian). Ordered as unsigned
/// big-endian numbers, which is also their order on the ring and in keys.
/// </summary>
public readonly struct ObjectHash : IEquatable<ObjectHash>, IComparable<ObjectHash>
{
    /// <summary>Size in bytes.</summary>
    public const int SizeBytes = 32;

    private readonly Words _words;

    /// <summary>A hash from its 32 bytes.</summary>
    /// <exception cref="ArgumentException">Not 32 bytes.</exception>
    public ObjectHash(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != SizeBytes) throw new ArgumentException($"An object hash has {SizeBytes} bytes.", nameof(bytes));
        for (int i = 0; i < 4; i++) _words[i] = BinaryPrimitives.ReadUInt64BigEndian(bytes[(8 * i)..]);
    }

    /// <summary>The hash of a write.</summary>
    /// <param name="clusterId">Cluster id; its bytes are taken in big-endian order.</param>
    /// <param name="writeId">Session in the upper 32 bits, counter in the lower.</param>
    public static ObjectHash Compute(Guid clusterId, ulong writeId)
    {
        if (Planted.Has(PlantedBug.UnversionedShardKey))
            writeId = (uint)writeId;
        Span<byte> input = stackalloc byte[24];
        clusterId.TryWriteBytes(input, bigEndian: true, out _);
        BinaryPrimitives.WriteUInt64BigEndian(input[16..], writeId);
        Span<byte> hash = stackalloc byte[SizeBytes];
        SHA256.HashData(input, hash);
        return new ObjectHash(hash);
    }

    /// <summary>The lowest hash: 32 zero bytes.</summary>
    public static ObjectHash First => default;

    /// <summary>The highest hash: 32 bytes of 0xFF.</summary>
    public static ObjectHash Last { get; } = new(Enumerable.Repeat((byte)0xFF, SizeBytes).ToArray());

    /// <summary>The first 8 bytes as a big-endian number: the position on the ring.</summary>
    public ulong Prefix => _words[0];

    /// <summary>Writes the 32 bytes.</summary>
    public void CopyTo(Span<byte> destination)
    {
        for (int i = 0; i < 4; i++) BinaryPrimitives.WriteUInt64BigEndian(destination[(8 * i)..], _words[i]);
    }

    /// <summary>The 32 bytes, as a new array.</summary>
    public byte[] ToArray()
    {
        byte[] bytes = new byte[SizeBytes];
        CopyTo(bytes);
        return bytes;
    }

    /// <inheritdoc/>
    public bool Equals(ObjectHash other) => ((ReadOnlySpan<ulong>)_words).SequenceEqual(other._words);

    /// <inheritdoc/>
    public int CompareTo(ObjectHash other) => ((ReadOnlySpan<ulong>)_words).SequenceCompareTo(other._words);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ObjectHash other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _words[0].GetHashCode();

    /// <summary>64 lower-case hexadecimal digits.</summary>
    public override string ToString() => Convert.ToHexStringLower(ToArray());

    /// <summary>Equality.</summary>
    public static bool operator ==(ObjectHash a, ObjectHash b) => a.Equals(b);

    /// <summary>Inequality.</summary>
    public static bool operator !=(ObjectHash a, ObjectHash b) => !a.Equals(b);

    /// <summary>Order.</summary>
    public static bool operator <(ObjectHash a, ObjectHash b) => a.CompareTo(b) < 0;

    /// <summary>Order.</summary>
    public static bool operator >(ObjectHash a, ObjectHash b) => a.CompareTo(b) > 0;

    /// <summary>Order.</summary>
    public static bool operator <=(ObjectHash a, ObjectHash b) => a.CompareTo(b) <= 0;

    /// <summary>Order.</summary>
    public static bool operator >=(ObjectHash a, ObjectHash b) => a.CompareTo(b) >= 0;

    [InlineArray(4)]
    private struct Words
    {
        private ulong _first;
    }
}
