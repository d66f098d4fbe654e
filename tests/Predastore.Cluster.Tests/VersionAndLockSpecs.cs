using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Cluster.Tests.Harness;

namespace Predastore.Cluster.Tests;

/// <summary>Versions, locks, tags and attributes with the AWS SDK through different nodes of three real processes.</summary>
[Collection(SharedCluster.Name)]
public sealed class VersionAndLockSpecs(SharedCluster shared)
{
    private const int PartBytes = 5 << 20;

    private S3Cluster Cluster => shared.Cluster;

    [Fact]
    public Task Version_written_through_one_node_should_be_locked_at_every_other() => Cluster.RunAsync(async () =>
    {
        AmazonS3Client one = Cluster.Client(1), two = Cluster.Client(2), three = Cluster.Client(3);
        await one.PutBucketAsync(new PutBucketRequest { BucketName = "locked", ObjectLockEnabledForBucket = true });
        string version = (await one.PutObjectAsync(new PutObjectRequest
        {
            BucketName = "locked", Key = "k", ContentBody = "kept", ObjectLockMode = ObjectLockMode.Governance,
            ObjectLockRetainUntilDate = DateTime.UtcNow.AddDays(1), TagSet = [new Tag { Key = "a", Value = "1" }],
        })).VersionId;
        AmazonS3Exception refused = await Assert.ThrowsAnyAsync<AmazonS3Exception>(() => two.DeleteObjectAsync("locked", "k", version));
        Assert.Equal("AccessDenied", refused.ErrorCode);
        string marker = (await three.DeleteObjectAsync("locked", "k")).VersionId;
        Assert.Equal([marker, version], (await two.ListVersionsAsync("locked")).Versions.Select(listed => listed.VersionId));
        using GetObjectResponse kept = await two.GetObjectAsync("locked", "k", version);
        Assert.Equal("kept", await new StreamReader(kept.ResponseStream).ReadToEndAsync());
        Assert.Equal("1", Assert.Single((await three.GetObjectTaggingAsync(
            new GetObjectTaggingRequest { BucketName = "locked", Key = "k", VersionId = version })).Tagging).Value);
        await one.DeleteObjectAsync("locked", "k", marker);
        await three.DeleteObjectAsync(new DeleteObjectRequest { BucketName = "locked", Key = "k", VersionId = version, BypassGovernanceRetention = true });
        await two.DeleteBucketAsync("locked");
    });

    [Theory]
    [InlineData("CRC32", "FULL_OBJECT")]
    [InlineData("CRC32", "COMPOSITE")]
    [InlineData("SHA256", "COMPOSITE")]
    public Task Checksum_of_a_multipart_object_should_be_what_the_sdk_computes(string algorithm, string type) => Cluster.RunAsync(async () =>
    {
        AmazonS3Client s3 = Cluster.Client(1);
        string bucket = $"sums-{algorithm}-{type}".ToLowerInvariant().Replace('_', '-');
        await s3.PutBucketAsync(bucket);
        string upload = (await s3.InitiateMultipartUploadAsync(new InitiateMultipartUploadRequest
        {
            BucketName = bucket, Key = "k", ChecksumAlgorithm = new ChecksumAlgorithm(algorithm), ChecksumType = new ChecksumType(type),
        })).UploadId;
        var parts = new List<PartETag>();
        byte[] body = new byte[PartBytes + 1000];
        new Random(1).NextBytes(body);
        foreach ((int number, byte[] bytes) in new[] { (1, body[..PartBytes]), (2, body[PartBytes..]) })
        {
            parts.Add(new PartETag(await s3.UploadPartAsync(new UploadPartRequest
            {
                BucketName = bucket, Key = "k", UploadId = upload, PartNumber = number, InputStream = new MemoryStream(bytes),
                ChecksumAlgorithm = new ChecksumAlgorithm(algorithm),
            })));
        }

        await s3.CompleteMultipartUploadAsync(new CompleteMultipartUploadRequest
        {
            BucketName = bucket, Key = "k", UploadId = upload, PartETags = parts, ChecksumType = new ChecksumType(type),
        });

        // The SDK verifies a full-object checksum as it reads, and throws if it differs.
        using GetObjectResponse got = await s3.GetObjectAsync(new GetObjectRequest { BucketName = bucket, Key = "k", ChecksumMode = ChecksumMode.ENABLED });
        using var copy = new MemoryStream();
        await got.ResponseStream.CopyToAsync(copy);
        Assert.Equal(body, copy.ToArray());
        Assert.Equal(type, got.ChecksumType.Value);
    });
}
