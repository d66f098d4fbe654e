namespace Predastore.Actors.Metadata.Apply;

/// <summary>
/// Joins CRCs of adjacent bytes: crc(A || B) = crc(A) * x^(8 |B|) + crc(B) modulo the polynomial, all in the reflected form. Holds for
/// CRCs whose start and final XOR are all ones. A few hundred bytes of digests are its largest input, so it is plain and not fast.
/// </summary>
internal sealed class CrcJoin
{
    private static readonly CrcJoin s_crc32 = new(32, 0xEDB88320);
    private static readonly CrcJoin s_crc32C = new(32, 0x82F63B78);
    private static readonly CrcJoin s_crc64Nvme = new(64, 0x9A6C9329AC4BC9B5);

    private readonly int _bits;
    private readonly ulong _polynomial;

    private CrcJoin(int bits, ulong polynomial)
    {
        _bits = bits;
        _polynomial = polynomial;
    }

    /// <summary>The joiner of an algorithm, or null if it is no CRC.</summary>
    public static CrcJoin? For(ChecksumAlgorithm algorithm) => algorithm switch
    {
        ChecksumAlgorithm.ChecksumCrc32 => s_crc32,
        ChecksumAlgorithm.ChecksumCrc32C => s_crc32C,
        ChecksumAlgorithm.ChecksumCrc64Nvme => s_crc64Nvme,
        _ => null,
    };

    /// <summary>CRC of A followed by B, from theirs and B's length in bytes.</summary>
    public ulong Join(ulong crcA, ulong crcB, ulong lengthB)
    {
        ulong power = 1UL << (_bits - 1);
        ulong square = 1UL << (_bits - 9);
        for (ulong rest = lengthB; rest != 0; rest >>= 1)
        {
            if ((rest & 1) != 0) power = Multiply(square, power);
            square = Multiply(square, square);
        }

        return Multiply(power, crcA) ^ crcB;
    }

    /// <summary>CRC of bytes, bit by bit.</summary>
    public ulong Compute(ReadOnlySpan<byte> bytes)
    {
        ulong ones = _bits == 64 ? ulong.MaxValue : (1UL << _bits) - 1;
        ulong crc = ones;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ _polynomial : crc >> 1;
        }

        return crc ^ ones;
    }

    private ulong Multiply(ulong a, ulong b)
    {
        ulong product = 0;
        for (ulong mask = 1UL << (_bits - 1); mask != 0; mask >>= 1)
        {
            if ((a & mask) != 0) product ^= b;
            b = (b & 1) != 0 ? (b >> 1) ^ _polynomial : b >> 1;
        }

        return product;
    }
}
