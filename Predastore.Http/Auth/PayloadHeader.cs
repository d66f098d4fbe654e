using Predastore.Http.Protocol;

namespace Predastore.Http.Auth;

/// <summary>The values of <c>x-amz-content-sha256</c>.</summary>
public static class PayloadHeader
{
    public const string Name = "x-amz-content-sha256";
    public const string Unsigned = "UNSIGNED-PAYLOAD";
    public const string ChunkedSigned = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    public const string ChunkedSignedTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
    public const string ChunkedUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
    private const string Ecdsa = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD";

    /// <summary>Reads a value.</summary>
    /// <param name="value">The header.</param>
    /// <param name="sha256">The digest, 32 B, if it is one.</param>
    /// <exception cref="S3Exception">InvalidArgument; NotImplemented for the asymmetric variants.</exception>
    public static PayloadMode Parse(string value, out byte[]? sha256)
    {
        sha256 = null;
        switch (value)
        {
            case Unsigned:
                return PayloadMode.Unsigned;
            case ChunkedSigned:
                return PayloadMode.ChunkedSigned;
            case ChunkedSignedTrailer:
                return PayloadMode.ChunkedSignedTrailer;
            case ChunkedUnsignedTrailer:
                return PayloadMode.ChunkedUnsignedTrailer;
        }

        if (value.StartsWith(Ecdsa, StringComparison.Ordinal))
            throw S3Error.NotImplemented.Because("Asymmetric signatures are not implemented.");
        if (value.Length == 64 && value.All(char.IsAsciiHexDigit))
        {
            sha256 = Convert.FromHexString(value);
            return PayloadMode.Signed;
        }

        throw S3Error.InvalidArgument.With("ArgumentName", Name,
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, one of the STREAMING values, or a valid sha256 value.");
    }
}
