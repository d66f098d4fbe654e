using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Predastore.Host.Admin;

/// <summary>
/// Signs a request, its body included, with AWS Signature Version 4 in the <c>Authorization</c> header.
/// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
/// </summary>
internal static class RequestSigner
{
    private const string SignedHeaders = "host;x-amz-content-sha256;x-amz-date";

    /// <summary>Adds the headers of a signed request. The URI has no query, and a path that needs no escaping.</summary>
    public static void Sign(HttpRequestMessage request, string accessKeyId, string secret, string region, DateTimeOffset now, ReadOnlySpan<byte> body = default)
    {
        string bodySha256 = Convert.ToHexStringLower(SHA256.HashData(body));
        Uri uri = request.RequestUri!;
        string time = now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        string host = uri.IsDefaultPort ? uri.IdnHost : $"{uri.Host}:{uri.Port}";
        string canonical =
            $"{request.Method.Method}\n{uri.AbsolutePath}\n\nhost:{host}\nx-amz-content-sha256:{bodySha256}\nx-amz-date:{time}\n\n{SignedHeaders}\n{bodySha256}";
        string scope = $"{time[..8]}/{region}/s3/aws4_request";
        string toSign = $"AWS4-HMAC-SHA256\n{time}\n{scope}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";

        byte[] key = Encoding.UTF8.GetBytes("AWS4" + secret);
        foreach (string part in scope.Split('/'))
            key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        string signature = Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(toSign)));

        request.Headers.Host = host;
        request.Headers.Add("x-amz-date", time);
        request.Headers.Add("x-amz-content-sha256", bodySha256);
        request.Headers.TryAddWithoutValidation(
            "Authorization", $"AWS4-HMAC-SHA256 Credential={accessKeyId}/{scope}, SignedHeaders={SignedHeaders}, Signature={signature}");
    }
}
