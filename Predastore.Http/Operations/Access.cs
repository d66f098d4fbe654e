using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>
/// Who may do what: the owner everything, others what a canned ACL of bucket or object gives them. Whatever is not given is denied.
/// </summary>
internal static class Access
{
    private const string PublicRead = "public-read";
    private const string PublicReadWrite = "public-read-write";
    private const string AuthenticatedRead = "authenticated-read";

    /// <summary>The canned ACLs that are understood.</summary>
    public static readonly string[] Canned =
        ["private", PublicRead, PublicReadWrite, AuthenticatedRead, "bucket-owner-read", "bucket-owner-full-control"];

    /// <summary>Denies unless the caller has the permission on the bucket.</summary>
    public static void Require(S3Request request, BucketRow bucket, Permission permission)
    {
        bool allowed = request.CallerId.Length > 0 && request.CallerId == bucket.Owner;
        allowed |= permission switch
        {
            Permission.Read => MayRead(bucket.Acl, request),
            Permission.Write => bucket.Acl == PublicReadWrite,
            // Decided on the object once it is known.
            Permission.ReadObject => true,
            Permission.Anyone => true,
            _ => false,
        };
        if (!allowed)
            throw new S3Exception(S3Error.AccessDenied);
    }

    /// <summary>Denies unless the caller may read the object.</summary>
    public static void RequireRead(S3Request request, BucketRow bucket, VersionRow version)
    {
        if (request.CallerId.Length > 0 && (request.CallerId == bucket.Owner || request.CallerId == version.Owner))
            return;
        if (!MayRead(version.Attributes?.Acl ?? "", request))
            throw new S3Exception(S3Error.AccessDenied);
    }

    /// <summary>
    /// What somebody learns of an object that is not there: only who may list the bucket learns that it is missing.
    /// </summary>
    public static void RequireToMiss(S3Request request, BucketRow bucket) => Require(request, bucket, Permission.Read);

    /// <summary>Reads and checks a canned ACL header; "" if there is none.</summary>
    public static string CannedAcl(S3Request request)
    {
        if (request.Headers.Keys.Any(name => name.StartsWith("x-amz-grant-", StringComparison.OrdinalIgnoreCase)))
            throw S3Error.NotImplemented.Because("Grants are not implemented; canned ACLs are.");
        string? acl = request.Header("x-amz-acl");
        if (acl is null)
            return "";
        return Canned.Contains(acl)
            ? acl
            : throw S3Error.InvalidArgument.With("ArgumentName", "x-amz-acl", $"{acl} is no canned ACL.");
    }

    private static bool MayRead(string acl, S3Request request)
        => acl is PublicRead or PublicReadWrite || (acl == AuthenticatedRead && request.CallerId.Length > 0);
}
