using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>GET bucket, versions 1 and 2 of the listing.</summary>
internal static class ListObjects
{
    public static async Task RunAsync(S3Request request)
    {
        await request.BucketAsync(Permission.Read);
        var listing = new Listing(request);
        string marker = request.Query("marker") ?? "";
        QueryResult page = await PageAsync(request, listing, marker);
        await request.WriteAsync(xml =>
        {
            xml.Declaration().Root("ListBucketResult").Element("Name", request.Bucket)
                .Element("Prefix", listing.Text(listing.Prefix)).Element("Marker", listing.Text(marker))
                .Element("MaxKeys", listing.Limit);
            if (listing.Delimiter.Length > 0)
                xml.Element("Delimiter", listing.Text(listing.Delimiter));
            listing.WriteEncoding(xml);
            xml.Element("IsTruncated", page.Truncated);
            if (page.Truncated && listing.Delimiter.Length > 0)
                xml.Element("NextMarker", listing.Text(page.NextAfter));
            listing.WriteContents(xml, request, page.Entries, withOwner: true);
            listing.WritePrefixes(xml, page.Entries);
            xml.Close();
        });
    }

    public static async Task RunV2Async(S3Request request)
    {
        await request.BucketAsync(Permission.Read);
        var listing = new Listing(request);
        string? token = request.Query("continuation-token");
        string? startAfter = request.Query("start-after");
        QueryResult page = await PageAsync(request, listing, token is null ? startAfter ?? "" : Listing.FromToken(token));
        bool withOwner = string.Equals(request.Query("fetch-owner"), "true", StringComparison.OrdinalIgnoreCase);
        await request.WriteAsync(xml =>
        {
            xml.Declaration().Root("ListBucketResult").Element("Name", request.Bucket)
                .Element("Prefix", listing.Text(listing.Prefix)).Element("MaxKeys", listing.Limit)
                .Element("KeyCount", page.Entries.Count);
            if (listing.Delimiter.Length > 0)
                xml.Element("Delimiter", listing.Text(listing.Delimiter));
            listing.WriteEncoding(xml);
            if (request.Target.Has("continuation-token"))
                xml.Element("ContinuationToken", token ?? "");
            xml.Element("StartAfter", startAfter is null ? null : listing.Text(startAfter)).Element("IsTruncated", page.Truncated);
            if (page.Truncated)
                xml.Element("NextContinuationToken", Listing.Token(page.NextAfter));
            listing.WriteContents(xml, request, page.Entries, withOwner);
            listing.WritePrefixes(xml, page.Entries);
            xml.Close();
        });
    }

    private static async Task<QueryResult> PageAsync(S3Request request, Listing listing, string after)
    {
        QueryResult page = await request.Store.QueryAsync(
            new Query
            {
                ListVersions = new ListVersions
                {
                    Bucket = request.Bucket,
                    Prefix = listing.Prefix,
                    Delimiter = listing.Delimiter,
                    After = after,
                    Limit = (uint)listing.Limit,
                },
            },
            request.Cancel);
        Results.Require(page.Code, page.Message);
        return page;
    }
}

/// <summary>GET bucket?versions.</summary>
internal static class ListObjectVersions
{
    public static async Task RunAsync(S3Request request)
    {
        await request.BucketAsync(Permission.Read);
        var listing = new Listing(request);
        string keyMarker = request.Query("key-marker") ?? "";
        string versionMarker = request.Query("version-id-marker") ?? "";
        if (versionMarker.Length > 0 && keyMarker.Length == 0)
            throw S3Error.InvalidArgument.With("ArgumentName", "version-id-marker", "A version-id marker cannot be specified without a key marker.");
        QueryResult page = await request.Store.QueryAsync(
            new Query
            {
                ListVersions = new ListVersions
                {
                    Bucket = request.Bucket,
                    Prefix = listing.Prefix,
                    Delimiter = listing.Delimiter,
                    After = keyMarker,
                    AfterVersion = versionMarker,
                    Limit = (uint)listing.Limit,
                    AllVersions = true,
                },
            },
            request.Cancel);
        Results.Require(page.Code, page.Message);
        await request.WriteAsync(xml =>
        {
            xml.Declaration().Root("ListVersionsResult").Element("Name", request.Bucket)
                .Element("Prefix", listing.Text(listing.Prefix)).Element("KeyMarker", listing.Text(keyMarker))
                .Element("VersionIdMarker", versionMarker).Element("MaxKeys", listing.Limit);
            if (listing.Delimiter.Length > 0)
                xml.Element("Delimiter", listing.Text(listing.Delimiter));
            listing.WriteEncoding(xml);
            xml.Element("IsTruncated", page.Truncated);
            if (page.Truncated)
                xml.Element("NextKeyMarker", listing.Text(page.NextAfter)).Element("NextVersionIdMarker", page.NextAfterVersion);
            foreach (ListEntry entry in page.Entries.Where(entry => entry.CommonPrefix.Length == 0))
                Write(xml, request, listing, entry);
            listing.WritePrefixes(xml, page.Entries);
            xml.Close();
        });
    }

    private static void Write(S3XmlWriter xml, S3Request request, Listing listing, ListEntry entry)
    {
        VersionRow version = entry.Version;
        xml.Open(version.DeleteMarker ? "DeleteMarker" : "Version").Element("Key", listing.Text(version.Key))
            .Element("VersionId", VersionId.Format(version)).Element("IsLatest", entry.IsLatest)
            .Time("LastModified", version.ModifiedMs);
        if (!version.DeleteMarker)
        {
            xml.Element("ETag", ETags.Quote(version.Etag)).Element("Size", (long)version.Size)
                .Element("StorageClass", Listing.StorageClass(version));
        }

        Owners.Write(xml, "Owner", request, version.Owner);
        xml.Close();
    }
}
