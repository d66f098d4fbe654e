using System.Globalization;
using Google.Protobuf.Collections;
using Predastore.Actors.Metadata;
using Predastore.Http.Auth;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>Headers that describe an object, from a request into rows and back.</summary>
internal static class ObjectHeaders
{
    private const string MetaPrefix = "x-amz-meta-";
    private const int MetadataBytesMax = 2048;
    private const string ChunkedToken = "aws-chunked";

    private static readonly string[] StorageClasses =
        ["STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR"];

    /// <summary>What the client says of the object besides its bytes.</summary>
    /// <exception cref="S3Exception">MetadataTooLarge, InvalidStorageClass, InvalidArgument.</exception>
    public static Attributes Attributes(S3Request request)
    {
        var attributes = new Attributes
        {
            ContentType = HeaderText.Checked(request, "Content-Type"),
            CacheControl = HeaderText.Checked(request, "Cache-Control"),
            ContentDisposition = HeaderText.Checked(request, "Content-Disposition"),
            ContentEncoding = WithoutChunked(HeaderText.Checked(request, "Content-Encoding")),
            ContentLanguage = HeaderText.Checked(request, "Content-Language"),
            Expires = HeaderText.Checked(request, "Expires"),
            StorageClass = request.Header("x-amz-storage-class") ?? "",
            WebsiteRedirect = HeaderText.Checked(request, "x-amz-website-redirect-location"),
        };
        WantedAccess access = AccessHeaders.Read(request);
        (attributes.Acl, attributes.Grants) = (access.Canned, access.Grants);
        if (attributes.StorageClass.Length > 0 && !StorageClasses.Contains(attributes.StorageClass))
            throw new S3Exception(S3Error.InvalidStorageClass);
        int bytes = 0;
        foreach ((string name, var values) in request.Headers)
        {
            if (!name.StartsWith(MetaPrefix, StringComparison.OrdinalIgnoreCase))
                continue;
            var pair = new Pair { Name = name[MetaPrefix.Length..].ToLowerInvariant(), Value = string.Join(",", values.ToArray()) };
            HeaderText.Check(name, pair.Value);
            bytes += pair.Name.Length + pair.Value.Length;
            attributes.UserMetadata.Add(pair);
        }

        if (bytes > MetadataBytesMax)
            throw new S3Exception(S3Error.MetadataTooLarge);
        return attributes;
    }

    /// <summary>Tags of the <c>x-amz-tagging</c> header.</summary>
    public static void AddTags(S3Request request, RepeatedField<Pair> tags)
    {
        if (request.Header("x-amz-tagging") is not { } header)
            return;
        foreach (string item in header.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            int at = item.IndexOf('=');
            string name = at < 0 ? item : item[..at];
            string value = at < 0 ? "" : item[(at + 1)..];
            if (!PercentCoding.TryDecode(name, plusIsSpace: true, out string tag)
                || !PercentCoding.TryDecode(value, plusIsSpace: true, out string text))
                throw S3Error.InvalidArgument.With("ArgumentName", "x-amz-tagging");
            tags.Add(new Pair { Name = tag, Value = text });
        }

        Tagging.Check(tags, Tagging.ObjectTagsMax, S3Error.BadRequest);
    }

    /// <summary>Retention and legal hold asked for with a write.</summary>
    public static (Retention? Retention, bool? LegalHold) Lock(S3Request request)
    {
        string? mode = request.Header("x-amz-object-lock-mode");
        string? until = request.Header("x-amz-object-lock-retain-until-date");
        string? hold = request.Header("x-amz-object-lock-legal-hold");
        if (mode is null != until is null)
            throw S3Error.InvalidArgument.Because("x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied");
        if (hold is not (null or "ON" or "OFF"))
            throw S3Error.InvalidArgument.Because("Legal Hold must be either of 'ON' or 'OFF'");
        bool? held = hold is null ? null : hold == "ON";
        if (mode is null)
            return (null, held);
        if (!HttpDate.TryParseIso(until, out long untilMs))
            throw S3Error.InvalidArgument.Because("The retain until date must be provided in ISO 8601 format");
        return (new Retention
        {
            Mode = LockModes.Parse(mode) ?? throw S3Error.InvalidArgument.Because("Unknown wormMode directive."),
            UntilMs = untilMs,
        }, held);
    }

