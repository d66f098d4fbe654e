using Predastore.Actors.Metadata;

namespace Predastore.Http.Operations;

/// <summary>
/// Access control lists: what canned ones stand for, and what a list allows. An owner needs no grant: a list can shut out everybody
/// but him.
/// </summary>
internal static class AccessLists
{
    public const string Read = "READ";
    public const string Write = "WRITE";
    public const string ReadAcp = "READ_ACP";
    public const string WriteAcp = "WRITE_ACP";
    public const string FullControl = "FULL_CONTROL";

    public const string AllUsers = "AllUsers";
    public const string AuthenticatedUsers = "AuthenticatedUsers";
    public const string LogDelivery = "LogDelivery";

    /// <summary>The five permissions.</summary>
    public static readonly IReadOnlyList<string> Permissions = [Read, Write, ReadAcp, WriteAcp, FullControl];

    /// <summary>The canned ACLs that are understood.</summary>
    public static readonly IReadOnlyList<string> Canned =
    [
        "private", "public-read", "public-read-write", "authenticated-read", "bucket-owner-read", "bucket-owner-full-control",
        "log-delivery-write",
    ];

    /// <summary>The grants on a bucket.</summary>
    public static IReadOnlyList<Grant> Of(BucketRow bucket) => Expand(bucket.Acl, bucket.Grants, bucket.Owner, bucket.Owner);

    /// <summary>The grants on an object.</summary>
    public static IReadOnlyList<Grant> Of(BucketRow bucket, VersionRow version)
        => Expand(version.Attributes?.Acl ?? "", version.Attributes?.Grants, version.Owner, bucket.Owner);

    /// <summary>True if a grant gives the caller the permission.</summary>
    public static bool Allow(IReadOnlyList<Grant> grants, S3Request request, string permission)
    {
        foreach (Grant grant in grants)
        {
            if ((grant.Permission == permission || grant.Permission == FullControl) && Covers(grant, request))
                return true;
        }

        return false;
    }

    private static bool Covers(Grant grant, S3Request request) => grant.Group switch
    {
        AllUsers => true,
        AuthenticatedUsers => request.CallerId.Length > 0,
        "" => request.CallerId.Length > 0 && request.CallerId == grant.Account,
        _ => false,
    };

    // Groups before accounts, and the bucket's owner last.
    private static IReadOnlyList<Grant> Expand(string canned, GrantList? grants, string owner, string bucketOwner)
    {
        if (grants is not null)
            return grants.Items;
        var own = new Grant { Account = owner, Permission = FullControl };
        return canned switch
        {
            "public-read" => [Group(AllUsers, Read), own],
            "public-read-write" => [Group(AllUsers, Read), Group(AllUsers, Write), own],
            "authenticated-read" => [Group(AuthenticatedUsers, Read), own],
            "log-delivery-write" => [Group(LogDelivery, Write), Group(LogDelivery, ReadAcp), own],
            "bucket-owner-read" when owner != bucketOwner => [own, new Grant { Account = bucketOwner, Permission = Read }],
            "bucket-owner-full-control" when owner != bucketOwner => [own, new Grant { Account = bucketOwner, Permission = FullControl }],
            _ => [own],
        };
    }

    private static Grant Group(string group, string permission) => new() { Group = group, Permission = permission };
}
