using System.Collections.Frozen;
using Microsoft.AspNetCore.Http;

namespace Predastore.Http.Protocol;

/// <summary>What a route hangs on.</summary>
public enum RouteScope
{
    Service,
    Bucket,
    Object,
}

/// <summary>What a caller must be allowed to do.</summary>
public enum Permission
{
    /// <summary>Any account.</summary>
    Account,

    /// <summary>List the bucket.</summary>
    Read,

    /// <summary>Read an object.</summary>
    ReadObject,

    /// <summary>Write or delete objects of the bucket.</summary>
    Write,

    /// <summary>Read the access control list.</summary>
    ReadAcp,

    /// <summary>Write the access control list.</summary>
    WriteAcp,

    /// <summary>What only the owner of the bucket may.</summary>
    Owner,

    /// <summary>What anybody may, without credentials.</summary>
    Anyone,
}

/// <summary>One row of the route table.</summary>
/// <param name="Subresource">The query parameter that selects it; "" for none.</param>
/// <param name="Header">A header that selects it; null for none.</param>
/// <param name="Missing">For what is not implemented: the answer once the caller is allowed.</param>
public sealed record Route(
    RouteScope Scope, string Method, string Subresource, S3Operation Operation, Permission Permission,
    string? Header = null, S3Error? Missing = null)
{
    /// <summary>True if it may change something.</summary>
    public bool Writes => Method is "PUT" or "POST" or "DELETE";
}

/// <summary>
/// The one route table: method, sub-resource and header to an operation. A recognised sub-resource never falls through to the
/// plain document: <c>PUT ?acl</c> that overwrites the object is how gateways lose data.
/// </summary>
public static class Routes
{
    /// <summary>A copy instead of a body.</summary>
    public const string CopySource = "x-amz-copy-source";

    private const string Append = "x-amz-write-offset-bytes";
    private const string PartNumber = "partNumber";
    private const string ListType = "list-type";

    private static readonly (string Name, S3Error Missing)[] BucketSubresources =
    [
        ("accelerate", S3Error.NotImplemented),
        ("analytics", S3Error.NotImplemented),
        ("cors", S3Error.NoSuchCorsConfiguration),
        ("encryption", S3Error.NoSuchEncryptionConfiguration),
        ("intelligent-tiering", S3Error.NotImplemented),
        ("inventory", S3Error.NotImplemented),
        ("lifecycle", S3Error.NoSuchLifecycleConfiguration),
        ("logging", S3Error.NotImplemented),
        ("metadataConfiguration", S3Error.NotImplemented),
        ("metadataTable", S3Error.NotImplemented),
        ("metrics", S3Error.NotImplemented),
        ("notification", S3Error.NotImplemented),
        ("ownershipControls", S3Error.NoSuchOwnershipControls),
        ("policy", S3Error.NoSuchBucketPolicy),
        ("policyStatus", S3Error.NoSuchBucketPolicy),
        ("publicAccessBlock", S3Error.NoSuchPublicAccessBlock),
        ("replication", S3Error.NoSuchReplicationConfiguration),
        ("requestPayment", S3Error.NotImplemented),
        ("session", S3Error.NotImplemented),
        ("website", S3Error.NoSuchWebsiteConfiguration),
    ];

    private static readonly string[] ObjectSubresources = ["encryption", "renameObject", "restore", "select", "torrent"];

    /// <summary>All routes.</summary>
    public static readonly IReadOnlyList<Route> All = Build();

    private static readonly FrozenDictionary<(RouteScope, string, string), Route[]> Table = All
        .GroupBy(route => (route.Scope, route.Method, route.Subresource))
        .ToFrozenDictionary(group => group.Key, group => group.OrderBy(route => route.Header is null).ToArray());

    private static readonly FrozenDictionary<RouteScope, FrozenSet<string>> Known = All
        .GroupBy(route => route.Scope)
        .ToFrozenDictionary(group => group.Key, group => group.Select(route => route.Subresource).Where(name => name.Length > 0).ToFrozenSet());

