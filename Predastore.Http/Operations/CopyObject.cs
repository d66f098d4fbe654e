using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>PUT object with x-amz-copy-source: another reference to the same bytes.</summary>
internal static class CopyObject
{
    public static async Task RunAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.Write);
        bool replace = Replaces(request, "x-amz-metadata-directive");
        bool replaceTags = Replaces(request, "x-amz-tagging-directive");
        VersionRow version = PutObject.NewVersion(request, bucket);
        var put = new PutVersion
        {
            Bucket = bucket.Name,
            BucketId = bucket.Id,
            Version = version,
            Preconditions = ObjectHeaders.WriteConditions(request),
        };
        await using IObjectReader source = await CopySources.OpenAsync(request);
        VersionRow from = source.Version.Version;
        if ((long)from.Size > PutObject.BytesMax)
            throw S3Error.InvalidRequest.Because("The specified copy source is larger than the maximum allowable size for a copy source: 5368709120");
        if (from.BucketId == bucket.Id && from.Key == request.Key && !replace && request.Header("x-amz-storage-class") is null
            && request.Header("x-amz-website-redirect-location") is null && !ServerSideEncryption.IsAsked(request) && source.Version.IsLatest)
        {
            throw S3Error.InvalidRequest.Because(
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.");
        }

        if (!replace)
            version.Attributes = Inherit(version.Attributes, from.Attributes);
        if (!replaceTags)
        {
            // Tags are the owners', and whoever makes the copy could read them there.
            if (from.Tags.Count > 0)
                Access.Require(request, source.Version.Bucket, from, Permission.Owner);
            version.Tags.Clear();
            version.Tags.AddRange(from.Tags);
        }

        version.Etag = from.Etag;
        version.Checksum = from.Checksum;
        CommandResult result = await request.Store.CopyAsync(source, bucket, put, request.Cancel);
        Results.Require(result.Code, result.Message);
        if (source.Version.Bucket.Versioning != Versioning.Off)
            request.Response.Headers["x-amz-copy-source-version-id"] = VersionId.Format(from);
        ObjectHeaders.WriteNewVersionId(request, result.Version);
        ServerSideEncryption.Write(request);
        await request.WriteAsync(xml =>
        {
            xml.Declaration().Root("CopyObjectResult").Time("LastModified", result.Version.ModifiedMs)
                .Element("ETag", ETags.Quote(result.Version.Etag));
            if (result.Version.Checksum is { Algorithm: not ChecksumAlgorithm.ChecksumNone } checksum)
            {
                xml.Element(ChecksumNames.Element(checksum.Algorithm), ChecksumNames.Text(checksum, result.Version.Parts))
                    .Element("ChecksumType", ChecksumNames.Name(checksum.Type));
            }

            xml.Close();
        });
    }

    private static bool Replaces(S3Request request, string directive) => request.Header(directive) switch
    {
        null or "COPY" => false,
        "REPLACE" => true,
        _ => throw S3Error.InvalidArgument.With("ArgumentName", directive, "Unknown directive."),
    };

    private static Attributes Inherit(Attributes asked, Attributes? source)
    {
        Attributes inherited = source?.Clone() ?? new Attributes();
        (inherited.Acl, inherited.Grants) = (asked.Acl, asked.Grants);
        inherited.WebsiteRedirect = asked.WebsiteRedirect;
        inherited.StorageClass = asked.StorageClass;
        return inherited;
    }
}

/// <summary>The <c>x-amz-copy-source</c> header: <c>[/]bucket/key[?versionId=id]</c>, percent-encoded once.</summary>
internal static class CopySources
{
    /// <summary>Opens the source, if the caller may read it and its conditions hold.</summary>
    public static async Task<IObjectReader> OpenAsync(S3Request request)
    {
        (string bucket, string key, string versionId) = Parse(HeaderText.FromWire(request.Header(Routes.CopySource) ?? throw Wrong()));
        IObjectReader source = await request.Store.OpenAsync(
            new GetVersion { Bucket = bucket, Key = key, VersionId = versionId }, request.Cancel);
        try
        {
            Require(request, source.Version);
            return source;
        }
        catch
        {
            await source.DisposeAsync();
            throw;
        }
    }

    /// <summary>Reads the header's text. An escaped question mark belongs to the key.</summary>
    /// <exception cref="S3Exception">InvalidArgument, KeyTooLongError.</exception>
    public static (string Bucket, string Key, string VersionId) Parse(string header)
    {
        string path = header;
        string versionId = "";
        int at = header.IndexOf("?versionId=", StringComparison.Ordinal);
        if (at >= 0)
        {
            (path, versionId) = (header[..at], header[(at + "?versionId=".Length)..]);
            if (versionId.Length == 0)
                throw S3Request.EmptyVersionId();
        }

        if (!PercentCoding.TryDecode(path, plusIsSpace: false, out string decoded))
            throw Wrong();
        decoded = decoded.TrimStart('/');
        int slash = decoded.IndexOf('/');
        if (slash <= 0 || slash == decoded.Length - 1)
            throw Wrong();
        string key = decoded[(slash + 1)..];
        ResourceName.CheckKey(key);
        return (decoded[..slash], key, versionId);
    }

    private static void Require(S3Request request, QueryResult found)
    {
        if (found.Code != ResultCode.ResultOk && found.Bucket is { } bucket)
            Access.RequireToMiss(request, bucket);
        if (found.Code == ResultCode.ResultMethodNotAllowed)
            throw S3Error.InvalidRequest.Because("The source of a copy request may not specifically refer to a delete marker by version id.");
        Results.Require(found.Code, found.Message);
        Access.RequireRead(request, found.Bucket, found.Version);
        Access.RequireExpectedSourceOwner(request, found.Bucket);
        var conditions = new ReadConditions(
            request.Header("x-amz-copy-source-if-match"), request.Header("x-amz-copy-source-if-none-match"),
            request.Header("x-amz-copy-source-if-modified-since"), request.Header("x-amz-copy-source-if-unmodified-since"));
        long now = request.Time.GetUtcNow().ToUnixTimeMilliseconds();
        if (conditions.Evaluate(found.Version.Etag, found.Version.ModifiedMs, now) != ConditionOutcome.Proceed)
            throw new S3Exception(S3Error.PreconditionFailed);
    }

    private static S3Exception Wrong() => S3Error.InvalidArgument.With(
        "ArgumentName", Routes.CopySource, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
}
