using System.Buffers.Binary;
using System.Security.Cryptography;
using Google.Protobuf;
using Predastore.Actors.Metadata;
using Predastore.Shards.Codec;

namespace Predastore.Http.Protocol;

/// <summary>
/// The digests of one body: MD5 for the ETag, one checksum, and SHA-256 where the signature declares it. Fed once, in order. Not
/// thread-safe.
/// </summary>
public sealed class BodyDigest : IDisposable
{
    private readonly IncrementalHash _md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
    private readonly IncrementalHash? _sha256;
    private readonly IncrementalHash? _sha1;
    private readonly bool _isCrc;
    private Crc _crc;

    /// <param name="algorithm">The checksum wanted.</param>
    /// <param name="withSha256">True if the payload's SHA-256 is to be checked.</param>
    public BodyDigest(ChecksumAlgorithm algorithm, bool withSha256)
    {
        Algorithm = algorithm;
        _isCrc = algorithm is ChecksumAlgorithm.ChecksumCrc32 or ChecksumAlgorithm.ChecksumCrc32C or ChecksumAlgorithm.ChecksumCrc64Nvme;
        if (_isCrc)
            _crc = Crc.Start(Kind(algorithm));
        if (algorithm == ChecksumAlgorithm.ChecksumSha1)
            _sha1 = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        if (withSha256 || algorithm == ChecksumAlgorithm.ChecksumSha256)
            _sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    }

    /// <summary>The checksum's algorithm.</summary>
    public ChecksumAlgorithm Algorithm { get; }

    /// <summary>Bytes fed so far.</summary>
    public long Length { get; private set; }

    /// <summary>MD5, 16 B; after <see cref="Finish"/>.</summary>
    public byte[] Md5 { get; private set; } = [];

    /// <summary>SHA-256, 32 B, if it was wanted; after <see cref="Finish"/>.</summary>
    public byte[]? Sha256 { get; private set; }

    /// <summary>The checksum of the whole body; after <see cref="Finish"/>.</summary>
    public Checksum Checksum { get; private set; } = new();

    /// <summary>The CRC that goes with an algorithm.</summary>
    public static CrcKind Kind(ChecksumAlgorithm algorithm) => algorithm switch
    {
        ChecksumAlgorithm.ChecksumCrc32 => CrcKind.Crc32,
        ChecksumAlgorithm.ChecksumCrc32C => CrcKind.Crc32C,
        ChecksumAlgorithm.ChecksumCrc64Nvme => CrcKind.Crc64Nvme,
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm)),
    };

    /// <summary>Feeds bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        Length += bytes.Length;
        _md5.AppendData(bytes);
        if (_isCrc)
            _crc.Append(bytes);
        _sha1?.AppendData(bytes);
        _sha256?.AppendData(bytes);
    }

    /// <summary>Takes the results; once, at the end.</summary>
    public void Finish()
    {
        Md5 = _md5.GetHashAndReset();
        Sha256 = _sha256?.GetHashAndReset();
        byte[] value = Algorithm switch
        {
            ChecksumAlgorithm.ChecksumSha1 => _sha1!.GetHashAndReset(),
            ChecksumAlgorithm.ChecksumSha256 => Sha256!,
            _ => CrcBytes(),
        };
        Checksum = new Checksum { Algorithm = Algorithm, Type = ChecksumType.ChecksumFullObject, Value = ByteString.CopyFrom(value) };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _md5.Dispose();
        _sha1?.Dispose();
        _sha256?.Dispose();
    }

    private byte[] CrcBytes()
    {
        byte[] value = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(value, _crc.Value);
        return value[^ChecksumNames.Bytes(Algorithm)..];
    }
}
