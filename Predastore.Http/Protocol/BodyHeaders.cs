using System.Globalization;
using Microsoft.AspNetCore.Http;
using Predastore.Actors.Metadata;
using Predastore.Http.Auth;

namespace Predastore.Http.Protocol;

/// <summary>Reads what the headers declare of a body, and opens the body that checks it.</summary>
public static class BodyHeaders
{
    private const string Trailer = "x-amz-trailer";
    private const string DecodedLength = "x-amz-decoded-content-length";

    private static readonly HashSet<string> NoChecksums = new(StringComparer.OrdinalIgnoreCase)
    {
        "x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-type",
    };

    /// <summary>True if the client declares MD5 or any checksum of the body.</summary>
    public static bool HasDigest(IHeaderDictionary headers)
        => headers.ContainsKey("Content-MD5") || Checksums(headers).Any() || headers.ContainsKey(Trailer);

    /// <summary>Reads the declarations. Touches no byte of the body.</summary>
    /// <param name="request">The request.</param>
    /// <param name="auth">Decides the framing.</param>
    /// <param name="required">The algorithm an upload was created with; NONE for any.</param>
    /// <param name="bytesMax">Largest body allowed.</param>
    /// <exception cref="S3Exception">MissingContentLength, EntityTooLarge, InvalidDigest, InvalidRequest.</exception>
    public static BodyExpectations Read(
        HttpRequest request, AuthResult auth, ChecksumAlgorithm required, long bytesMax)
    {
        IHeaderDictionary headers = request.Headers;
        long length = Length(request, auth.Payload);
        if (length > bytesMax)
            throw S3Error.EntityTooLarge.With("MaxSizeAllowed", bytesMax.ToString(CultureInfo.InvariantCulture));
        (ChecksumAlgorithm algorithm, byte[]? value, string? trailer) = Checksum(headers, auth.Payload);
        if (required != ChecksumAlgorithm.ChecksumNone)
        {
            if (algorithm != ChecksumAlgorithm.ChecksumNone && algorithm != required)
                throw S3Error.InvalidRequest.Because(
                    $"Checksum Type mismatch occurred, expected checksum Type: {ChecksumNames.Name(required).ToLowerInvariant()}, actual checksum Type: {ChecksumNames.Name(algorithm).ToLowerInvariant()}");
            algorithm = required;
        }
        else if (algorithm == ChecksumAlgorithm.ChecksumNone)
        {
            algorithm = ChecksumAlgorithm.ChecksumCrc64Nvme;
        }

        return new BodyExpectations(length, Md5(headers), auth.PayloadSha256, algorithm, value, trailer) { LengthMax = bytesMax };
    }

    /// <summary>Opens the body. Its first read is what sends 100-continue.</summary>
    public static VerifiedBody Open(HttpRequest request, AuthResult auth, BodyExpectations expected)
    {
        if (auth.Payload is PayloadMode.Unsigned or PayloadMode.Signed)
            return new VerifiedBody(request.Body, expected, null);
        string[] announced = request.Headers[Trailer].ToString().ToLowerInvariant()
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var chunked = new AwsChunkedBody(request.BodyReader, expected.Length, auth.Payload, auth.Chunks, announced);
        return new VerifiedBody(chunked, expected, chunked);
    }

    /// <summary>Refuses a request without a body that was signed with one.</summary>
    /// <exception cref="S3Exception">XAmzContentSHA256Mismatch.</exception>
    public static void RequireEmpty(AuthResult auth)
    {
        if (auth.PayloadSha256 is { } sha256 && Convert.ToHexStringLower(sha256) != SigV4.EmptySha256)
            throw S3Error.XAmzContentSha256Mismatch.With("S3ComputedContentSHA256", SigV4.EmptySha256);
    }

    /// <summary>Decoded bytes of the body, as declared.</summary>
    /// <exception cref="S3Exception">MissingContentLength, InvalidArgument.</exception>
    public static long Length(HttpRequest request, PayloadMode payload)
    {
        if (payload is PayloadMode.Unsigned or PayloadMode.Signed)
        {
            // HTTP/1.1 chunks end by themselves, so a body that was cut off is noticed without a length.
            bool chunked = request.Headers.TransferEncoding.ToString().Equals("chunked", StringComparison.OrdinalIgnoreCase);
            return request.ContentLength ?? (chunked ? -1 : throw new S3Exception(S3Error.MissingContentLength));
        }

        string decoded = request.Headers[DecodedLength].ToString();
        if (decoded.Length == 0)
            throw new S3Exception(S3Error.MissingContentLength);
        return long.TryParse(decoded, NumberStyles.None, CultureInfo.InvariantCulture, out long length)
            ? length
            : throw S3Error.InvalidArgument.With("ArgumentName", DecodedLength, $"{DecodedLength} is not a number of bytes.");
    }

    private static byte[]? Md5(IHeaderDictionary headers)
    {
        if (!headers.TryGetValue("Content-MD5", out var text))
            return null;
        byte[] value = new byte[32];
        return Convert.TryFromBase64String(text.ToString().Length <= 44 ? text.ToString() : "", value, out int count) && count == 16
            ? value[..16]
            : throw new S3Exception(S3Error.InvalidDigest);
    }

    private static (ChecksumAlgorithm Algorithm, byte[]? Value, string? Trailer) Checksum(
        IHeaderDictionary headers, PayloadMode payload)
    {
        List<KeyValuePair<string, string>> found = [.. Checksums(headers)];
        string? trailer = null;
        if (payload is PayloadMode.ChunkedSignedTrailer or PayloadMode.ChunkedUnsignedTrailer)
        {
            foreach (string name in headers[Trailer].ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                if (name.StartsWith(ChecksumNames.HeaderPrefix, StringComparison.OrdinalIgnoreCase))
                {
                    if (trailer is not null)
                        throw Several();
                    trailer = name.ToLowerInvariant();
                }
            }
        }

        if (found.Count + (trailer is null ? 0 : 1) > 1)
            throw Several();
        if (trailer is not null)
            return (Algorithm(trailer), null, trailer);
        if (found.Count == 0)
            return (ChecksumAlgorithm.ChecksumNone, null, null);
        ChecksumAlgorithm algorithm = Algorithm(found[0].Key);
        return (algorithm, VerifiedBody.ParseChecksum(found[0].Key.ToLowerInvariant(), found[0].Value, algorithm), null);
    }

    private static IEnumerable<KeyValuePair<string, string>> Checksums(IHeaderDictionary headers)
    {
        foreach (KeyValuePair<string, Microsoft.Extensions.Primitives.StringValues> header in headers)
        {
            if (header.Key.StartsWith(ChecksumNames.HeaderPrefix, StringComparison.OrdinalIgnoreCase) && !NoChecksums.Contains(header.Key))
                yield return new(header.Key, header.Value.ToString());
        }
    }

    private static ChecksumAlgorithm Algorithm(string header)
        => ChecksumNames.TryParse(header[ChecksumNames.HeaderPrefix.Length..], out ChecksumAlgorithm algorithm)
            ? algorithm
            : throw S3Error.InvalidRequest.Because($"The checksum algorithm of {header} is not supported.");

    private static S3Exception Several()
        => S3Error.InvalidRequest.Because("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
}
