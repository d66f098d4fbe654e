using System.Net;
using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Http.Tests.Door;

namespace Predastore.Http.Tests.Operations;

public sealed class MultipartUploadSpecs : IAsyncLifetime
{
    private const int PartBytes = 5 << 20;

    private TestDoor _door = null!;
    private AmazonS3Client _s3 = null!;

    public async Task InitializeAsync()
    {
        _door = await TestDoor.OpenAsync();
        _s3 = _door.AsMain();
    }

    public async Task DisposeAsync() => await _door.DisposeAsync();

    [Fact]
    public async Task Complete_should_answer_the_same_when_it_is_asked_again()
    {
        string bucket = await _door.BucketAsync(versioned: true);
        string upload = await CreateAsync(bucket);
        List<PartETag> parts = [await PartAsync(bucket, upload, 1, PartBytes), await PartAsync(bucket, upload, 2, 10)];
        CompleteMultipartUploadResponse first = await CompleteAsync(bucket, upload, parts);
        CompleteMultipartUploadResponse again = await CompleteAsync(bucket, upload, parts);
        Assert.Equal((first.ETag, first.VersionId), (again.ETag, again.VersionId));
        Assert.Single((await _s3.ListVersionsAsync(bucket)).Versions);
        byte[] digests = [.. parts.SelectMany(part => Convert.FromHexString(part.ETag.Trim('"')))];
        Assert.Equal($"\"{Convert.ToHexStringLower(MD5.HashData(digests))}-2\"", first.ETag);
        Assert.Equal("NoSuchUpload", (await TestDoor.RefusedAsync(() => _s3.ListPartsAsync(bucket, "k", upload))).Code);
    }

    [Fact]
    public async Task Complete_should_refuse_a_list_that_is_not_the_uploads()
    {
        string bucket = await _door.BucketAsync();
        string upload = await CreateAsync(bucket);
        PartETag one = await PartAsync(bucket, upload, 1, 10), two = await PartAsync(bucket, upload, 2, 10);
        Assert.Equal("EntityTooSmall", await RefusedAsync(one, two));
        Assert.Equal("InvalidPart", await RefusedAsync(one, new PartETag(3, two.ETag)));
        Assert.Equal("InvalidPart", await RefusedAsync(new PartETag(1, "\"ffffffffffffffffffffffffffffffff\"")));
        await CompleteAsync(bucket, upload, [two]);
        Assert.Equal(10, (await _s3.GetObjectMetadataAsync(bucket, "k")).ContentLength);

        async Task<string> RefusedAsync(params PartETag[] parts)
            => (await TestDoor.RefusedAsync(() => CompleteAsync(bucket, upload, [.. parts]))).Code;
    }

    [Fact]
    public async Task Empty_part_should_be_read_whole()
    {
        string bucket = await _door.BucketAsync();
        string upload = await CreateAsync(bucket);
        await CompleteAsync(bucket, upload, [await PartAsync(bucket, upload, 1, PartBytes), await PartAsync(bucket, upload, 2, 0)]);
        using GetObjectResponse part = await _s3.GetObjectAsync(new GetObjectRequest { BucketName = bucket, Key = "k", PartNumber = 2 });
        Assert.Equal((HttpStatusCode.OK, 0L, 2), (part.HttpStatusCode, part.ContentLength, part.PartsCount));
        Assert.Null(part.ContentRange);
    }

    [Fact]
    public async Task Upload_that_was_aborted_should_be_gone()
    {
        string bucket = await _door.BucketAsync();
        string upload = await CreateAsync(bucket);
        await PartAsync(bucket, upload, 1, 10);
        Assert.Single((await _s3.ListMultipartUploadsAsync(bucket)).MultipartUploads);
        await _s3.AbortMultipartUploadAsync(bucket, "k", upload);
        Assert.Empty((await _s3.ListMultipartUploadsAsync(bucket)).MultipartUploads ?? []);
        Assert.Equal(("NoSuchUpload", HttpStatusCode.NotFound), await TestDoor.RefusedAsync(() => _s3.AbortMultipartUploadAsync(bucket, "k", upload)));
        Assert.Equal("NoSuchUpload", (await TestDoor.RefusedAsync(() => PartAsync(bucket, upload, 2, 10))).Code);
    }

    [Fact]
    public async Task What_was_said_at_the_start_should_be_the_objects()
    {
        string bucket = await _door.BucketAsync();
        string upload = (await _s3.InitiateMultipartUploadAsync(new InitiateMultipartUploadRequest
        {
            BucketName = bucket, Key = "k", ContentType = "text/x-test", CannedACL = S3CannedACL.PublicRead, Metadata = { ["colour"] = "blue" },
            TagSet = [new Tag { Key = "a", Value = "1" }],
        })).UploadId;
        await CompleteAsync(bucket, upload, [await PartAsync(bucket, upload, 4, 10)]);
        using GetObjectResponse got = await _door.AsNobody().GetObjectAsync(bucket, "k");
        Assert.Equal(("text/x-test", "blue"), (got.Headers.ContentType, got.Metadata["colour"]));
        Assert.Single((await _s3.GetObjectTaggingAsync(new GetObjectTaggingRequest { BucketName = bucket, Key = "k" })).Tagging);
    }

    private async Task<string> CreateAsync(string bucket) => (await _s3.InitiateMultipartUploadAsync(bucket, "k")).UploadId;

    private async Task<PartETag> PartAsync(string bucket, string upload, int number, int bytes)
    {
        byte[] body = new byte[bytes];
        body.AsSpan().Fill((byte)number);
        return new PartETag(number, (await _s3.UploadPartAsync(new UploadPartRequest
        {
            BucketName = bucket, Key = "k", UploadId = upload, PartNumber = number, InputStream = new MemoryStream(body),
        })).ETag);
    }

    private Task<CompleteMultipartUploadResponse> CompleteAsync(string bucket, string upload, List<PartETag> parts)
        => _s3.CompleteMultipartUploadAsync(new CompleteMultipartUploadRequest { BucketName = bucket, Key = "k", UploadId = upload, PartETags = parts });
}
