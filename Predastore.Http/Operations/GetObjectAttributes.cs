using System.Globalization;
using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>GET object?attributes: what the header names, of the version and of its parts.</summary>
internal static class GetObjectAttributes
{
    private const string Header = "x-amz-object-attributes";
    private const string MarkerHeader = "x-amz-part-number-marker";
    private const string LimitHeader = "x-amz-max-parts";
    private const uint PageMax = 1000;

    private static readonly string[] Known = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

    public static async Task RunAsync(S3Request request)
    {
        HashSet<string> wanted = Wanted(request);
        uint marker = Number(request, MarkerHeader, 0);
        uint limit = Math.Min(Number(request, LimitHeader, PageMax), PageMax);
        QueryResult found = await request.Store.QueryAsync(
            new Query
            {
                ListVersionParts = new ListVersionParts
                {
                    Bucket = request.Bucket,
                    Key = request.Key,
                    VersionId = request.VersionId,
                    After = marker,
                    Limit = wanted.Contains("ObjectParts") ? limit : 0,
                },
            },
            request.Cancel);
        GetObject.RequireFound(request, found);
        Access.RequireRead(request, found.Bucket, found.Version);
        VersionRow version = found.Version;
        request.Response.Headers.LastModified = HttpDate.Format(version.ModifiedMs);
        ObjectHeaders.WriteVersionId(request, found.Bucket, version);
        await request.WriteAsync(xml =>
        {
            xml.Declaration().Root("GetObjectAttributesResponse");
            if (wanted.Contains("ETag"))
                xml.Element("ETag", version.Etag);
            if (wanted.Contains("Checksum") && version.Checksum is { Algorithm: not ChecksumAlgorithm.ChecksumNone } checksum)
            {
                xml.Open("Checksum").Element(ChecksumNames.Element(checksum.Algorithm), ChecksumNames.Text(checksum, version.Parts))
                    .Element("ChecksumType", ChecksumNames.Name(checksum.Type)).Close();
            }

            if (wanted.Contains("ObjectParts") && version.Parts > 0)
                WriteParts(xml, found, marker, limit);
            if (wanted.Contains("StorageClass"))
                xml.Element("StorageClass", Listing.StorageClass(version));
            if (wanted.Contains("ObjectSize"))
                xml.Element("ObjectSize", (long)version.Size);
            xml.Close();
        });
    }

    private static void WriteParts(S3XmlWriter xml, QueryResult found, uint marker, uint limit)
    {
        xml.Open("ObjectParts").Element("PartsCount", found.Version.Parts).Element("PartNumberMarker", marker);
        if (found.Truncated)
            xml.Element("NextPartNumberMarker", found.Parts.Count > 0 ? found.Parts[^1].Row.Number : marker);
        xml.Element("MaxParts", limit).Element("IsTruncated", found.Truncated);
        foreach (PartRow part in found.Parts.Select(part => part.Row))
        {
            xml.Open("Part").Element("PartNumber", part.Number).Element("Size", (long)part.Size);
            if (part.Checksum is { Algorithm: not ChecksumAlgorithm.ChecksumNone } checksum)
                xml.Element(ChecksumNames.Element(checksum.Algorithm), ChecksumNames.Text(checksum, 0));
            xml.Close();
        }

        xml.Close();
    }

    private static HashSet<string> Wanted(S3Request request)
    {
        string header = request.Header(Header)
            ?? throw S3Error.InvalidRequest.Because($"The {Header} header specifying the attributes to be retrieved is either missing or empty");
        var wanted = new HashSet<string>(StringComparer.Ordinal);
        foreach (string name in header.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!Known.Contains(name))
                throw S3Error.InvalidArgument.With("ArgumentName", Header, "Invalid attribute name specified.");
            wanted.Add(name);
        }

        return wanted;
    }

    private static uint Number(S3Request request, string header, uint absent)
        => request.Header(header) is not { } text ? absent
            : uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) && number <= int.MaxValue ? number
            : throw S3Error.InvalidArgument.With("ArgumentName", header);
}
