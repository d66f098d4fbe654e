using Microsoft.AspNetCore.Http;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Http.Auth;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>One authenticated and routed request, as an operation sees it. Lives as long as the request.</summary>
public sealed class S3Request
{
    /// <summary>Largest document of a setting.</summary>
    public const int DocumentBytesMax = 256 << 10;

    public required HttpContext Http { get; init; }

    public required RawTarget Target { get; init; }

    public required ResourceName Name { get; init; }

    public required Route Route { get; init; }

    public required AuthResult Auth { get; init; }

    public required IObjectStore Store { get; init; }

    public required IAccounts Accounts { get; init; }

    /// <summary>The cluster's region.</summary>
    public required string Region { get; init; }

    public required TimeProvider Time { get; init; }

    public required string RequestId { get; init; }

    public string Bucket => Name.Bucket;

    public string Key => Name.Key;

    public IHeaderDictionary Headers => Http.Request.Headers;

    /// <summary>The version that is named; "" for the current one.</summary>
    /// <exception cref="S3Exception">InvalidArgument for an empty id: whoever lost one on the way would hit the current version.</exception>
    public string VersionId => Target["versionId"] switch
    {
        null => "",
        "" => throw EmptyVersionId(),
        { } id => id,
    };

    public HttpResponse Response => Http.Response;

    public CancellationToken Cancel => Http.RequestAborted;

    /// <summary>The caller's account id; empty for nobody.</summary>
    public string CallerId => Auth.Account?.Id ?? "";

    /// <summary>A version id that is given and empty.</summary>
    public static S3Exception EmptyVersionId()
        => S3Error.InvalidArgument.With("ArgumentName", "versionId", "Version id cannot be the empty string");

    /// <summary>A header's value, or null if it is absent or empty.</summary>
    public string? Header(string name) => Headers.TryGetValue(name, out var value) && value.Count > 0 && value[0] is { Length: > 0 } text
        ? string.Join(",", value.ToArray())
        : null;

    /// <summary>A parameter's value, or null if it is absent or empty.</summary>
    public string? Query(string name) => Target[name] is { Length: > 0 } value ? value : null;

    /// <summary>The bucket, if the caller has this permission on it.</summary>
    /// <exception cref="S3Exception">NoSuchBucket, AccessDenied.</exception>
    public async Task<BucketRow> BucketAsync(Permission permission)
    {
        BucketRow bucket = await FindBucketAsync(Bucket);
        Access.Require(this, bucket, permission);
        return bucket;
    }

    /// <summary>A bucket, whoever may use it.</summary>
    public async Task<BucketRow> FindBucketAsync(string name)
    {
        QueryResult result = await Store.QueryAsync(new Query { GetBucket = new GetBucket { Name = name } }, Cancel);
        Results.Require(result.Code, result.Message);
        return result.Bucket;
    }

    /// <summary>Reads a document with this root.</summary>
    /// <exception cref="S3Exception">MissingRequestBodyError, MalformedXML, InvalidRequest without a digest that must be there.</exception>
    public async Task<XmlNode> ReadXmlAsync(string root, bool mustHaveDigest = false)
    {
        byte[] document = await ReadDocumentAsync(DocumentBytesMax, mustHaveDigest);
        return document.Length > 0 ? XmlNode.Parse(document, root) : throw new S3Exception(S3Error.MissingRequestBody);
    }

    /// <summary>Reads a small body whole, with everything the client declared of it verified.</summary>
    /// <exception cref="S3Exception">MalformedXML if it is longer.</exception>
    public async Task<byte[]> ReadDocumentAsync(int bytesMax, bool mustHaveDigest = false)
    {
        if (mustHaveDigest && !BodyHeaders.HasDigest(Headers))
            throw S3Error.InvalidRequest.Because("Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
        if (Http.Request.ContentLength is null or 0 && Header("x-amz-decoded-content-length") is null && Header("Transfer-Encoding") is null)
        {
            BodyHeaders.RequireEmpty(Auth);
            return [];
        }

        BodyExpectations expected = BodyHeaders.Read(Http.Request, Auth, ChecksumAlgorithm.ChecksumNone, long.MaxValue) with
        {
            LengthMax = bytesMax,
        };
        if (expected.Length > bytesMax)
            throw new S3Exception(S3Error.MalformedXml);
        await using VerifiedBody body = BodyHeaders.Open(Http.Request, Auth, expected);
        using var document = new MemoryStream();
        await body.CopyToAsync(document, Cancel);
        return document.ToArray();
    }

    /// <summary>Answers with a document.</summary>
    public async Task WriteAsync(Action<S3XmlWriter> write)
    {
        Response.ContentType = ErrorDocument.ContentType;
        write(new S3XmlWriter(Response.BodyWriter));
        await Response.BodyWriter.FlushAsync(Cancel);
    }

    /// <summary>Answers without a body.</summary>
    public Task Empty(int status)
    {
        Response.StatusCode = status;
        if (status != StatusCodes.Status204NoContent)
            Response.ContentLength = 0;
        return Task.CompletedTask;
    }
}
