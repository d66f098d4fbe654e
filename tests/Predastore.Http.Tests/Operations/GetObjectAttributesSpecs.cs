using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Http.Tests.Door;

namespace Predastore.Http.Tests.Operations;

public sealed class GetObjectAttributesSpecs : IAsyncLifetime
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
    public async Task Simple_object_should_have_no_parts_and_a_bare_etag()
    {
        string bucket = await _door.BucketAsync(versioned: true);
        PutObjectResponse put = await _s3.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = "k", ContentBody = "foo" });
        GetObjectAttributesResponse read = await ReadAsync(bucket);
        Assert.Equal(put.ETag.Trim('"'), read.ETag);
        Assert.Equal(3, read.ObjectSize);
        Assert.Equal("STANDARD", read.StorageClass.Value);
        Assert.Equal(put.VersionId, read.VersionId);
        Assert.Null(read.ObjectParts?.TotalPartsCount);
    }

    [Fact]
    public async Task Parts_of_a_multipart_object_should_be_paged_by_number()
    {
        string bucket = await _door.BucketAsync();
        string upload = (await _s3.InitiateMultipartUploadAsync(new InitiateMultipartUploadRequest
        {
            BucketName = bucket, Key = "k", ChecksumAlgorithm = ChecksumAlgorithm.CRC32, ChecksumType = ChecksumType.FULL_OBJECT,
        })).UploadId;
        var etags = new List<PartETag>();

        // With a gap: numbers are the client's.
        foreach (int number in new[] { 2, 3, 7 })
        {
            etags.Add(new PartETag(await _s3.UploadPartAsync(new UploadPartRequest
            {
                BucketName = bucket, Key = "k", UploadId = upload, PartNumber = number, ChecksumAlgorithm = ChecksumAlgorithm.CRC32,
                InputStream = new MemoryStream(new byte[number == 7 ? 10 : PartBytes]),
            })));
        }

        CompleteMultipartUploadResponse complete = await _s3.CompleteMultipartUploadAsync(new CompleteMultipartUploadRequest
        {
            BucketName = bucket, Key = "k", UploadId = upload, PartETags = etags, ChecksumType = ChecksumType.FULL_OBJECT,
        });
        GetObjectAttributesResponse first = await ReadAsync(bucket, max: 2);
        Assert.Equal(3, first.ObjectParts.TotalPartsCount);
        Assert.Equal([2, 3], first.ObjectParts.Parts.Select(part => part.PartNumber!.Value));
        Assert.True(first.ObjectParts.IsTruncated);
        Assert.Equal(3, first.ObjectParts.NextPartNumberMarker);
        Assert.Equal(complete.ChecksumCRC32, first.Checksum.ChecksumCRC32);
        GetObjectAttributesResponse rest = await ReadAsync(bucket, max: 2, marker: 3);
        Assert.Equal(10, Assert.Single(rest.ObjectParts.Parts).Size);
        Assert.False(rest.ObjectParts.IsTruncated);

        GetObjectMetadataResponse one = await _s3.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = bucket, Key = "k", PartNumber = 7 });
        Assert.Equal(10, one.ContentLength);
        Assert.Equal(3, one.PartsCount);
        Assert.Equal("InvalidPart", (await TestDoor.RefusedAsync(
            () => _s3.GetObjectAsync(new GetObjectRequest { BucketName = bucket, Key = "k", PartNumber = 4 }))).Code);
    }

    [Fact]
    public async Task Object_of_another_account_should_be_denied()
    {
        string bucket = await _door.BucketAsync();
        await _s3.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = "k", ContentBody = "foo" });
        Assert.Equal("AccessDenied", (await TestDoor.RefusedAsync(() => _door.AsAlt().GetObjectAttributesAsync(Request(bucket)))).Code);
    }

    private Task<GetObjectAttributesResponse> ReadAsync(string bucket, int? max = null, int? marker = null)
    {
        GetObjectAttributesRequest request = Request(bucket);
        request.MaxParts = max;
        request.PartNumberMarker = marker;
        return _s3.GetObjectAttributesAsync(request);
    }

    private static GetObjectAttributesRequest Request(string bucket) => new()
    {
        BucketName = bucket, Key = "k",
        ObjectAttributes =
        [
            ObjectAttributes.ETag, ObjectAttributes.Checksum, ObjectAttributes.ObjectParts, ObjectAttributes.StorageClass, ObjectAttributes.ObjectSize,
        ],
    };
}
