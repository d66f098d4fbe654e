using System.Buffers.Binary;

namespace Predastore.Shards.Codec;

/// <summary>
/// An incremental CRC. A mutable struct: pass it by reference. Not thread-safe. <c>default</c> is not usable; start with
/// <see cref="Start"/>.
/// </summary>
public struct Crc
{
    private ulong _register;

    private Crc(CrcKind kind) => (Kind, _register) = (kind, CrcPolynomial.Of(kind).Ones);

    /// <summary>Which one.</summary>
    public CrcKind Kind { get; }

    /// <summary>The checksum of all bytes so far; a 32-bit one is in the lower half. S3 shows it big-endian.</summary>
    public readonly ulong Value => _register ^ CrcPolynomial.Of(Kind).Ones;

    /// <summary>A checksum of no bytes.</summary>
    public static Crc Start(CrcKind kind) => new(kind);

    /// <summary>Adds bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes) => _register = CrcPolynomial.Of(Kind).Append(_register, bytes);
}

/// <summary>CRC32, CRC32C and CRC64NVME: of a span, of a stream, and of two pieces whose checksums are known.</summary>
public static class Checksums
{
    /// <summary>The checksum of some bytes.</summary>
    public static ulong Compute(CrcKind kind, ReadOnlySpan<byte> bytes)
    {
        Crc crc = Crc.Start(kind);
        crc.Append(bytes);
        return crc.Value;
    }

    /// <summary>
    /// The checksum of A followed by B, without their bytes: multiplies A's by x^(8 length of B). So a multipart upload has a
    /// full-object checksum without reading its parts again.
    /// </summary>
    /// <param name="kind">Which one.</param>
    /// <param name="crcA">Checksum of A.</param>
    /// <param name="crcB">Checksum of B.</param>
    /// <param name="lengthB">Length of B in bytes.</param>
    public static ulong Combine(CrcKind kind, ulong crcA, ulong crcB, long lengthB)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lengthB);
        return CrcPolynomial.Of(kind).AppendZeros(crcA, lengthB) ^ crcB;
    }

    /// <summary>Size of a checksum in bytes: 4 or 8.</summary>
    public static int SizeBytes(CrcKind kind) => CrcPolynomial.Of(kind).Width / 8;

    /// <summary>Writes a checksum big-endian, as S3 encodes it in base64, and returns its size.</summary>
    public static int Write(CrcKind kind, ulong value, Span<byte> destination)
    {
        int size = SizeBytes(kind);
        if (size == 8) BinaryPrimitives.WriteUInt64BigEndian(destination, value);
        else BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)value);
        return size;
    }
}
