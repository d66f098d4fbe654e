using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Http.Tests.Door;

namespace Predastore.Http.Tests.Operations;

public sealed class CopyObjectSpecs : IAsyncLifetime
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
    public async Task Copy_should_take_metadata_and_tags_along_unless_they_are_replaced()
    {
        string bucket = await _door.BucketAsync();
        await _s3.PutObjectAsync(new PutObjectRequest
        {
            BucketName = bucket, Key = "from", ContentBody = "body", ContentType = "text/x-test", Metadata = { ["colour"] = "blue" },
            TagSet = [new Tag { Key = "a", Value = "1" }],
        });
        await _s3.CopyObjectAsync(bucket, "from", bucket, "same");
        GetObjectMetadataResponse same = await _s3.GetObjectMetadataAsync(bucket, "same");
        Assert.Equal(("text/x-test", "blue"), (same.Headers.ContentType, same.Metadata["colour"]));
        Assert.Single((await TagsAsync("same")).Tagging);
        await _s3.CopyObjectAsync(new CopyObjectRequest
        {
            SourceBucket = bucket, SourceKey = "from", DestinationBucket = bucket, DestinationKey = "other",
            MetadataDirective = S3MetadataDirective.REPLACE, Metadata = { ["colour"] = "red" }, ContentType = "text/plain",
            TaggingDirective = TaggingDirective.REPLACE,
        });
        GetObjectMetadataResponse other = await _s3.GetObjectMetadataAsync(bucket, "other");
        Assert.Equal(("text/plain", "red", 4L), (other.Headers.ContentType, other.Metadata["colour"], other.ContentLength));
        Assert.Empty((await TagsAsync("other")).Tagging ?? []);

        Task<GetObjectTaggingResponse> TagsAsync(string key)
            => _s3.GetObjectTaggingAsync(new GetObjectTaggingRequest { BucketName = bucket, Key = key });
    }

    [Fact]
    public async Task Copy_onto_itself_should_need_a_change()
    {
        string bucket = await _door.BucketAsync();
        await PutAsync(bucket, "k");
        Assert.Equal("InvalidRequest", (await TestDoor.RefusedAsync(() => _s3.CopyObjectAsync(bucket, "k", bucket, "k"))).Code);
        await _s3.CopyObjectAsync(new CopyObjectRequest
        {
            SourceBucket = bucket, SourceKey = "k", DestinationBucket = bucket, DestinationKey = "k",
            MetadataDirective = S3MetadataDirective.REPLACE, Metadata = { ["mtime"] = "1" },
        });
        await _s3.CopyObjectAsync(new CopyObjectRequest
        {
            SourceBucket = bucket, SourceKey = "k", DestinationBucket = bucket, DestinationKey = "k",
            ServerSideEncryptionMethod = ServerSideEncryptionMethod.AES256,
        });
        Assert.Equal("1", (await _s3.GetObjectMetadataAsync(bucket, "k")).Metadata["mtime"]);
    }

    [Fact]
    public async Task Copy_of_an_old_version_should_bring_it_back()
    {
        string bucket = await _door.BucketAsync(versioned: true);
        string first = (await PutAsync(bucket, "k+ %/ü")).VersionId;
        await _s3.DeleteObjectAsync(bucket, "k+ %/ü");
        CopyObjectResponse copy = await _s3.CopyObjectAsync(new CopyObjectRequest
        {
            SourceBucket = bucket, SourceKey = "k+ %/ü", SourceVersionId = first, DestinationBucket = bucket, DestinationKey = "k+ %/ü",
            MetadataDirective = S3MetadataDirective.REPLACE,
        });
        Assert.Equal(first, copy.SourceVersionId);
        Assert.Equal(copy.VersionId, (await _s3.GetObjectMetadataAsync(bucket, "k+ %/ü")).VersionId);
    }

    [Fact]
    public async Task Source_should_be_readable_by_the_caller_and_meet_the_conditions()
    {
        string bucket = await _door.BucketAsync();
        string etag = (await PutAsync(bucket, "k")).ETag;
        AmazonS3Client alt = _door.AsAlt();
        await alt.PutBucketAsync("alts");
        Assert.Equal(("AccessDenied", HttpStatusCode.Forbidden), await TestDoor.RefusedAsync(() => alt.CopyObjectAsync(bucket, "k", "alts", "k")));
        var copy = new CopyObjectRequest { SourceBucket = bucket, SourceKey = "k", DestinationBucket = bucket, DestinationKey = "copy", ETagToNotMatch = etag };
        Assert.Equal("PreconditionFailed", (await TestDoor.RefusedAsync(() => _s3.CopyObjectAsync(copy))).Code);
        (copy.ETagToNotMatch, copy.ETagToMatch) = (null, etag);
        await _s3.CopyObjectAsync(copy);
        copy.SourceKey = "none";
        Assert.Equal("NoSuchKey", (await TestDoor.RefusedAsync(() => _s3.CopyObjectAsync(copy))).Code);
    }

    private Task<PutObjectResponse> PutAsync(string bucket, string key)
        => _s3.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = key, ContentBody = "body" });
}
