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

/// <summary>One row of the route table.</summary>
/// <param name="Subresource">The query parameter that selects it; "" for none.</param>
/// <param name="Header">A header that selects it; null for none.</param>
/// <param name="Missing">For what is not implemented: the answer once the caller is allowed.</param>
public sealed record Route(
    RouteScope Scope, string Method, string Subresource, S3Operation Operation, string? Header = null, S3Error? Missing = null)
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
            new(RouteScope.Service, "GET", "", S3Operation.ListBuckets),
        };
        Bucket("GET", "", S3Operation.ListObjects);
        Bucket("GET", ListType, S3Operation.ListObjectsV2);
        Bucket("GET", "versions", S3Operation.ListObjectVersions);
        Bucket("GET", "uploads", S3Operation.ListMultipartUploads);
        Bucket("GET", "location", S3Operation.GetBucketLocation);
        Bucket("HEAD", "", S3Operation.HeadBucket);
        Bucket("PUT", "", S3Operation.CreateBucket);
        Bucket("DELETE", "", S3Operation.DeleteBucket);
        Bucket("POST", "delete", S3Operation.DeleteObjects);
        Bucket("POST", "", S3Operation.PostObject);
        Bucket("GET", "versioning", S3Operation.GetBucketVersioning);
        Bucket("PUT", "versioning", S3Operation.PutBucketVersioning);
        Bucket("GET", "tagging", S3Operation.GetBucketTagging);
        Bucket("PUT", "tagging", S3Operation.PutBucketTagging);
        Bucket("DELETE", "tagging", S3Operation.DeleteBucketTagging);
        Bucket("GET", "acl", S3Operation.GetBucketAcl);
        Bucket("PUT", "acl", S3Operation.PutBucketAcl);
        Bucket("GET", "object-lock", S3Operation.GetObjectLockConfiguration);
        Bucket("PUT", "object-lock", S3Operation.PutObjectLockConfiguration);
        Bucket("GET", "policyStatus", S3Operation.GetBucketPolicyStatus);
        Bucket("GET", "accelerate", S3Operation.GetBucketAccelerateConfiguration);
        Bucket("GET", "logging", S3Operation.GetBucketLogging);
        Bucket("GET", "notification", S3Operation.GetBucketNotification);
        Bucket("GET", "requestPayment", S3Operation.GetBucketRequestPayment);
        foreach ((string name, S3Error missing) in BucketSubresources)
        {
            foreach (string method in (string[])["GET", "PUT", "POST", "DELETE"])
            {
                if (!all.Exists(route => route.Scope == RouteScope.Bucket && route.Method == method && route.Subresource == name))
                    all.Add(new Route(RouteScope.Bucket, method, name, S3Operation.BucketSubresource,
                        Missing: method == "GET" ? missing : S3Error.NotImplemented));
            }
        }

        Object("GET", "", S3Operation.GetObject);
        Object("HEAD", "", S3Operation.HeadObject);
        Object("PUT", "", S3Operation.PutObject);
        Object("PUT", "", S3Operation.CopyObject, CopySource);
        all.Add(new Route(RouteScope.Object, "PUT", "", S3Operation.ObjectSubresource, Append, S3Error.NotImplemented));
        Object("DELETE", "", S3Operation.DeleteObject);
        Object("GET", "attributes", S3Operation.GetObjectAttributes);
        Object("GET", "tagging", S3Operation.GetObjectTagging);
        Object("PUT", "tagging", S3Operation.PutObjectTagging);
        Object("DELETE", "tagging", S3Operation.DeleteObjectTagging);
        Object("GET", "acl", S3Operation.GetObjectAcl);
        Object("PUT", "acl", S3Operation.PutObjectAcl);
        Object("GET", "retention", S3Operation.GetObjectRetention);
        Object("PUT", "retention", S3Operation.PutObjectRetention);
        Object("GET", "legal-hold", S3Operation.GetObjectLegalHold);
        Object("PUT", "legal-hold", S3Operation.PutObjectLegalHold);
        Object("POST", "uploads", S3Operation.CreateMultipartUpload);
        Object("PUT", "uploadId", S3Operation.UploadPart);
        Object("PUT", "uploadId", S3Operation.UploadPartCopy, CopySource);
        Object("POST", "uploadId", S3Operation.CompleteMultipartUpload);
        Object("DELETE", "uploadId", S3Operation.AbortMultipartUpload);
        Object("GET", "uploadId", S3Operation.ListParts);
        foreach (string name in ObjectSubresources)
        {
            foreach (string method in (string[])["GET", "PUT", "POST", "DELETE"])
                all.Add(new Route(RouteScope.Object, method, name, S3Operation.ObjectSubresource,
                    Missing: name == "torrent" && method == "GET" ? S3Error.NoSuchKey : S3Error.NotImplemented));
        }

        all.Add(new Route(RouteScope.Service, "OPTIONS", "", S3Operation.Preflight));
        all.Add(new Route(RouteScope.Bucket, "OPTIONS", "", S3Operation.Preflight));
        all.Add(new Route(RouteScope.Object, "OPTIONS", "", S3Operation.Preflight));
        return all;

        void Bucket(string method, string subresource, S3Operation operation)
            => all.Add(new Route(RouteScope.Bucket, method, subresource, operation));

        void Object(string method, string subresource, S3Operation operation, string? header = null)
            => all.Add(new Route(RouteScope.Object, method, subresource, operation, header));
    }
}
