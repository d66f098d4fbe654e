using System.Security.Cryptography;
using System.Text;

namespace Predastore.Http.Auth;

/// <summary>
/// The arithmetic of AWS Signature Version 4. Source: Amazon S3 API reference, "Authenticating Requests (AWS Signature Version 4)".
/// </summary>
public static class SigV4
{
    public const string Algorithm = "AWS4-HMAC-SHA256";
    public const string Terminator = "aws4_request";
    public const string Service = "s3";

    /// <summary>SHA-256 of nothing, in hex.</summary>
    public const string EmptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    /// <summary>The form of <c>x-amz-date</c>.</summary>
    public const string TimeFormat = "yyyyMMdd'T'HHmmss'Z'";

    /// <summary>HMAC key of a day, a region and a service: 32 B.</summary>
    public static byte[] SigningKey(string secret, string date, string region, string service)
    {
        byte[] key = HMACSHA256.HashData(Encoding.UTF8.GetBytes("AWS4" + secret), Encoding.UTF8.GetBytes(date));
        key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(region));
        key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(service));
        return HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(Terminator));
    }

    /// <summary>What is signed for a request.</summary>
    public static string StringToSign(string time, string scope, string canonicalRequestSha256)
        => string.Concat(Algorithm, "\n", time, "\n", string.Concat(scope, "\n", canonicalRequestSha256));

    /// <summary>Lower-case hex of the signature.</summary>
    public static string Sign(byte[] signingKey, string stringToSign)
        => Convert.ToHexStringLower(HMACSHA256.HashData(signingKey, Encoding.UTF8.GetBytes(stringToSign)));

    /// <summary>Lower-case hex SHA-256 of UTF-8 text.</summary>
    public static string Sha256Hex(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>Compares signatures in time that does not depend on where they differ.</summary>
    public static bool FixedTimeEquals(string expected, string given)
        => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(expected), Encoding.UTF8.GetBytes(given));
}
