using System.Globalization;
using Microsoft.AspNetCore.Http;
using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>
/// DELETE object: a missing key is deleted already. Whoever may only write to a bucket may hide objects and write over them; to delete
/// a version for ever is its owner's.
/// </summary>
internal static class DeleteObject
{
    public static async Task RunAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.Write);
        string versionId = request.VersionId;
        if (versionId.Length > 0)
            Access.Require(request, bucket, Permission.Owner);
        var delete = new DeleteVersions
        {
            Bucket = bucket.Name,
            BucketId = bucket.Id,
            Owner = request.CallerId,
            BypassGovernance = Bypass(request, bucket),
        };
        delete.Items.Add(new DeleteItem
        {
            Key = request.Key,
            VersionId = versionId,
            Preconditions = Conditions(request),
        });
        CommandResult result = await request.Store.ExecuteAsync(new Command { DeleteVersions = delete }, request.Cancel);
        Results.Require(result.Code, result.Message);
        DeleteResult outcome = result.Deletes[0];
        Results.Require(outcome.Code);
        WriteOutcome(request, outcome);
        await request.Empty(StatusCodes.Status204NoContent);
    }

    /// <summary>Governance is bypassed only if asked for, and only by the owner.</summary>
    public static bool Bypass(S3Request request, BucketRow bucket)
        => string.Equals(request.Header("x-amz-bypass-governance-retention"), "true", StringComparison.OrdinalIgnoreCase)
            && Access.Owns(request, bucket.Owner);

    private static void WriteOutcome(S3Request request, DeleteResult outcome)
    {
        if (outcome.DeleteMarker)
            request.Response.Headers["x-amz-delete-marker"] = "true";
        string version = outcome.MarkerVersionId.Length > 0 ? outcome.MarkerVersionId : outcome.VersionId;
        if (version.Length > 0)
            request.Response.Headers["x-amz-version-id"] = version;
    }

    private static Preconditions? Conditions(S3Request request)
    {
        string? match = request.Header("If-Match");
        string? size = request.Header("x-amz-if-match-size");
        string? modified = request.Header("x-amz-if-match-last-modified-time");
        if (match is null && size is null && modified is null)
            return null;
        var conditions = new Preconditions();
        if (match is not null)
            conditions.IfMatch.AddRange(ETags.ParseList(match));
        if (size is not null)
        {
            conditions.IfMatchSize = ulong.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out ulong bytes)
                ? bytes
                : throw S3Error.InvalidArgument.With("ArgumentName", "x-amz-if-match-size");
        }

        if (modified is not null)
        {
            conditions.IfMatchModifiedMs = HttpDate.TryParse(modified, out long ms)
                ? ms
                : throw S3Error.InvalidArgument.With("ArgumentName", "x-amz-if-match-last-modified-time");
        }

        return conditions;
    }
}
