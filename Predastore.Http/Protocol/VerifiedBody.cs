using System.Security.Cryptography;
using Predastore.Actors.Metadata;
using Predastore.Shards;

namespace Predastore.Http.Protocol;

/// <summary>
/// What a client says of its body before or behind it.
/// </summary>
/// <param name="Length">Decoded bytes; -1 where only the transfer coding says where the body ends.</param>
/// <param name="Md5">Content-MD5, 16 B.</param>
/// <param name="Sha256">The signed SHA-256, 32 B.</param>
/// <param name="Algorithm">The checksum to compute.</param>
/// <param name="Checksum">Its expected value from a header; null if there is none or it follows in a trailer.</param>
/// <param name="Trailer">The trailer that holds the expected value, in lower case; null if there is none.</param>
public sealed record BodyExpectations(
    long Length, byte[]? Md5, byte[]? Sha256, ChecksumAlgorithm Algorithm, byte[]? Checksum, string? Trailer)
{
    /// <summary>Bytes that a body without a declared length may have.</summary>
    public long LengthMax { get; init; } = long.MaxValue;
}

/// <summary>
/// A decoded body that is hashed as it is read, and whose end is only reported if everything the client declared of it holds: a
/// mismatch is an exception out of the last read, so whoever stores the bytes drops them.
/// </summary>
public sealed class VerifiedBody(Stream decoded, BodyExpectations expected, AwsChunkedBody? chunked) : ForwardStream
{
    private readonly BodyDigest _digest = new(expected.Algorithm, expected.Sha256 is not null);
    private bool _ended;

    /// <summary>Declared decoded length, in bytes; -1 for none.</summary>
    public long DeclaredLength => expected.Length;

    /// <summary>The digests; complete once the end was read.</summary>
    public BodyDigest Digest => _ended ? _digest : throw new InvalidOperationException("The body was not read to its end.");

    /// <summary>MD5 as lower-case hex.</summary>
    public string ETag => Convert.ToHexStringLower(Digest.Md5);

    /// <summary>True if the client sent the checksum itself.</summary>
    public bool ClientChecksum => expected.Checksum is not null || expected.Trailer is not null;

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_ended || buffer.IsEmpty)
            return 0;
        int count = await decoded.ReadAsync(buffer, cancellationToken);
        if (count > 0)
        {
            _digest.Append(buffer.Span[..count]);
            if (expected.Length >= 0 && _digest.Length > expected.Length)
                throw new S3Exception(S3Error.IncompleteBody);
            if (_digest.Length > expected.LengthMax)
                throw new S3Exception(S3Error.EntityTooLarge);
            return count;
        }

        if (expected.Length >= 0 && _digest.Length != expected.Length)
            throw new S3Exception(S3Error.IncompleteBody);
        _digest.Finish();
        Check();
        _ended = true;
        return 0;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _digest.Dispose();
        chunked?.Dispose();
        base.Dispose(disposing);
    }

    private void Check()
    {
        if (expected.Sha256 is { } sha256 && !CryptographicOperations.FixedTimeEquals(sha256, _digest.Sha256))
            throw S3Error.XAmzContentSha256Mismatch.With("S3ComputedContentSHA256", Convert.ToHexStringLower(_digest.Sha256!));
        if (expected.Md5 is { } md5 && !md5.AsSpan().SequenceEqual(_digest.Md5))
            throw S3Error.BadDigest.With("CalculatedDigest", Convert.ToBase64String(_digest.Md5),
                "The Content-MD5 you specified did not match what we received.");
        byte[]? checksum = expected.Checksum;
        if (expected.Trailer is { } name)
        {
            if (chunked is null || !chunked.Trailers.TryGetValue(name, out string? text))
                throw new S3Exception(S3Error.MalformedTrailer);
            checksum = ParseChecksum(name, text, expected.Algorithm);
        }

        if (checksum is not null && !checksum.AsSpan().SequenceEqual(_digest.Checksum.Value.Span))
            throw S3Error.BadDigest.Because($"The {ChecksumNames.Name(expected.Algorithm)} you specified did not match the calculated checksum.");
    }

    /// <summary>Reads the base64 of a checksum.</summary>
    /// <exception cref="S3Exception">BadDigest: what is no checksum is not that of the body either.</exception>
    public static byte[] ParseChecksum(string name, string text, ChecksumAlgorithm algorithm)
    {
        byte[] value = new byte[64];
        return text.Length <= 88 && Convert.TryFromBase64String(text, value, out int count) && count == ChecksumNames.Bytes(algorithm)
            ? value[..count]
            : throw S3Error.BadDigest.Because($"Value for {name} header is invalid.");
    }
}
