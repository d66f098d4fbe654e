using System.Buffers.Binary;

namespace Predastore.Shards.Codec;

/// <summary>
/// One row of a coding matrix, expanded to what the kernels read. Immutable, and pinned for its life, so that a kernel may hold
/// a pointer while a reference to the row is alive.
/// <code>
/// entry of one coefficient c, 40 B
///   0   8  the 8 x 8 bit matrix of "times c" in GFNI order: byte 7-i has bit j set if bit i of c * 2^j is set (little-endian)
///   8  16  c * n         for n = 0..15
///  24  16  c * (n &lt;&lt; 4)  for n = 0..15
/// </code>
/// </summary>
internal sealed class CoefficientRow
{
    public const int EntryBytes = 40;
    public const int LowOffset = 8;
    public const int HighOffset = 24;

    private readonly byte[] _entries;

    public CoefficientRow(ReadOnlySpan<byte> coefficients)
    {
        Count = coefficients.Length;
        _entries = GC.AllocateArray<byte>(Count * EntryBytes, pinned: true);
        for (int i = 0; i < Count; i++) Expand(coefficients[i], _entries.AsSpan(i * EntryBytes, EntryBytes));
    }

    /// <summary>Number of coefficients.</summary>
    public int Count { get; }

    /// <summary>First entry; valid while this object is reachable.</summary>
    public unsafe byte* Pointer => (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(
        ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(_entries));

    private static void Expand(byte coefficient, Span<byte> entry)
    {
        ulong matrix = 0;
        for (int j = 0; j < 8; j++)
        {
            byte product = GaloisField.Multiply(coefficient, (byte)(1 << j));
            for (int i = 0; i < 8; i++)
                if ((product >> i & 1) != 0) matrix |= 1UL << (8 * (7 - i) + j);
        }
        BinaryPrimitives.WriteUInt64LittleEndian(entry, matrix);
        for (int n = 0; n < 16; n++)
        {
            entry[LowOffset + n] = GaloisField.Multiply(coefficient, (byte)n);
            entry[HighOffset + n] = GaloisField.Multiply(coefficient, (byte)(n << 4));
        }
    }
}
