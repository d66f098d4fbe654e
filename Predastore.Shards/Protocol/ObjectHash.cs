using System.Buffers.Binary;

namespace Predastore.Shards.Protocol;

/// <summary>
/// What names one write's data for ever: SHA-256 over cluster id and write id, 32 bytes. Ordered as its bytes are, so that a
/// range of hashes is a range of keys.
/// </summary>
public readonly struct ObjectHash : IEquatable<ObjectHash>, IComparable<ObjectHash>
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 32;

    private readonly UInt128 _high;
    private readonly UInt128 _low;

    /// <summary>Takes exactly 32 bytes.</summary>
    /// <exception cref="ArgumentException">Any other length.</exception>
    public ObjectHash(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size) throw new ArgumentException($"an object hash has {Size} bytes, not {bytes.Length}", nameof(bytes));
        _high = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        _low = BinaryPrimitives.ReadUInt128BigEndian(bytes[16..]);
    }

    private ObjectHash(UInt128 high, UInt128 low)
    {
        _high = high;
        _low = low;
    }

    /// <summary>The first hash: 32 zero bytes.</summary>
    public static ObjectHash First => default;

    /// <summary>The last hash: 32 bytes of 0xFF.</summary>
    public static ObjectHash Last => new(UInt128.MaxValue, UInt128.MaxValue);

    /// <summary>Writes the 32 bytes to the start of <paramref name="target"/>.</summary>
    public void CopyTo(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt128BigEndian(target, _high);
        BinaryPrimitives.WriteUInt128BigEndian(target[16..], _low);
    }

    /// <summary>The 32 bytes in an array of their own.</summary>
    public byte[] ToArray()
    {
        byte[] bytes = new byte[Size];
        CopyTo(bytes);
        return bytes;
    }

    /// <inheritdoc/>
    public int CompareTo(ObjectHash other)
    {
        int high = _high.CompareTo(other._high);
        return high != 0 ? high : _low.CompareTo(other._low);
    }

    /// <inheritdoc/>
    public bool Equals(ObjectHash other) => _high == other._high && _low == other._low;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ObjectHash other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _low.GetHashCode();

    /// <summary>64 hexadecimal digits, lower case.</summary>
    public override string ToString() => Convert.ToHexStringLower(ToArray());

    /// <summary>Equality of all bytes.</summary>
    public static bool operator ==(ObjectHash left, ObjectHash right) => left.Equals(right);

    /// <summary>Inequality of any byte.</summary>
    public static bool operator !=(ObjectHash left, ObjectHash right) => !left.Equals(right);

    /// <summary>Byte order.</summary>
    public static bool operator <(ObjectHash left, ObjectHash right) => left.CompareTo(right) < 0;

    /// <summary>Byte order.</summary>
    public static bool operator >(ObjectHash left, ObjectHash right) => left.CompareTo(right) > 0;

    /// <summary>Byte order.</summary>
    public static bool operator <=(ObjectHash left, ObjectHash right) => left.CompareTo(right) <= 0;

    /// <summary>Byte order.</summary>
    public static bool operator >=(ObjectHash left, ObjectHash right) => left.CompareTo(right) >= 0;
}
