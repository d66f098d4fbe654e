using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>The version that key and <c>versionId</c> of a request name, for what is not its bytes.</summary>
internal static class NamedVersion
{
    /// <summary>Finds it, if the caller has the permission.</summary>
    /// <exception cref="S3Exception">NoSuchBucket, NoSuchKey, NoSuchVersion, MethodNotAllowed for a delete marker, AccessDenied.</exception>
    public static async Task<QueryResult> FindAsync(S3Request request, Permission permission)
    {
        QueryResult found = await request.Store.QueryAsync(
            new Query
            {
                GetVersion = new GetVersion { Bucket = request.Bucket, Key = request.Key, VersionId = request.VersionId },
            },
            request.Cancel);
        GetObject.RequireFound(request, found);
        Access.Require(request, found.Bucket, found.Version, permission);
        return found;
    }

    /// <summary>
    /// A change of it, to be filled in. Whoever may change it only as this version's owner changes this version or none: another one
    /// may have been written since.
    /// </summary>
    public static UpdateVersion Update(S3Request request, QueryResult found)
    {
        var update = new UpdateVersion
        {
            Bucket = request.Bucket, BucketId = found.Bucket.Id, Key = request.Key, VersionId = request.VersionId,
        };
        if (request.CallerId != found.Bucket.Owner)
            update.Position = found.Version.Position;
        return update;
    }

    /// <summary>Carries the change out.</summary>
    public static async Task ExecuteAsync(S3Request request, QueryResult found, UpdateVersion update)
    {
        CommandResult result = await request.Store.ExecuteAsync(new Command { UpdateVersion = update }, request.Cancel);
        Results.Require(result.Code, result.Message);
        ObjectHeaders.WriteVersionId(request, found.Bucket, result.Version);
    }
}
