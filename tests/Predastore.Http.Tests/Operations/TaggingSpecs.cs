using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Http.Tests.Door;

namespace Predastore.Http.Tests.Operations;

public sealed class TaggingSpecs : IAsyncLifetime
{
    private TestDoor _door = null!;
    private AmazonS3Client _s3 = null!;

    public async Task InitializeAsync()
    {
        _door = await TestDoor.OpenAsync();
        _s3 = _door.AsMain();
    }

    public async Task DisposeAsync() => await _door.DisposeAsync();

    [Fact]
    public async Task Object_tags_should_be_set_read_and_removed_without_touching_the_object()
    {
        string bucket = await _door.BucketAsync();
        await _s3.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = "k", ContentBody = "body", TagSet = [Tag("from", "header + 1")] });
        Assert.Equal("header + 1", Assert.Single((await ReadAsync(bucket)).Tagging).Value);
        await _s3.PutObjectTaggingAsync(Put(bucket, Tag("a", "1"), Tag("b", "")));
        Assert.Equal(["a=1", "b="], (await ReadAsync(bucket)).Tagging.Select(tag => $"{tag.Key}={tag.Value}"));
        GetObjectMetadataResponse head = await _s3.GetObjectMetadataAsync(bucket, "k");
        Assert.Equal(4, head.ContentLength);
        DeleteObjectTaggingResponse deleted = await _s3.DeleteObjectTaggingAsync(new DeleteObjectTaggingRequest { BucketName = bucket, Key = "k" });
        Assert.Equal(HttpStatusCode.NoContent, deleted.HttpStatusCode);
        Assert.Empty((await ReadAsync(bucket)).Tagging ?? []);
        Assert.Equal(4, (await _s3.GetObjectMetadataAsync(bucket, "k")).ContentLength);
    }

    [Fact]
    public async Task Tags_of_one_version_should_leave_the_others_alone()
    {
        string bucket = await _door.BucketAsync(versioned: true);
        string first = (await _s3.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = "k", ContentBody = "1" })).VersionId;
        await _s3.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = "k", ContentBody = "2" });
        PutObjectTaggingRequest put = Put(bucket, Tag("a", "1"));
        put.VersionId = first;
        await _s3.PutObjectTaggingAsync(put);
        Assert.Empty((await ReadAsync(bucket)).Tagging ?? []);
        Assert.Single((await _s3.GetObjectTaggingAsync(new GetObjectTaggingRequest { BucketName = bucket, Key = "k", VersionId = first })).Tagging);
    }

    [Theory]
    [InlineData(11, 1, 1, "InvalidTag")]
    [InlineData(1, 129, 1, "InvalidTag")]
    [InlineData(1, 1, 257, "InvalidTag")]
    public async Task Set_beyond_the_limits_should_be_refused_and_change_nothing(int count, int key, int value, string code)
    {
        string bucket = await _door.BucketAsync();
        await _s3.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = "k", ContentBody = "1" });
        Tag[] tags = [.. Enumerable.Range(0, count).Select(i => Tag($"{i:d2}".PadRight(key, 'k'), new string('v', value)))];
        Assert.Equal((code, HttpStatusCode.BadRequest), await TestDoor.RefusedAsync(() => _s3.PutObjectTaggingAsync(Put(bucket, tags))));
        Assert.Empty((await ReadAsync(bucket)).Tagging ?? []);
    }

    [Fact]
    public async Task Bucket_tags_should_be_missing_until_they_are_set()
    {
        string bucket = await _door.BucketAsync();
        Assert.Equal(("NoSuchTagSet", HttpStatusCode.NotFound), await TestDoor.RefusedAsync(GetAsync));
        await _s3.PutBucketTaggingAsync(new PutBucketTaggingRequest { BucketName = bucket, TagSet = [Tag("a", "1")] });
        Assert.Equal("1", Assert.Single((await GetAsync()).TagSet).Value);
        await _s3.DeleteBucketTaggingAsync(bucket);
        Assert.Equal("NoSuchTagSet", (await TestDoor.RefusedAsync(GetAsync)).Code);
        Assert.Contains((await _s3.ListBucketsAsync()).Buckets, one => one.BucketName == bucket);

        Task<GetBucketTaggingResponse> GetAsync() => _s3.GetBucketTaggingAsync(new GetBucketTaggingRequest { BucketName = bucket });
    }

    private static Tag Tag(string key, string value) => new() { Key = key, Value = value };

    private static PutObjectTaggingRequest Put(string bucket, params Tag[] tags) => new()
    {
        BucketName = bucket, Key = "k", Tagging = new Tagging { TagSet = [.. tags] },
    };

    private Task<GetObjectTaggingResponse> ReadAsync(string bucket) =>
        _s3.GetObjectTaggingAsync(new GetObjectTaggingRequest { BucketName = bucket, Key = "k" });
}
