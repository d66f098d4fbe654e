using Predastore.Http.Protocol;
using Predastore.Http.Tests.Wire;

namespace Predastore.Http.Tests.Security;

/// <summary>
/// Never the wrong document: a request with a sub-resource either does what that sub-resource is for or is refused. It is never
/// carried out as the plain request without it.
/// </summary>
public sealed class SubresourceSpecs(DoorFixture fixture) : IClassFixture<DoorFixture>
{
    /// <summary>All that S3 knows on buckets and objects (Amazon S3 API reference), whether it is in the route table or not.</summary>
    public static readonly string[] Known =
    [
        "accelerate", "acl", "analytics", "attributes", "cors", "delete", "encryption", "intelligent-tiering", "inventory", "legal-hold", "lifecycle",
        "location", "logging", "metadataConfiguration", "metadataTable", "metrics", "notification", "object-lock", "ownershipControls", "policy",
        "policyStatus", "publicAccessBlock", "renameObject", "replication", "requestPayment", "restore", "retention", "select", "session", "tagging",
        "torrent", "uploadId", "uploads", "versioning", "versions", "website",
    ];

    /// <summary>GET of what nobody has configured: the code that clients look for.</summary>
    private static readonly Dictionary<string, string> MissingCodes = new()
    {
        ["cors"] = "NoSuchCORSConfiguration",
        ["encryption"] = "ServerSideEncryptionConfigurationNotFoundError",
        ["object-lock"] = "ObjectLockConfigurationNotFoundError",
        ["lifecycle"] = "NoSuchLifecycleConfiguration",
        ["ownershipControls"] = "OwnershipControlsNotFoundError",
        ["policy"] = "NoSuchBucketPolicy",
        ["publicAccessBlock"] = "NoSuchPublicAccessBlockConfiguration",
        ["replication"] = "ReplicationConfigurationNotFoundError",
        ["website"] = "NoSuchWebsiteConfiguration",
        ["tagging"] = "NoSuchTagSet",
    };

    public static IEnumerable<object[]> MissingCases => MissingCodes.Select(pair => new object[] { pair.Key, pair.Value });

    public static IEnumerable<(string Method, string Path, string Subresource)> Cases =>
        from method in new[] { "GET", "HEAD", "PUT", "POST", "DELETE" }
        from path in new[] { "/", $"/{DoorFixture.Bucket}", $"/{DoorFixture.Bucket}/{DoorFixture.Key}", "/absent-bucket" }
        from subresource in Known
        from form in new[] { subresource, subresource + "=", subresource + "=x", "x-id=Any&" + subresource }
        select (method, path, form);

    [Fact]
    public void Cases_should_not_shrink() => Assert.InRange(Cases.Count(), 2_880, int.MaxValue);

    [Fact]
    public async Task No_subresource_should_fall_through_to_the_plain_request()
    {
        var wrong = new List<string>();
        foreach ((string method, string path, string subresource) in Cases)
        {
            S3Call call = fixture.Door.Call(method, path, method is "PUT" or "POST" ? "overwritten"u8.ToArray() : []) with
            {
                Query = subresource.Split('&'),
            };
            RawAnswer answer = await call.SendAsync();
            bool plain = method switch
            {
                "GET" => answer.Body == DoorFixture.Content || answer.Body.Contains("<ListBucketResult", StringComparison.Ordinal)
                    || answer.Body.Contains("<ListAllMyBucketsResult", StringComparison.Ordinal),
                "HEAD" => answer.Status is 200,
                "PUT" => answer.Status is 200,
                "DELETE" => answer.Status is 204 && !subresource.Contains("tagging", StringComparison.Ordinal),
                _ => answer.Status is 200 && !subresource.Contains("uploads", StringComparison.Ordinal),
            };
            if (plain || answer.Status is 0 or 500)
                wrong.Add($"{method} {path}?{subresource}: {answer}");
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
        await fixture.AssertKeptAsync();
        Assert.Equal(200, (await fixture.Door.Call("HEAD", $"/{DoorFixture.Bucket}").SendAsync()).Status);
        Assert.Equal(404, (await fixture.Door.Call("HEAD", "/absent-bucket").SendAsync()).Status);
    }

    [Theory]
    [MemberData(nameof(MissingCases))]
    public async Task Unset_configuration_should_be_missing_under_its_own_code(string subresource, string code)
    {
        RawAnswer answer = await (fixture.Door.Call("GET", $"/{DoorFixture.Bucket}") with { Query = [subresource] }).SendAsync();
        Assert.Equal((404, code), (answer.Status, answer.Code));
    }

    [Theory]
    [InlineData("acl", "AccessControlPolicy")]
    [InlineData("accelerate", "AccelerateConfiguration")]
    [InlineData("logging", "BucketLoggingStatus")]
    [InlineData("notification", "NotificationConfiguration")]
    [InlineData("requestPayment", "RequestPaymentConfiguration")]
    [InlineData("versioning", "VersioningConfiguration")]
    public async Task Configuration_with_a_default_should_show_it(string subresource, string root)
    {
        RawAnswer answer = await (fixture.Door.Call("GET", $"/{DoorFixture.Bucket}") with { Query = [subresource] }).SendAsync();
        Assert.Equal(200, answer.Status);
        Assert.Contains($"<{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"", answer.Body);
    }

    [Fact]
    public async Task Part_without_an_upload_should_not_replace_the_object()
    {
        RawAnswer answer = await (fixture.Door.Call("PUT", $"/{DoorFixture.Bucket}/{DoorFixture.Key}", "part"u8.ToArray()) with { Query = ["partNumber=1"] })
            .SendAsync();
        Assert.Equal((400, "InvalidArgument"), (answer.Status, answer.Code));
        await fixture.AssertKeptAsync();
    }

    [Theory]
    [InlineData("x-amz-copy-source", "", "InvalidArgument")]
    [InlineData("x-amz-write-offset-bytes", "14", "NotImplemented")]
    [InlineData("x-amz-server-side-encryption", "aws:kms", "NotImplemented")]
    [InlineData("x-amz-server-side-encryption-customer-algorithm", "AES256", "NotImplemented")]
    public async Task Header_that_makes_it_another_request_should_not_be_ignored(string name, string value, string code)
    {
        RawAnswer answer = await (fixture.Door.Call("PUT", $"/{DoorFixture.Bucket}/{DoorFixture.Key}", "plain"u8.ToArray()) with { Headers = [(name, value)] })
            .SendAsync();
        Assert.Equal(code, answer.Code);
        await fixture.AssertKeptAsync();
    }

    [Fact]
    public async Task Encryption_at_rest_should_be_accepted_for_it_is_the_case()
    {
        S3Call call = fixture.Door.Call("PUT", $"/{DoorFixture.Bucket}/sealed", "x"u8.ToArray()) with { Headers = [("x-amz-server-side-encryption", "AES256")] };
        Assert.Equal(200, (await call.SendAsync()).Status);
    }
}
