using System.Security.Cryptography;
using System.Text;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Http.Tests.Door;
using Predastore.Http.Tests.Wire;

namespace Predastore.Http.Tests.Operations;

public sealed class DeleteObjectsSpecs : IAsyncLifetime
{
    private WireDoor _door = null!;

    public async Task InitializeAsync()
    {
        _door = await WireDoor.StartAsync();
        foreach (string path in new[] { "/bucket", "/bucket/good" })
            Assert.Equal(200, (await _door.Call("PUT", path).SendAsync()).Status);
    }

    public async Task DisposeAsync() => await _door.DisposeAsync();

    [Fact]
    public async Task What_is_wrong_with_one_item_should_be_said_of_it_and_the_others_be_deleted()
    {
        foreach ((string item, string code) in new[]
        {
            (Item(new string('k', 1025)), "KeyTooLongError"), (Item(new string('\u00FC', 513)), "KeyTooLongError"),
            (Item("k", versionId: new string('0', 1025)), "InvalidArgument"), (Item("k", versionId: "nonsense"), "InvalidArgument"),
            (Item("k", etag: new string('0', 300_000)), "InvalidArgument"),
        })
        {
            Assert.Equal(200, (await _door.Call("PUT", "/bucket/good").SendAsync()).Status);
            RawAnswer answer = await DeleteAsync(item + Item("good"));
            Assert.Equal((200, code), (answer.Status, answer.Code));
            Assert.Contains("<Deleted><Key>good</Key></Deleted>", answer.Body);
            Assert.Equal(404, (await _door.Call("GET", "/bucket/good").SendAsync()).Status);
        }

        RawAnswer none = await DeleteAsync(Item(new string('k', 1025)));
        Assert.Equal((200, "KeyTooLongError"), (none.Status, none.Code));
    }

    [Fact]
    public async Task Long_versions_and_etags_should_be_cut_into_entries_like_long_keys()
    {
        var items = new StringBuilder();
        for (int i = 0; i < 500; i++)
            items.Append(Item($"k{i}", versionId: new string('0', 600), etag: new string('0', 400)));
        int before = _door.Store.Commands;
        Assert.Equal(200, (await DeleteAsync(items.ToString())).Status);
        Assert.InRange(_door.Store.Commands - before, 4, 10);
    }

    [Fact]
    public async Task Version_should_be_deleted_by_the_owner_of_the_bucket_alone()
    {
        await using TestDoor door = await TestDoor.OpenAsync();
        AmazonS3Client main = door.AsMain(), alt = door.AsAlt();
        string bucket = await door.BucketAsync(versioned: true);
        await main.PutBucketAclAsync(new PutBucketAclRequest { BucketName = bucket, ACL = S3CannedACL.PublicReadWrite });
        foreach (AmazonS3Client writer in new[] { main, alt })
        {
            string version = (await writer.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = "k", ContentBody = "x" })).VersionId;
            foreach (AmazonS3Client guest in new[] { alt, door.AsNobody() })
                Assert.Equal("AccessDenied", (await TestDoor.RefusedAsync(() => guest.DeleteObjectAsync(bucket, "k", version))).Code);
            DeleteObjectsResponse outcome = (await Assert.ThrowsAsync<DeleteObjectsException>(() => alt.DeleteObjectsAsync(new DeleteObjectsRequest
            {
                BucketName = bucket, Objects = [new KeyVersion { Key = "k", VersionId = version }, new KeyVersion { Key = "other" }],
            }))).Response;
            DeleteError error = Assert.Single(outcome.DeleteErrors);
            Assert.Equal(("k", version, "AccessDenied"), (error.Key, error.VersionId, error.Code));
            Assert.Equal("other", Assert.Single(outcome.DeletedObjects).Key);
            await alt.DeleteObjectAsync(bucket, "k");
            Assert.Equal(version, (await main.DeleteObjectAsync(bucket, "k", version)).VersionId);
        }
    }

    private static string Item(string key, string? versionId = null, string? etag = null)
        => $"<Object><Key>{key}</Key>{(versionId is null ? "" : $"<VersionId>{versionId}</VersionId>")}{(etag is null ? "" : $"<ETag>{etag}</ETag>")}</Object>";

    private Task<RawAnswer> DeleteAsync(string items)
    {
        byte[] document = Encoding.UTF8.GetBytes($"<Delete>{items}</Delete>");
        return (_door.Call("POST", "/bucket", document) with
        {
            Query = ["delete="], Headers = [("content-md5", Convert.ToBase64String(MD5.HashData(document)))],
        }).SendAsync();
    }
}
