using Microsoft.AspNetCore.Http;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>PUT object: everything that can refuse it is looked at before the first byte of the body is read.</summary>
internal static class PutObject
{
    /// <summary>Largest object in one PUT.</summary>
    public const long BytesMax = 5L << 30;

    public static async Task RunAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.Write);
        BodyExpectations expected = BodyHeaders.Read(
            request.Http.Request, request.Auth, ChecksumAlgorithm.ChecksumNone, BytesMax);
        var put = new PutVersion
        {
            Bucket = bucket.Name,
            BucketId = bucket.Id,
            Version = NewVersion(request, bucket),
            Preconditions = ObjectHeaders.WriteConditions(request),
        };
        await RefuseEarlyAsync(request, put.Preconditions);

        await using VerifiedBody body = BodyHeaders.Open(request.Http.Request, request.Auth, expected);
        await using IStagedObject staged = await request.Store.StageAsync(bucket, body, expected.Length, request.Cancel);
        put.Version.Etag = body.ETag;
        put.Version.Checksum = body.Digest.Checksum;
        CommandResult result = await request.Store.PutAsync(staged, put, request.Cancel);
        Results.Require(result.Code, result.Message);

        request.Response.Headers.ETag = ETags.Quote(body.ETag);
        ObjectHeaders.WriteChecksum(request, body.Digest.Checksum, 0);
        ObjectHeaders.WriteNewVersionId(request, result.Version);
        ServerSideEncryption.Write(request);
        await request.Empty(StatusCodes.Status200OK);
    }

    /// <summary>A version as far as headers describe it. Who may only write to the bucket may not lock what he writes.</summary>
    public static VersionRow NewVersion(S3Request request, BucketRow bucket)
    {
        (Retention? retention, bool? hold) = ObjectHeaders.Lock(request);
        if (retention is not null || hold == true)
            Access.Require(request, bucket, Permission.Owner);
        var version = new VersionRow
        {
            Key = request.Key,
            Owner = request.CallerId,
            Attributes = ObjectHeaders.Attributes(request),
            Retention = retention,
            LegalHold = hold == true,
            LegalHoldKnown = hold is not null,
        };
        ObjectHeaders.AddTags(request, version.Tags);
        return version;
    }

    // Only spares the client its upload: what counts is decided again when the write is applied.
    private static async Task RefuseEarlyAsync(S3Request request, Preconditions? conditions)
    {
        if (conditions is null)
            return;
        QueryResult current = await request.Store.QueryAsync(
            new Query { GetVersion = new GetVersion { Bucket = request.Bucket, Key = request.Key } }, request.Cancel);
        bool exists = current.Code == ResultCode.ResultOk;
        if (conditions.IfNoneMatchAny && exists)
            throw S3Error.PreconditionFailed.With("Condition", "If-None-Match");
        if (exists && conditions.IfNoneMatch.Contains(current.Version.Etag))
            throw S3Error.PreconditionFailed.With("Condition", "If-None-Match");
        if (conditions.IfMatch.Count == 0)
            return;
        if (!exists)
            throw new S3Exception(S3Error.NoSuchKey);
        if (!conditions.IfMatch.Contains("*") && !conditions.IfMatch.Contains(current.Version.Etag))
            throw S3Error.PreconditionFailed.With("Condition", "If-Match");
    }
}