    // Sub-resources of a bucket that somebody put behind a key, and the other way round: refused, never the plain document.
    private static readonly FrozenSet<string> KnownAnywhere =
        Known.Values.SelectMany(names => names).Where(name => name != ListType).ToFrozenSet();

    /// <summary>Finds the route of a request.</summary>
    /// <exception cref="S3Exception">MethodNotAllowed; InvalidArgument where sub-resources contradict each other.</exception>
    public static Route Find(string method, in ResourceName name, RawTarget target, IHeaderDictionary headers)
    {
        RouteScope scope = name.Bucket.Length == 0 ? RouteScope.Service : name.Key.Length == 0 ? RouteScope.Bucket : RouteScope.Object;
        string subresource = Subresource(scope, method, target);
        if (Table.TryGetValue((scope, method, subresource), out Route[]? routes))
        {
            foreach (Route route in routes)
            {
                if (route.Header is null || headers.ContainsKey(route.Header))
                    return route;
            }
        }

        throw new S3Exception(S3Error.MethodNotAllowed);
    }

    private static string Subresource(RouteScope scope, string method, RawTarget target)
    {
        string found = "";
        if (!Known.TryGetValue(scope, out FrozenSet<string>? known))
            return found;
        foreach (QueryParameter parameter in target.Parameters)
        {
            string name = parameter.Name;
            if (!known.Contains(name))
            {
                if (KnownAnywhere.Contains(name))
                    throw new S3Exception(S3Error.MethodNotAllowed);
                continue;
            }

            if (name == found || (name == ListType && parameter.Value != "2"))
                continue;
            if (found.Length > 0)
                throw S3Error.InvalidArgument.With("ResourceType", name, $"Conflicting query string parameters: {found}, {name}");
            found = name;
        }

        // A part whose upload id was lost on the way would otherwise replace the object.
        if (found.Length == 0 && method == "PUT" && target.Has(PartNumber))
            throw S3Error.InvalidArgument.With("ArgumentName", PartNumber, $"{PartNumber} needs an uploadId.");
        return found;
    }

