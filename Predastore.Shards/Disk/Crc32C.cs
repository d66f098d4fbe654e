using System.Buffers.Binary;
using System.Numerics;

namespace Predastore.Shards.Disk;

/// <summary>CRC-32C (Castagnoli, RFC 3720 appendix B.4) of the small on-disk headers.</summary>
public static class Crc32C
{
    /// <summary>The checksum; "123456789" gives 0xE3069283.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        while (bytes.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }
        foreach (var b in bytes)
            crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }
}
