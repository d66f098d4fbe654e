using System.Buffers.Binary;
using Google.Protobuf;

namespace Predastore.Actors.Metadata;

/// <summary>
/// The part list of Complete in 18 bytes a part, so that 10,000 parts fit one log entry.
/// <code>number 2, MD5 16 (the part's ETag), big-endian, in the order named</code>
/// </summary>
public static class PackedParts
{
    /// <summary>Bytes a part takes.</summary>
    public const int PartBytes = 18;

    private const int Md5Digits = 32;

    /// <summary>Packs a list; null if an ETag is not an MD5 in hexadecimal, a number is over 65535 or a checksum is named.</summary>
    public static ByteString? TryPack(IReadOnlyList<CompletePart> parts)
    {
        byte[] packed = new byte[parts.Count * PartBytes];
        for (int i = 0; i < parts.Count; i++)
        {
            CompletePart part = parts[i];
            Span<byte> slot = packed.AsSpan(i * PartBytes, PartBytes);
            if (part.Number > ushort.MaxValue || part.Checksum is not null || !TryMd5(part.Etag, slot[2..])) return null;
            BinaryPrimitives.WriteUInt16BigEndian(slot, (ushort)part.Number);
        }

        return UnsafeByteOperations.UnsafeWrap(packed);
    }

    /// <summary>Unpacks a list; null if the length does not fit.</summary>
    public static List<CompletePart>? TryUnpack(ByteString packed)
    {
        if (packed.Length % PartBytes != 0) return null;
        var parts = new List<CompletePart>(packed.Length / PartBytes);
        for (int at = 0; at < packed.Length; at += PartBytes)
        {
            ReadOnlySpan<byte> slot = packed.Span.Slice(at, PartBytes);
            parts.Add(new CompletePart
            {
                Number = BinaryPrimitives.ReadUInt16BigEndian(slot),
                Etag = Convert.ToHexStringLower(slot[2..]),
            });
        }

        return parts;
    }

    /// <summary>Reads an ETag that is an MD5 in hexadecimal, quoted or not, into 16 bytes.</summary>
    internal static bool TryMd5(string etag, Span<byte> md5)
    {
        string text = etag.Trim('"');
        return text.Length == Md5Digits
            && Convert.FromHexString(text, md5, out _, out int written) == System.Buffers.OperationStatus.Done && written == 16;
    }
}