    private static List<Route> Build()
    {
        var all = new List<Route>
        {
            new(RouteScope.Service, "GET", "", S3Operation.ListBuckets, Permission.Account),
        };
        Bucket("GET", "", S3Operation.ListObjects, Permission.Read);
        Bucket("GET", ListType, S3Operation.ListObjectsV2, Permission.Read);
        Bucket("GET", "versions", S3Operation.ListObjectVersions, Permission.Read);
        Bucket("GET", "uploads", S3Operation.ListMultipartUploads, Permission.Read);
        Bucket("GET", "location", S3Operation.GetBucketLocation, Permission.Read);
        Bucket("HEAD", "", S3Operation.HeadBucket, Permission.Read);
        Bucket("PUT", "", S3Operation.CreateBucket, Permission.Account);
        Bucket("DELETE", "", S3Operation.DeleteBucket, Permission.Owner);
        Bucket("POST", "delete", S3Operation.DeleteObjects, Permission.Write);
        Bucket("POST", "", S3Operation.PostObject, Permission.Write);
        Bucket("GET", "versioning", S3Operation.GetBucketVersioning, Permission.Owner);
        Bucket("PUT", "versioning", S3Operation.PutBucketVersioning, Permission.Owner);
        Bucket("GET", "tagging", S3Operation.GetBucketTagging, Permission.Owner);
        Bucket("PUT", "tagging", S3Operation.PutBucketTagging, Permission.Owner);
        Bucket("DELETE", "tagging", S3Operation.DeleteBucketTagging, Permission.Owner);
        Bucket("GET", "acl", S3Operation.GetBucketAcl, Permission.ReadAcp);
        Bucket("PUT", "acl", S3Operation.PutBucketAcl, Permission.WriteAcp);
        Bucket("GET", "object-lock", S3Operation.GetObjectLockConfiguration, Permission.Owner);
        Bucket("PUT", "object-lock", S3Operation.PutObjectLockConfiguration, Permission.Owner);
        Bucket("GET", "policyStatus", S3Operation.GetBucketPolicyStatus, Permission.Owner);
        Bucket("GET", "accelerate", S3Operation.GetBucketAccelerateConfiguration, Permission.Owner);
        Bucket("GET", "logging", S3Operation.GetBucketLogging, Permission.Owner);
        Bucket("GET", "notification", S3Operation.GetBucketNotification, Permission.Owner);
        Bucket("GET", "requestPayment", S3Operation.GetBucketRequestPayment, Permission.Owner);
        foreach ((string name, S3Error missing) in BucketSubresources)
        {
            foreach (string method in (string[])["GET", "PUT", "POST", "DELETE"])
            {
                if (!all.Exists(route => route.Scope == RouteScope.Bucket && route.Method == method && route.Subresource == name))
                    all.Add(new Route(RouteScope.Bucket, method, name, S3Operation.BucketSubresource, Permission.Owner,
                        Missing: method == "GET" ? missing : S3Error.NotImplemented));
            }
        }

        Object("GET", "", S3Operation.GetObject, Permission.ReadObject);
        Object("HEAD", "", S3Operation.HeadObject, Permission.ReadObject);
        Object("PUT", "", S3Operation.PutObject, Permission.Write);
        Object("PUT", "", S3Operation.CopyObject, Permission.Write, CopySource);
        all.Add(new Route(RouteScope.Object, "PUT", "", S3Operation.ObjectSubresource, Permission.Write, Append, S3Error.NotImplemented));
        Object("DELETE", "", S3Operation.DeleteObject, Permission.Write);
        Object("GET", "attributes", S3Operation.GetObjectAttributes, Permission.ReadObject);
        Object("GET", "tagging", S3Operation.GetObjectTagging, Permission.ReadObject);
        Object("PUT", "tagging", S3Operation.PutObjectTagging, Permission.Owner);
        Object("DELETE", "tagging", S3Operation.DeleteObjectTagging, Permission.Owner);
        Object("GET", "acl", S3Operation.GetObjectAcl, Permission.ReadAcp);
        Object("PUT", "acl", S3Operation.PutObjectAcl, Permission.WriteAcp);
        Object("GET", "retention", S3Operation.GetObjectRetention, Permission.Owner);
        Object("PUT", "retention", S3Operation.PutObjectRetention, Permission.Owner);
        Object("GET", "legal-hold", S3Operation.GetObjectLegalHold, Permission.Owner);
        Object("PUT", "legal-hold", S3Operation.PutObjectLegalHold, Permission.Owner);
        Object("POST", "uploads", S3Operation.CreateMultipartUpload, Permission.Write);
        Object("PUT", "uploadId", S3Operation.UploadPart, Permission.Write);
        Object("PUT", "uploadId", S3Operation.UploadPartCopy, Permission.Write, CopySource);
        Object("POST", "uploadId", S3Operation.CompleteMultipartUpload, Permission.Write);
        Object("DELETE", "uploadId", S3Operation.AbortMultipartUpload, Permission.Write);
        Object("GET", "uploadId", S3Operation.ListParts, Permission.Write);
        foreach (string name in ObjectSubresources)
        {
            foreach (string method in (string[])["GET", "PUT", "POST", "DELETE"])
                all.Add(new Route(RouteScope.Object, method, name, S3Operation.ObjectSubresource, Permission.Owner,
                    Missing: name == "torrent" && method == "GET" ? S3Error.NoSuchKey : S3Error.NotImplemented));
        }

        all.Add(new Route(RouteScope.Service, "OPTIONS", "", S3Operation.Preflight, Permission.Anyone));
        all.Add(new Route(RouteScope.Bucket, "OPTIONS", "", S3Operation.Preflight, Permission.Anyone));
        all.Add(new Route(RouteScope.Object, "OPTIONS", "", S3Operation.Preflight, Permission.Anyone));
        return all;

        void Bucket(string method, string subresource, S3Operation operation, Permission permission)
            => all.Add(new Route(RouteScope.Bucket, method, subresource, operation, permission));

        void Object(string method, string subresource, S3Operation operation, Permission permission, string? header = null)
            => all.Add(new Route(RouteScope.Object, method, subresource, operation, permission, header));
    }
}
