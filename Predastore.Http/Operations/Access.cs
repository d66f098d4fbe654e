using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>
/// Who may do what: the owner of a bucket everything in it, the owner of an object everything with it, others what an access control
/// list gives them. Whatever is not given is denied.
/// </summary>
internal static class Access
{
    private const string ExpectedOwner = "x-amz-expected-bucket-owner";
    private const string SourceExpectedOwner = "x-amz-source-expected-bucket-owner";

    /// <summary>Denies unless the caller has the permission on the bucket.</summary>
    public static void Require(S3Request request, BucketRow bucket, Permission permission)
    {
        if (Owns(request, bucket.Owner))
            return;
        if (Grant(permission) is not { } grant || !AccessLists.Allow(AccessLists.Of(bucket), request, grant))
            throw new S3Exception(S3Error.AccessDenied);
    }

    /// <summary>Denies unless the caller has the permission on the object.</summary>
    public static void Require(S3Request request, BucketRow bucket, VersionRow version, Permission permission)
    {
        if (Owns(request, bucket.Owner) || Owns(request, version.Owner))
            return;
        if (Grant(permission) is not { } grant || !AccessLists.Allow(AccessLists.Of(bucket, version), request, grant))
            throw new S3Exception(S3Error.AccessDenied);
    }

    /// <summary>Denies unless the caller may read the object.</summary>
    public static void RequireRead(S3Request request, BucketRow bucket, VersionRow version)
        => Require(request, bucket, version, Permission.ReadObject);

    /// <summary>
    /// What somebody learns of an object that is not there: only who may list the bucket learns that it is missing.
    /// </summary>
    public static void RequireToMiss(S3Request request, BucketRow bucket) => Require(request, bucket, Permission.Read);

    /// <summary>Denies if the client says whose the bucket should be and it is another's.</summary>
    public static async Task RequireExpectedOwnerAsync(S3Request request)
    {
        if (request.Bucket.Length == 0 || request.Route.Operation == S3Operation.CreateBucket || request.Header(ExpectedOwner) is not { } expected)
            return;
        if ((await request.FindBucketAsync(request.Bucket)).Owner != expected)
            throw new S3Exception(S3Error.AccessDenied);
    }

    /// <summary>Denies if the client says whose the bucket of a copy source should be and it is another's.</summary>
    public static void RequireExpectedSourceOwner(S3Request request, BucketRow source)
    {
        if (request.Header(SourceExpectedOwner) is { } expected && source.Owner != expected)
            throw new S3Exception(S3Error.AccessDenied);
    }

    /// <summary>True if the caller is this account, and not nobody.</summary>
    public static bool Owns(S3Request request, string owner) => request.CallerId.Length > 0 && request.CallerId == owner;

    private static string? Grant(Permission permission) => permission switch
    {
        Permission.Read or Permission.ReadObject => AccessLists.Read,
        Permission.Write => AccessLists.Write,
        Permission.ReadAcp => AccessLists.ReadAcp,
        Permission.WriteAcp => AccessLists.WriteAcp,
        _ => null,
    };
}
