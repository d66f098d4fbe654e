using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Predastore.Shards.Codec;

/// <summary>
/// One reflected CRC of 32 or 64 bits. A register holds the remainder with the coefficient of the highest power in bit 0, as the
/// reflected algorithms have it; a 32-bit one uses the lower half. Immutable, safe from any thread.
/// </summary>
internal sealed class CrcPolynomial
{
    private const int FoldBytesMin = 128;

    private readonly int _width;
    private readonly ulong _polynomial;
    private readonly ulong[] _tables = new ulong[8 * 256];
    private readonly Vector128<ulong> _fold512;
    private readonly Vector128<ulong> _fold128;

    /// <summary>Prepares tables and folding constants.</summary>
    /// <param name="width">32 or 64.</param>
    /// <param name="reflected">The polynomial, highest power left out, coefficient of x^(width-1) in bit 0.</param>
    private CrcPolynomial(int width, ulong reflected)
    {
        (_width, _polynomial) = (width, reflected);
        for (int n = 0; n < 256; n++)
        {
            ulong register = (ulong)n;
            for (int bit = 0; bit < 8; bit++) register = (register & 1) != 0 ? register >> 1 ^ reflected : register >> 1;
            _tables[n] = register;
        }
        for (int t = 1; t < 8; t++)
            for (int n = 0; n < 256; n++)
                _tables[t * 256 + n] = _tables[(t - 1) * 256 + n] >> 8 ^ _tables[_tables[(t - 1) * 256 + n] & 0xFF];
        _fold512 = FoldConstants(512);
        _fold128 = FoldConstants(128);
    }

    public static CrcPolynomial Crc32 { get; } = new(32, 0xEDB88320);

    public static CrcPolynomial Crc32C { get; } = new(32, 0x82F63B78);

    public static CrcPolynomial Crc64Nvme { get; } = new(64, 0x9A6C9329AC4BC9B5);

    public static CrcPolynomial Of(CrcKind kind) => kind switch
    {
        CrcKind.Crc32 => Crc32,
        CrcKind.Crc32C => Crc32C,
        CrcKind.Crc64Nvme => Crc64Nvme,
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>32 or 64.</summary>
    public int Width => _width;

    /// <summary>All ones: the register before the first byte, and what the last one is inverted with.</summary>
    public ulong Ones => ulong.MaxValue >>> (64 - _width);

    /// <summary>The register after more bytes, by the fastest means of this CPU.</summary>
    public ulong Append(ulong register, ReadOnlySpan<byte> bytes)
    {
        if (Pclmulqdq.IsSupported && bytes.Length >= FoldBytesMin)
        {
            int folded = bytes.Length & ~15;
            register = AppendFolded(register, bytes[..folded]);
            bytes = bytes[folded..];
        }
        return AppendScalar(register, bytes);
    }

    /// <summary>The register after more bytes, eight at a time by tables: the twin that runs everywhere.</summary>
    public ulong AppendScalar(ulong register, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<ulong> t = _tables;
        while (bytes.Length >= 8)
        {
            ulong x = register ^ System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            register = t[7 * 256 + (int)(x & 0xFF)] ^ t[6 * 256 + (int)(x >> 8 & 0xFF)] ^ t[5 * 256 + (int)(x >> 16 & 0xFF)]
                ^ t[4 * 256 + (int)(x >> 24 & 0xFF)] ^ t[3 * 256 + (int)(x >> 32 & 0xFF)] ^ t[2 * 256 + (int)(x >> 40 & 0xFF)]
                ^ t[1 * 256 + (int)(x >> 48 & 0xFF)] ^ t[(int)(x >> 56)];
            bytes = bytes[8..];
        }
        foreach (byte b in bytes) register = register >> 8 ^ t[(int)((register ^ b) & 0xFF)];
        return register;
    }

    /// <summary>The register after <paramref name="length"/> zero bytes: multiplication by x^(8 length).</summary>
    public ulong AppendZeros(ulong register, long length)
    {
        ulong factor = Power(8);
        for (ulong left = (ulong)length; left > 0; left >>= 1)
        {
            if ((left & 1) != 0) register = Multiply(register, factor);
            factor = Multiply(factor, factor);
        }
        return register;
    }

    /// <summary>Carry-less multiply of four 16-byte lanes, folded forward by 64 bytes, then into one. Needs 64 bytes at least.</summary>
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveOptimization)]
    internal ulong AppendFolded(ulong register, ReadOnlySpan<byte> bytes)
    {
        Vector128<ulong> a = Vector128.Create(bytes).AsUInt64() ^ Vector128.CreateScalar(register);
        Vector128<ulong> b = Vector128.Create(bytes[16..]).AsUInt64();
        Vector128<ulong> c = Vector128.Create(bytes[32..]).AsUInt64();
        Vector128<ulong> d = Vector128.Create(bytes[48..]).AsUInt64();
        bytes = bytes[64..];
        Vector128<ulong> fold = _fold512;
        while (bytes.Length >= 64)
        {
            a = Fold(a, fold) ^ Vector128.Create(bytes).AsUInt64();
            b = Fold(b, fold) ^ Vector128.Create(bytes[16..]).AsUInt64();
            c = Fold(c, fold) ^ Vector128.Create(bytes[32..]).AsUInt64();
            d = Fold(d, fold) ^ Vector128.Create(bytes[48..]).AsUInt64();
            bytes = bytes[64..];
        }
        fold = _fold128;
        a = Fold(Fold(Fold(a, fold) ^ b, fold) ^ c, fold) ^ d;
        while (bytes.Length >= 16)
        {
            a = Fold(a, fold) ^ Vector128.Create(bytes).AsUInt64();
            bytes = bytes[16..];
        }
        // 16 bytes with the remainder of all before them: the tables reduce them, once for a call.
        Span<byte> last = stackalloc byte[16];
        a.AsByte().CopyTo(last);
        return AppendScalar(AppendScalar(0, last), bytes);
    }

    private static Vector128<ulong> Fold(Vector128<ulong> x, Vector128<ulong> constants) =>
        Pclmulqdq.CarrylessMultiply(x, constants, 0x00) ^ Pclmulqdq.CarrylessMultiply(x, constants, 0x11);

    /// <summary>
    /// Multipliers that move 16 bytes forward by <paramref name="bits"/>. The lower 8 bytes lie 64 powers higher than the upper.
    /// A product of two reflected 64-bit numbers comes out one bit low, so the power is one less.
    /// </summary>
    private Vector128<ulong> FoldConstants(int bits) => Vector128.Create(Register64(bits + 64 - 1), Register64(bits - 1));

    /// <summary>x^n mod P as a reflected 64-bit number: for a CRC of 32 bits the remainder stands in the upper half.</summary>
    private ulong Register64(int n) => Power(n) << (64 - _width);

    /// <summary>x^n mod P, as a register.</summary>
    private ulong Power(int n)
    {
        ulong register = 1UL << (_width - 1);
        for (int i = 0; i < n; i++) register = TimesX(register);
        return register;
    }

    private ulong TimesX(ulong register) => (register & 1) != 0 ? register >> 1 ^ _polynomial : register >> 1;

    private ulong Multiply(ulong a, ulong b)
    {
        ulong product = 0;
        for (int bit = _width - 1; bit >= 0; bit--)
        {
            if ((a >> bit & 1) != 0) product ^= b;
            b = TimesX(b);
        }
        return product;
    }
}
