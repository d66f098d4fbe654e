using System.Buffers.Binary;
using System.Security.Cryptography;
using Google.Protobuf;

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

    private static byte[]? FullObject(ChecksumAlgorithm algorithm, IReadOnlyList<PartRow> parts)
    {
        if (CrcJoin.For(algorithm) is not { } join) return null;
        ulong crc = 0;
        bool first = true;
        foreach (PartRow part in parts)
        {
            ulong next = Read(part.Checksum.Value.Span);
            crc = first ? next : join.Join(crc, next, part.Size);
            first = false;
        }

        return Write(crc, LengthOf(algorithm));
    }

    private static byte[] Composite(ChecksumAlgorithm algorithm, IReadOnlyList<PartRow> parts)
    {
        byte[] digests = [.. parts.SelectMany(p => p.Checksum.Value)];
        return algorithm switch
        {
            ChecksumAlgorithm.ChecksumSha1 => SHA1.HashData(digests),
            ChecksumAlgorithm.ChecksumSha256 => SHA256.HashData(digests),
            _ => Write(CrcJoin.For(algorithm)!.Compute(digests), LengthOf(algorithm)),
        };
    }

    private static int LengthOf(ChecksumAlgorithm algorithm) => algorithm switch
    {
        ChecksumAlgorithm.ChecksumCrc32 or ChecksumAlgorithm.ChecksumCrc32C => 4,
        ChecksumAlgorithm.ChecksumCrc64Nvme => 8,
        ChecksumAlgorithm.ChecksumSha1 => 20,
        _ => 32,
    };

    private static ulong Read(ReadOnlySpan<byte> value) =>
        value.Length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(value) : BinaryPrimitives.ReadUInt64BigEndian(value);

    private static byte[] Write(ulong crc, int length)
    {
        byte[] value = new byte[length];
        if (length == 4) BinaryPrimitives.WriteUInt32BigEndian(value, (uint)crc);
        else BinaryPrimitives.WriteUInt64BigEndian(value, crc);
        return value;
    }
}
