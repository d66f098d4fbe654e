using System.Globalization;
using Microsoft.AspNetCore.Http;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>GET and HEAD object: conditions, then the range, then the first bytes, and only then a status.</summary>
internal static class GetObject
{
    public static async Task RunAsync(S3Request request)
    {
        bool head = HttpMethods.IsHead(request.Http.Request.Method);
        uint part = PartNumber(request);
        await using IObjectReader reader = await request.Store.OpenAsync(
            new GetVersion
            {
                Bucket = request.Bucket,
                Key = request.Key,
                VersionId = request.VersionId,
                PartNumber = part,
            },
            request.Cancel);
        QueryResult found = reader.Version;
        RequireFound(request, found);
        VersionRow version = found.Version;
        Access.RequireRead(request, found.Bucket, version);

        HttpResponse response = request.Response;
        if (NotModified(request, version))
        {
            response.Headers.ETag = ETags.Quote(version.Etag);
            response.Headers.LastModified = HttpDate.Format(version.ModifiedMs);
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        (long offset, long length, bool partial) = Range(request, found, part);
        if (!head && length > 0)
            await reader.StartAsync(offset, length, request.Cancel);
        ObjectHeaders.Write(request, found.Bucket, version);
        if (part > 0 && version.Parts > 0)
            response.Headers["x-amz-mp-parts-count"] = version.Parts.ToString(CultureInfo.InvariantCulture);
        WriteChecksum(request, found, part, partial);
        if (partial)
        {
            response.StatusCode = StatusCodes.Status206PartialContent;
            response.Headers.ContentRange = string.Create(
                CultureInfo.InvariantCulture, $"bytes {offset}-{offset + length - 1}/{version.Size}");
        }

        response.ContentLength = length;
        if (!head && length > 0)
            await reader.CopyToAsync(response.BodyWriter, request.Cancel);
    }

    /// <summary>Throws the error of a version that cannot be read, with the headers that go with it.</summary>
    public static void RequireFound(S3Request request, QueryResult found)
    {
        if (found.Code == ResultCode.ResultOk)
            return;
        if (found.Bucket is { } bucket)
            Access.RequireToMiss(request, bucket);
        if (found.Code == ResultCode.ResultNoSuchKey)
            request.Response.Headers["x-amz-delete-marker"] = "false";
        if (found.Version is { DeleteMarker: true } marker)
        {
            request.Response.Headers["x-amz-delete-marker"] = "true";
            request.Response.Headers["x-amz-version-id"] = VersionId.Format(marker);
            if (found.Code == ResultCode.ResultMethodNotAllowed)
                request.Response.Headers.LastModified = HttpDate.Format(marker.ModifiedMs);
        }

        throw Results.ErrorOf(found.Code, found.Message);
    }

    // Of the whole object or of the part that is asked for; there is none of a range.
    private static void WriteChecksum(S3Request request, QueryResult found, uint part, bool partial)
    {
        if (!string.Equals(request.Header("x-amz-checksum-mode"), "ENABLED", StringComparison.OrdinalIgnoreCase))
            return;
        VersionRow version = found.Version;
        if (part > 0 && found.Parts.FirstOrDefault()?.Row.Checksum is { } one)
            ObjectHeaders.WriteChecksum(request, new Checksum(one) { Type = version.Checksum?.Type ?? one.Type }, 0);
        else if (!partial || (part > 0 && version.Parts == 0))
            ObjectHeaders.WriteChecksum(request, version.Checksum, version.Parts);
    }

    private static uint PartNumber(S3Request request)
    {
        if (request.Query("partNumber") is not { } text)
            return 0;
        if (request.Header("Range") is not null)
            throw S3Error.InvalidRequest.Because("Cannot specify both Range header and partNumber query parameter");
        return uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint part) && part is >= 1 and <= 10_000
            ? part
            : throw S3Error.InvalidArgument.With("ArgumentName", "partNumber");
    }

    private static bool NotModified(S3Request request, VersionRow version)
    {
        var conditions = new ReadConditions(
            request.Header("If-Match"), request.Header("If-None-Match"),
            request.Header("If-Modified-Since"), request.Header("If-Unmodified-Since"));
        return conditions.Evaluate(version.Etag, version.ModifiedMs, request.Time.GetUtcNow().ToUnixTimeMilliseconds()) switch
        {
            ConditionOutcome.Failed => throw S3Error.PreconditionFailed.With(
                "Condition", conditions.IfMatch is not null ? "If-Match" : "If-Unmodified-Since"),
            ConditionOutcome.NotModified => true,
            _ => false,
        };
    }

    private static (long Offset, long Length, bool Partial) Range(S3Request request, QueryResult found, uint part)
    {
        VersionRow version = found.Version;
        long size = (long)version.Size;
        if (part > 0)
        {
            return found.Parts.FirstOrDefault() is { } one
                ? ((long)one.Row.Offset, (long)one.Row.Size, one.Row.Size > 0)
                : (0, size, size > 0);
        }

        if (!ByteRange.TryParse(request.Header("Range"), out ByteRange range)
            || !ReadConditions.RangeApplies(request.Header("If-Range"), version.Etag, version.ModifiedMs))
            return (0, size, false);
        if (range.TryResolve(size, out long offset, out long length))
            return (offset, length, true);
        request.Response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes */{size}");
        throw S3Error.InvalidRange.With("ActualObjectSize", size.ToString(CultureInfo.InvariantCulture));
    }
}
