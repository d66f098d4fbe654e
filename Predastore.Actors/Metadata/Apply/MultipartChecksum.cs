using System.Buffers.Binary;
using System.Security.Cryptography;
using Google.Protobuf;
using Predastore.Shards.Codec;

namespace Predastore.Actors.Metadata.Apply;

/// <summary>
/// The checksum of a completed multipart object from those of its parts, without reading a byte (S3 user guide, "Checking object
/// integrity"): COMPOSITE is the hash over the parts' raw digests, FULL_OBJECT joins the parts' CRCs.
/// </summary>
internal static class MultipartChecksum
{
    /// <summary>The object's checksum, or null if a part has none of that algorithm.</summary>
    public static Checksum? Of(UploadRow upload, IReadOnlyList<PartRow> parts)
    {
        ChecksumAlgorithm algorithm = upload.ChecksumAlgorithm;
        ChecksumType type = upload.ChecksumType;
        if (algorithm == ChecksumAlgorithm.ChecksumNone)
        {
            // The gate computes CRC64NVME for parts where the client asked for nothing.
            algorithm = ChecksumAlgorithm.ChecksumCrc64Nvme;
            type = ChecksumType.ChecksumFullObject;
        }

        foreach (PartRow part in parts)
            if (part.Checksum is null || part.Checksum.Algorithm != algorithm || part.Checksum.Value.Length != LengthOf(algorithm)) return null;
        byte[]? value = type == ChecksumType.ChecksumComposite ? Composite(algorithm, parts) : FullObject(algorithm, parts);
        return value is null ? null : new Checksum { Algorithm = algorithm, Type = type, Value = ByteString.CopyFrom(value) };
    }

    /// <summary>True if the checksum is the one expected; only a composite one has to be said to be that.</summary>
    public static bool Meets(Checksum? checksum, Checksum expected) =>
        checksum is not null && checksum.Algorithm == expected.Algorithm && checksum.Value == expected.Value
        && (expected.Type == ChecksumType.ChecksumFullObject || checksum.Type == expected.Type);

    private static byte[]? FullObject(ChecksumAlgorithm algorithm, IReadOnlyList<PartRow> parts)
    {
        if (KindOf(algorithm) is not { } kind) return null;
        ulong crc = 0;
        bool first = true;
        foreach (PartRow part in parts)
        {
            ulong next = Read(part.Checksum.Value.Span);
            crc = first ? next : Checksums.Combine(kind, crc, next, (long)part.Size);
            first = false;
        }

        return Write(kind, crc);
    }

    private static byte[] Composite(ChecksumAlgorithm algorithm, IReadOnlyList<PartRow> parts)
    {
        byte[] digests = [.. parts.SelectMany(p => p.Checksum.Value)];
        return algorithm switch
        {
            ChecksumAlgorithm.ChecksumSha1 => SHA1.HashData(digests),
            ChecksumAlgorithm.ChecksumSha256 => SHA256.HashData(digests),
            _ => KindOf(algorithm) is { } kind
                ? Write(kind, Checksums.Compute(kind, digests))
                : throw new ArgumentOutOfRangeException(nameof(algorithm)),
        };
    }

    private static CrcKind? KindOf(ChecksumAlgorithm algorithm) => algorithm switch
    {
        ChecksumAlgorithm.ChecksumCrc32 => CrcKind.Crc32,
        ChecksumAlgorithm.ChecksumCrc32C => CrcKind.Crc32C,
        ChecksumAlgorithm.ChecksumCrc64Nvme => CrcKind.Crc64Nvme,
        _ => null,
    };

    private static int LengthOf(ChecksumAlgorithm algorithm) => algorithm switch
    {
        ChecksumAlgorithm.ChecksumSha1 => SHA1.HashSizeInBytes,
        ChecksumAlgorithm.ChecksumSha256 => SHA256.HashSizeInBytes,
        _ => KindOf(algorithm) is { } kind ? Checksums.SizeBytes(kind) : -1,
    };

    private static ulong Read(ReadOnlySpan<byte> value) =>
        value.Length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(value) : BinaryPrimitives.ReadUInt64BigEndian(value);

    private static byte[] Write(CrcKind kind, ulong crc)
    {
        byte[] value = new byte[Checksums.SizeBytes(kind)];
        Checksums.Write(kind, crc, value);
        return value;
    }
}
