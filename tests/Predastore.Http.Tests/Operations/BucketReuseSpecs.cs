using Predastore.Actors.Metadata;
using Predastore.Http.Tests.Door;
using Predastore.Http.Tests.Wire;

namespace Predastore.Http.Tests.Operations;

/// <summary>A bucket that goes while a request is under way, and another account's that gets its name at once.</summary>
public sealed class BucketReuseSpecs : IAsyncLifetime
{
    private const string Versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    private const string Tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>";

    private WireDoor _door = null!;

    public async Task InitializeAsync() => _door = await WireDoor.StartAsync();

    public async Task DisposeAsync() => await _door.DisposeAsync();

    [Theory]
    [InlineData("PUT", "/reused", "versioning", Versioning)]
    [InlineData("PUT", "/reused", "tagging", Tags)]
    [InlineData("PUT", "/reused", "acl", "")]
    [InlineData("DELETE", "/reused", "tagging", "")]
    [InlineData("DELETE", "/reused", "", "")]
    [InlineData("DELETE", "/reused/k", "", "")]
    [InlineData("POST", "/reused", "delete", "<Delete><Object><Key>k</Key></Object></Delete>")]
    [InlineData("PUT", "/reused/k", "tagging", Tags)]
    [InlineData("PUT", "/reused/k", "acl", "")]
    [InlineData("DELETE", "/reused/u", "uploadId", "")]
    [InlineData("POST", "/reused/u", "uploadId", "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>")]
    public async Task Change_should_not_reach_the_bucket_that_has_the_name_now(string method, string path, string subresource, string body)
    {
        foreach (string made in new[] { "/reused", "/reused/k" })
            Assert.Equal(200, (await _door.Call("PUT", made).SendAsync()).Status);
        string upload = (await (_door.Call("POST", "/reused/u") with { Query = ["uploads"] }).SendAsync()).Element("UploadId");
        byte[] document = System.Text.Encoding.UTF8.GetBytes(body);
        var headers = new List<(string, string)>();
        if (subresource == "acl")
            headers.Add(("x-amz-acl", "public-read"));
        if (subresource == "delete")
            headers.Add(("content-md5", Convert.ToBase64String(System.Security.Cryptography.MD5.HashData(document))));
        S3Call call = _door.Call(method, path, document) with
        {
            Headers = headers,
            Query = subresource switch { "" => [], "uploadId" => [$"uploadId={upload}"], _ => [subresource] },
        };

        _door.Store.BeforeCommand = ReplaceAsync;
        RawAnswer answer = await call.SendAsync();
        Assert.Equal((404, "NoSuchBucket"), (answer.Status, answer.Code));
        BucketRow now = (await _door.Store.QueryAsync(new Query { GetBucket = new GetBucket { Name = "reused" } }, default)).Bucket;
        Assert.Equal((WireDoor.Other.Account.Id, "", 1UL), (now.Owner, now.Acl, now.Generation));
        RawAnswer kept = await (_door.Call("GET", "/reused/k") with { Key = WireDoor.Other }).SendAsync();
        Assert.Equal((200, ""), (kept.Status, kept.Headers.GetValueOrDefault("x-amz-tagging-count", "")));
    }

    private async Task ReplaceAsync()
    {
        string other = WireDoor.Other.Account.Id;
        foreach (Command command in new[]
        {
            new Command { DeleteVersions = new DeleteVersions { Bucket = "reused", Items = { new DeleteItem { Key = "k" } } } },
            new Command { DeleteBucket = new DeleteBucket { Name = "reused" } },
            new Command { CreateBucket = new CreateBucket { Name = "reused", Owner = other } },
            new Command { PutVersion = new PutVersion { Bucket = "reused", Version = new VersionRow { Key = "k", Owner = other } } },
        })
            Assert.Equal(ResultCode.ResultOk, (await _door.Store.ExecuteAsync(command, default)).Code);
    }
}