    /// <summary>Conditions of a write, decided when it is applied; null for none.</summary>
    public static Preconditions? WriteConditions(S3Request request)
    {
        string? match = request.Header("If-Match");
        string? noneMatch = request.Header("If-None-Match");
        if (match is null && noneMatch is null)
            return null;
        if (match is not null && noneMatch is not null)
            throw S3Error.NotImplemented.Because("A header you provided implies functionality that is not implemented.");
        var conditions = new Preconditions { IfNoneMatchAny = noneMatch == "*" };
        if (noneMatch is not (null or "*"))
            conditions.IfNoneMatch.AddRange(ETags.ParseList(noneMatch));
        if (match is not null)
            conditions.IfMatch.AddRange(ETags.ParseList(match));
        return conditions;
    }

    /// <summary>Writes everything that is known of a version.</summary>
    public static void Write(S3Request request, BucketRow bucket, VersionRow version)
    {
        var headers = request.Response.Headers;
        Attributes attributes = version.Attributes ?? new Attributes();
        request.Response.ContentType = Override(request, "response-content-type")
            ?? (attributes.ContentType.Length > 0 ? attributes.ContentType : "binary/octet-stream");
        Set("Cache-Control", Override(request, "response-cache-control") ?? attributes.CacheControl);
        Set("Content-Disposition", Override(request, "response-content-disposition") ?? attributes.ContentDisposition);
        Set("Content-Encoding", Override(request, "response-content-encoding") ?? attributes.ContentEncoding);
        Set("Content-Language", Override(request, "response-content-language") ?? attributes.ContentLanguage);
        Set("Expires", Override(request, "response-expires") ?? attributes.Expires);
        Set("x-amz-website-redirect-location", attributes.WebsiteRedirect);
        if (attributes.StorageClass is { Length: > 0 } and not "STANDARD")
            Set("x-amz-storage-class", attributes.StorageClass);
        foreach (Pair pair in attributes.UserMetadata)
            headers[MetaPrefix + pair.Name] = pair.Value;
        if (version.Tags.Count > 0)
            Set("x-amz-tagging-count", version.Tags.Count.ToString(CultureInfo.InvariantCulture));
        headers.ETag = ETags.Quote(version.Etag);
        headers.LastModified = HttpDate.Format(version.ModifiedMs);
        headers.AcceptRanges = "bytes";
        ServerSideEncryption.Write(request);
        WriteVersionId(request, bucket, version);
        if (version.Retention is { Mode: not LockMode.LockNone } retention)
        {
            Set("x-amz-object-lock-mode", LockModes.Name(retention.Mode));
            Set("x-amz-object-lock-retain-until-date", HttpDate.FormatIsoExact(retention.UntilMs));
        }

        if (version.LegalHold || version.LegalHoldKnown)
            Set("x-amz-object-lock-legal-hold", version.LegalHold ? "ON" : "OFF");

        void Set(string name, string value)
        {
            if (value.Length > 0)
                headers[name] = value;
        }
    }

    /// <summary>The version id, where the bucket has ever had versions.</summary>
    public static void WriteVersionId(S3Request request, BucketRow bucket, VersionRow version)
    {
        if (bucket.Versioning != Versioning.Off)
            request.Response.Headers["x-amz-version-id"] = VersionId.Format(version);
    }

    /// <summary>The version id of what was just written; S3 says nothing of a null version here.</summary>
    public static void WriteNewVersionId(S3Request request, VersionRow version)
    {
        if (!version.IsNull)
            request.Response.Headers["x-amz-version-id"] = VersionId.Format(version);
    }

    /// <summary>The checksum of a version.</summary>
    public static void WriteChecksum(S3Request request, Checksum? checksum, uint parts)
    {
        if (checksum is null || checksum.Algorithm == ChecksumAlgorithm.ChecksumNone)
            return;
        request.Response.Headers[ChecksumNames.Header(checksum.Algorithm)] = ChecksumNames.Text(checksum, parts);
        request.Response.Headers["x-amz-checksum-type"] = ChecksumNames.Name(checksum.Type);
    }

    private static string? Override(S3Request request, string parameter)
    {
        if (request.Query(parameter) is not { } value)
            return null;
        if (request.Auth.Mode == AuthMode.Anonymous)
            throw S3Error.InvalidRequest.Because("Request specific response headers cannot be used for anonymous GET requests.");
        string text = HeaderText.ToWire(value);
        HeaderText.Check(parameter, text);
        return text;
    }

    // Framing is no encoding of the object; the rest is kept as it came.
    private static string WithoutChunked(string encoding) => !encoding.Contains(ChunkedToken, StringComparison.OrdinalIgnoreCase)
        ? encoding
        : string.Join(", ", encoding.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Where(token => !token.Equals(ChunkedToken, StringComparison.OrdinalIgnoreCase)));
}
