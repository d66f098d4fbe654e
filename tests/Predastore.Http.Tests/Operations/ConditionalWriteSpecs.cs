using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Http.Tests.Door;

namespace Predastore.Http.Tests.Operations;

public sealed class ConditionalWriteSpecs : IAsyncLifetime
{
    private static readonly (string, HttpStatusCode) Failed = ("PreconditionFailed", HttpStatusCode.PreconditionFailed);
    private static readonly (string, HttpStatusCode) Missing = ("NoSuchKey", HttpStatusCode.NotFound);

    private TestDoor _door = null!;
    private AmazonS3Client _s3 = null!;

    public async Task InitializeAsync()
    {
        _door = await TestDoor.OpenAsync();
        _s3 = _door.AsMain();
    }

    public async Task DisposeAsync() => await _door.DisposeAsync();

    [Fact]
    public async Task Put_should_be_decided_by_what_stands_under_the_key()
    {
        string bucket = await _door.BucketAsync();
        Assert.Equal(Missing, await TestDoor.RefusedAsync(() => PutAsync(bucket, match: "*")));
        Assert.Equal(Missing, await TestDoor.RefusedAsync(() => PutAsync(bucket, match: "\"bad\"")));
        string etag = (await PutAsync(bucket, none: "*")).ETag;
        Assert.Equal(Failed, await TestDoor.RefusedAsync(() => PutAsync(bucket, none: "*")));
        Assert.Equal(Failed, await TestDoor.RefusedAsync(() => PutAsync(bucket, none: etag)));
        Assert.Equal(Failed, await TestDoor.RefusedAsync(() => PutAsync(bucket, match: "\"bad\"")));
        await PutAsync(bucket, match: etag);
        await PutAsync(bucket, match: etag.Trim('"'));
        await PutAsync(bucket, none: "\"bad\"");
        Assert.Equal("NotImplemented", (await TestDoor.RefusedAsync(() => PutAsync(bucket, match: "*", none: "*"))).Code);
    }

    [Fact]
    public async Task Put_that_must_fail_should_not_read_the_body()
    {
        string bucket = await _door.BucketAsync();
        await PutAsync(bucket, none: "*");
        int staged = _door.Store.Staged;
        await TestDoor.RefusedAsync(() => PutAsync(bucket, none: "*"));
        Assert.Equal(staged, _door.Store.Staged);
    }

    [Fact]
    public async Task Delete_marker_should_count_as_absent()
    {
        string bucket = await _door.BucketAsync(versioned: true);
        await PutAsync(bucket);
        await _s3.DeleteObjectAsync(bucket, "k");
        Assert.Equal(Missing, await TestDoor.RefusedAsync(() => PutAsync(bucket, match: "*")));
        await PutAsync(bucket, none: "*");
    }

    [Fact]
    public async Task Complete_and_copy_should_be_decided_like_a_put()
    {
        string bucket = await _door.BucketAsync();
        Assert.Equal(Missing, await TestDoor.RefusedAsync(() => CompleteAsync(bucket, match: "*")));
        await CompleteAsync(bucket, none: "*");
        Assert.Equal(Failed, await TestDoor.RefusedAsync(() => CompleteAsync(bucket, none: "*")));
        var copy = new CopyObjectRequest { SourceBucket = bucket, SourceKey = "k", DestinationBucket = bucket, DestinationKey = "copy", IfNoneMatch = "*" };
        await _s3.CopyObjectAsync(copy);
        Assert.Equal(Failed, await TestDoor.RefusedAsync(() => _s3.CopyObjectAsync(copy)));
    }

    [Fact]
    public async Task Delete_should_be_decided_by_the_version_it_names()
    {
        string bucket = await _door.BucketAsync(versioned: true);
        PutObjectResponse put = await PutAsync(bucket);
        var delete = new DeleteObjectRequest { BucketName = bucket, Key = "k", VersionId = put.VersionId, IfMatch = "\"bad\"" };
        Assert.Equal(Failed, await TestDoor.RefusedAsync(() => _s3.DeleteObjectAsync(delete)));
        delete.IfMatch = put.ETag;
        await _s3.DeleteObjectAsync(delete);
        Assert.Equal("NoSuchKey", (await TestDoor.RefusedAsync(() => _s3.GetObjectAsync(bucket, "k"))).Code);
        await _s3.DeleteObjectAsync(new DeleteObjectRequest { BucketName = bucket, Key = "k", IfMatch = "\"bad\"" });
    }

    [Fact]
    public async Task Only_one_of_many_racers_should_create_the_key()
    {
        string bucket = await _door.BucketAsync();
        bool[] won = await Task.WhenAll(Enumerable.Range(0, 32).Select(async _ =>
        {
            try
            {
                await PutAsync(bucket, none: "*");
                return true;
            }
            catch (AmazonS3Exception lost) when (lost.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.Conflict)
            {
                return false;
            }
        }));
        Assert.Single(won, one => one);
    }

    private Task<PutObjectResponse> PutAsync(string bucket, string? match = null, string? none = null) => _s3.PutObjectAsync(new PutObjectRequest
    {
        BucketName = bucket, Key = "k", ContentBody = "body", IfMatch = match, IfNoneMatch = none,
    });

    private async Task CompleteAsync(string bucket, string? match = null, string? none = null)
    {
        string upload = (await _s3.InitiateMultipartUploadAsync(bucket, "k")).UploadId;
        UploadPartResponse part = await _s3.UploadPartAsync(new UploadPartRequest
        {
            BucketName = bucket, Key = "k", UploadId = upload, PartNumber = 1, InputStream = new MemoryStream("part"u8.ToArray()),
        });
        await _s3.CompleteMultipartUploadAsync(new CompleteMultipartUploadRequest
        {
            BucketName = bucket, Key = "k", UploadId = upload, PartETags = [new PartETag(part)], IfMatch = match, IfNoneMatch = none,
        });
    }
}
