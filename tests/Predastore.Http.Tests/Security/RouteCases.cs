using Predastore.Http.Protocol;
using Predastore.Http.Tests.Wire;

namespace Predastore.Http.Tests.Security;

/// <summary>How a request pretends to be allowed.</summary>
public enum Claim
{
    Anonymous,
    InventedSignature,
    UnknownKey,
    PresignedInvented,
    PresignedUnsigned,
    HeaderAndQuery,
    OtherAccount,
    OtherAccountPresigned,
}

/// <summary>
/// The matrix route x claim x payload mode, made from the route table: a route that is added is attacked without anybody thinking of it.
/// </summary>
internal static class RouteCases
{
    /// <summary>What x-amz-content-sha256 may say; null is the body's hash.</summary>
    public static readonly string?[] Payloads =
    [
        null, "UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    ];

    public static IEnumerable<(Route Route, Claim Claim, string? Payload)> All =>
        from route in Routes.All
        from claim in Enum.GetValues<Claim>()
        from payload in Payloads
        select (route, claim, payload);

    /// <summary>The call that makes a route what it is, on the private bucket of the fixture, as its owner would send it.</summary>
    public static S3Call Call(DoorFixture fixture, Route route, string? payload)
    {
        string path = route.Scope switch
        {
            RouteScope.Service => "/",
            RouteScope.Bucket => $"/{DoorFixture.Bucket}",
            _ => $"/{DoorFixture.Bucket}/{DoorFixture.Key}",
        };
        var query = new List<string>();
        if (route.Subresource.Length > 0)
        {
            query.Add(route.Subresource switch
            {
                "uploadId" => $"uploadId={fixture.UploadId}",
                "list-type" => "list-type=2",
                string name => name,
            });
        }

        if (route is { Subresource: "uploadId", Method: "PUT" })
            query.Add("partNumber=1");
        var headers = new List<(string, string)>();
        if (route.Header is not null)
            headers.Add((route.Header, route.Header == Routes.CopySource ? $"/{DoorFixture.Bucket}/{DoorFixture.Key}" : "0"));
        if (route.Operation == S3Operation.GetObjectAttributes)
            headers.Add(("x-amz-object-attributes", "ETag"));
        byte[] body = route.Method is "PUT" or "POST" ? "overwritten"u8.ToArray() : [];
        if (payload?.StartsWith("STREAMING", StringComparison.Ordinal) == true)
        {
            headers.Add(("x-amz-decoded-content-length", $"{body.Length}"));
            if (body.Length > 0)
                body = [.. "b\r\n"u8, .. body, .. "\r\n0\r\n\r\n"u8];
        }

        return fixture.Door.Call(route.Method, path, body) with { Query = query, Headers = headers, Payload = payload };
    }

    /// <summary>The call with a claim that is not the owner's.</summary>
    public static S3Call Claiming(S3Call call, Claim claim) => claim switch
    {
        Claim.Anonymous => call with { Key = null },
        Claim.InventedSignature => call with { BendHead = head => Replace(head, "Signature=", call.Signature, Invented) },
        Claim.UnknownKey => call with { Key = call.Key! with { Id = "AKIANOBODY" } },
        Claim.PresignedInvented => Presigned(call) with { BendHead = head => Replace(head, "X-Amz-Signature=", Presigned(call).Signature, Invented) },
        Claim.PresignedUnsigned => Presigned(call) with { BendHead = head => Replace(head, "&X-Amz-Signature=", Presigned(call).Signature, null) },
        Claim.HeaderAndQuery => call with { Query = [.. call.Query, $"X-Amz-Credential={call.Key!.Id}"] },
        Claim.OtherAccount => call with { Key = WireDoor.Other },
        _ => Presigned(call) with { Key = WireDoor.Other },
    };

    /// <summary>The answer that a claim on a route must get: status and code.</summary>
    public static (int Status, string Code) Expected(Route route, Claim claim) => claim switch
    {
        // Browsers ask without credentials, so nobody looks at them.
        _ when route.Operation == S3Operation.Preflight => (400, "BadRequest"),
        Claim.InventedSignature or Claim.PresignedInvented => (403, "SignatureDoesNotMatch"),
        Claim.UnknownKey => (403, "InvalidAccessKeyId"),
        Claim.PresignedUnsigned => (400, "AuthorizationQueryParametersError"),
        Claim.HeaderAndQuery => (400, "InvalidArgument"),
        Claim.OtherAccount or Claim.OtherAccountPresigned => route.Operation switch
        {
            S3Operation.ListBuckets => (200, ""),
            S3Operation.CreateBucket => (409, "BucketAlreadyExists"),
            _ => (403, "AccessDenied"),
        },
        _ => (403, "AccessDenied"),
    };

    private static string Invented => new('a', 64);

    private static S3Call Presigned(S3Call call) => call with { Proof = Proof.Query };

    private static string Replace(string head, string name, string value, string? by)
    {
        string from = name + value;
        Assert.Contains(from, head, StringComparison.Ordinal);
        return head.Replace(from, by is null ? "" : name + by, StringComparison.Ordinal);
    }
}
