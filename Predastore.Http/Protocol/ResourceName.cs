using System.Text;

namespace Predastore.Http.Protocol;

/// <summary>
/// What a request names: the service (no bucket), a bucket (no key), or an object. Keys are opaque: no segment of them means
/// anything, dots and double slashes included.
/// </summary>
/// <param name="Bucket">"" for the service.</param>
/// <param name="Key">"" for a bucket.</param>
/// <param name="VirtualHost">True if the bucket came from the host name.</param>
public readonly record struct ResourceName(string Bucket, string Key, bool VirtualHost)
{
    /// <summary>Longest key, in UTF-8 bytes.</summary>
    public const int KeyBytesMax = 1024;

    /// <summary>Takes bucket and key from target and host.</summary>
    /// <param name="target">As on the wire.</param>
    /// <param name="host">The Host header, with or without a port.</param>
    /// <param name="domains">Domains below which the first labels are a bucket, longest first.</param>
    /// <exception cref="S3Exception">InvalidURI or KeyTooLongError.</exception>
    public static ResourceName From(RawTarget target, string host, IReadOnlyList<string> domains)
    {
        ReadOnlySpan<char> path = target.Path.AsSpan(1);
        string? bucket = BucketOfHost(host, domains);
        if (bucket is not null)
            return new ResourceName(bucket, DecodeKey(path), VirtualHost: true);
        int slash = path.IndexOf('/');
        ReadOnlySpan<char> first = slash < 0 ? path : path[..slash];
        ReadOnlySpan<char> key = slash < 0 ? default : path[(slash + 1)..];
        if (!PercentCoding.TryDecode(first, plusIsSpace: false, out bucket))
            throw S3Error.InvalidUri.Because("The bucket is not valid percent-encoded UTF-8.");
        if (bucket.Length == 0 && slash >= 0)
            throw new S3Exception(S3Error.InvalidBucketName);
        return new ResourceName(bucket, DecodeKey(key), VirtualHost: false);
    }

    /// <summary>Decodes a key once and checks its length.</summary>
    /// <exception cref="S3Exception">InvalidURI or KeyTooLongError.</exception>
    public static string DecodeKey(ReadOnlySpan<char> raw)
    {
        if (!PercentCoding.TryDecode(raw, plusIsSpace: false, out string key))
            throw S3Error.InvalidUri.Because("The key is not valid percent-encoded UTF-8.");
        CheckKey(key);
        return key;
    }

    /// <summary>Checks a key that came in a document.</summary>
    /// <exception cref="S3Exception">KeyTooLongError, or InvalidArgument for NUL, which no listing could show.</exception>
    public static void CheckKey(string key)
    {
        if (Encoding.UTF8.GetByteCount(key) > KeyBytesMax)
            throw new S3Exception(S3Error.KeyTooLong);
        if (key.Contains('\0'))
            throw S3Error.InvalidArgument.Because("The key contains NUL.");
    }

    /// <summary>
    /// The naming rules of general purpose buckets: 3 to 63 lower-case letters, digits, dots and hyphens, labels that begin and
    /// end with a letter or digit, not an IPv4 address, none of the reserved prefixes and suffixes.
    /// </summary>
    public static bool IsValidBucket(string name)
    {
        if (name.Length is < 3 or > 63 || !char.IsAsciiLetterOrDigit(name[0]) || !char.IsAsciiLetterOrDigit(name[^1]))
            return false;
        char before = '.';
        int digitsOrDots = 0, dots = 0;
        foreach (char c in name)
        {
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c is not ('.' or '-'))
                return false;
            if ((c == '.' && before is '.' or '-') || (c == '-' && before == '.'))
                return false;
            dots += c == '.' ? 1 : 0;
            digitsOrDots += c == '.' || char.IsAsciiDigit(c) ? 1 : 0;
            before = c;
        }

        return !(digitsOrDots == name.Length && dots == 3)
            && !name.StartsWith("xn--", StringComparison.Ordinal)
            && !name.StartsWith("sthree-", StringComparison.Ordinal)
            && !name.EndsWith("-s3alias", StringComparison.Ordinal)
            && !name.EndsWith("--ol-s3", StringComparison.Ordinal);
    }

    private static string? BucketOfHost(string host, IReadOnlyList<string> domains)
    {
        ReadOnlySpan<char> name = host;
        int colon = name.LastIndexOf(':');
        if (colon >= 0 && !name.EndsWith(']'))
            name = name[..colon];
        name = name.TrimEnd('.');
        foreach (string domain in domains)
        {
            if (name.Length > domain.Length + 1
                && name.EndsWith(domain, StringComparison.OrdinalIgnoreCase)
                && name[name.Length - domain.Length - 1] == '.')
                return name[..(name.Length - domain.Length - 1)].ToString().ToLowerInvariant();
            if (name.Equals(domain, StringComparison.OrdinalIgnoreCase))
                return null;
        }

        return null;
    }
}
