using System.Security.Cryptography;
using System.Text;

namespace Predastore.Http.Tests.Wire;

/// <summary>
/// Signature Version 4 as a client computes it, written from the specification and apart from the product's: tests that sign with
/// what they test would agree with any mistake in it.
/// </summary>
internal static class TestSigner
{
    public static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);

    public static string Sha256(string text) => Hex(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    public static string Sha256(byte[] bytes) => Hex(SHA256.HashData(bytes));

    public static byte[] Key(string secret, string date, string region, string service = "s3")
        => Hmac(Hmac(Hmac(Hmac(Encoding.UTF8.GetBytes("AWS4" + secret), date), region), service), "aws4_request");

    public static byte[] Hmac(byte[] key, string text) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));

    /// <summary>The signature of a request whose path and query are already encoded in canonical form.</summary>
    public static string Sign(
        byte[] key, string time, string scope, string method, string path, IEnumerable<string> query,
        IReadOnlyList<(string Name, string Value)> signed, string payload)
    {
        string canonical = string.Join('\n',
            method, path, string.Join('&', query.Order(StringComparer.Ordinal)),
            string.Concat(signed.Select(header => $"{header.Name}:{header.Value}\n")),
            string.Join(';', signed.Select(header => header.Name)), payload);
        return Hex(Hmac(key, string.Join('\n', "AWS4-HMAC-SHA256", time, scope, Sha256(canonical))));
    }
}
