using System.Globalization;
using System.Text;
using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>What all listings share: their parameters and how keys are written.</summary>
internal sealed class Listing
{
    private const int PageMax = 1000;

    private readonly bool _encode;

    public Listing(S3Request request, string limitParameter = "max-keys")
    {
        Prefix = request.Query("prefix") ?? "";
        Delimiter = request.Query("delimiter") ?? "";
        string? encoding = request.Query("encoding-type");
        if (encoding is not null && !encoding.Equals("url", StringComparison.OrdinalIgnoreCase))
            throw S3Error.InvalidArgument.With("ArgumentName", "encoding-type", "Invalid Encoding Method specified in Request");
        _encode = encoding is not null;
        Asked = PageMax;
        if (request.Target[limitParameter] is { Length: > 0 } text)
        {
            Asked = int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int asked) && asked >= 0
                ? asked
                : throw S3Error.InvalidArgument.With("ArgumentName", limitParameter, $"Argument {limitParameter} must be an integer between 0 and 2147483647");
        }
    }

    public string Prefix { get; }

    public string Delimiter { get; }

    /// <summary>As the client asked.</summary>
    public int Asked { get; }

    /// <summary>What a page holds at most.</summary>
    public int Limit => Math.Min(Asked, PageMax);

    /// <summary>A key or a part of one, as the client wants it.</summary>
    public string Text(string key) => _encode ? PercentCoding.Encode(key, keepSlash: true) : key;

    /// <summary>EncodingType, where it was asked for.</summary>
    public void WriteEncoding(S3XmlWriter xml) => xml.Element("EncodingType", _encode ? "url" : null);

    /// <summary>Common prefixes of a page.</summary>
    public void WritePrefixes(S3XmlWriter xml, IEnumerable<ListEntry> entries)
    {
        foreach (ListEntry entry in entries.Where(entry => entry.CommonPrefix.Length > 0))
            xml.Open("CommonPrefixes").Element("Prefix", Text(entry.CommonPrefix)).Close();
    }

    /// <summary>Objects of a page.</summary>
    public void WriteContents(S3XmlWriter xml, S3Request request, IEnumerable<ListEntry> entries, bool withOwner)
    {
        foreach (VersionRow version in entries.Where(entry => entry.CommonPrefix.Length == 0).Select(entry => entry.Version))
        {
            xml.Open("Contents").Element("Key", Text(version.Key)).Time("LastModified", version.ModifiedMs)
                .Element("ETag", ETags.Quote(version.Etag));
            if (version.Checksum is { Algorithm: not ChecksumAlgorithm.ChecksumNone } checksum)
                xml.Element("ChecksumAlgorithm", ChecksumNames.Name(checksum.Algorithm)).Element("ChecksumType", ChecksumNames.Name(checksum.Type));
            xml.Element("Size", (long)version.Size);
            if (withOwner)
                Owners.Write(xml, "Owner", request, version.Owner);
            xml.Element("StorageClass", StorageClass(version)).Close();
        }
    }

    /// <summary>STANDARD unless the client named another.</summary>
    public static string StorageClass(VersionRow version)
        => version.Attributes is { StorageClass.Length: > 0 } attributes ? attributes.StorageClass : "STANDARD";

    /// <summary>An opaque token for a place in a listing.</summary>
    public static string Token(string after) => Convert.ToBase64String(Encoding.UTF8.GetBytes("1" + after))
        .Replace('+', '-').Replace('/', '_');

    /// <summary>Reads a token.</summary>
    public static string FromToken(string token)
    {
        try
        {
            string text = Encoding.UTF8.GetString(Convert.FromBase64String(token.Replace('-', '+').Replace('_', '/')));
            if (text.Length > 0 && text[0] == '1')
                return text[1..];
        }
        catch (FormatException)
        {
            // Not one of ours.
        }

        throw S3Error.InvalidArgument.With("ArgumentName", "continuation-token", "The continuation token provided is incorrect");
    }
}
