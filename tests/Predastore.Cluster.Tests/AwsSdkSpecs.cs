using System.Net;
using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;
using Amazon.S3.Transfer;
using Predastore.Cluster.Tests.Harness;

namespace Predastore.Cluster.Tests;

/// <summary>The AWS SDK for .NET with its default settings, its checksums on, against three real processes.</summary>
[Collection(SharedCluster.Name)]
public sealed class AwsSdkSpecs(SharedCluster shared)
{
    private const string Bucket = "sdk";
    private const int PartBytes = 5 << 20;

    private S3Cluster Cluster => shared.Cluster;

    [Fact]
    public Task Ordinary_work_should_run_unchanged() => Cluster.RunAsync(async () =>
    {
        AmazonS3Client s3 = Cluster.Client(1);
        await s3.PutBucketAsync(Bucket);
        await PutGetAndRangeAsync(s3);
        await MultipartAsync(s3);
        await CopyAsync(s3);
        await ListAndDeleteAsync(s3);
        await s3.DeleteBucketAsync(Bucket);
        Assert.DoesNotContain((await s3.ListBucketsAsync()).Buckets ?? [], bucket => bucket.BucketName == Bucket);
    });

    [Fact]
    public Task Conditional_put_should_let_one_of_many_racers_win() => Cluster.RunAsync(async () =>
    {
        await Cluster.Client(1).PutBucketAsync("race");
        Task<bool>[] racers = [.. Enumerable.Range(0, 32).Select(async i =>
        {
            try
            {
                await Cluster.Client((i % 3) + 1).PutObjectAsync(new PutObjectRequest
                {
                    BucketName = "race", Key = "one", ContentBody = $"racer {i}", IfNoneMatch = "*",
                });
                return true;
            }
            catch (AmazonS3Exception e) when (e.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.Conflict)
            {
                return false;
            }
        })];
        Assert.Single(await Task.WhenAll(racers), won => won);
    });

    private static async Task PutGetAndRangeAsync(AmazonS3Client s3)
    {
        foreach (int size in new[] { 0, 1, 4096, 4097, 200_000, 3_000_000 })
        {
            byte[] body = RandomNumberGenerator.GetBytes(size);
            PutObjectResponse put = await s3.PutObjectAsync(new PutObjectRequest
            {
                BucketName = Bucket, Key = $"size/{size}", InputStream = new MemoryStream(body), ContentType = "text/x-test",
                Metadata = { ["colour"] = "blue" },
            });
            Assert.Equal($"\"{Convert.ToHexStringLower(MD5.HashData(body))}\"", put.ETag);
            using GetObjectResponse got = await s3.GetObjectAsync(Bucket, $"size/{size}");
            Assert.Equal(body, await BytesAsync(got));
            Assert.Equal("blue", got.Metadata["colour"]);
            Assert.Equal("text/x-test", got.Headers.ContentType);
            if (size < 100)
                continue;
            using GetObjectResponse range = await s3.GetObjectAsync(new GetObjectRequest
            {
                BucketName = Bucket, Key = $"size/{size}", ByteRange = new ByteRange(50, size - 20),
            });
            Assert.Equal(body[50..(size - 19)], await BytesAsync(range));
        }
    }

    private static async Task MultipartAsync(AmazonS3Client s3)
    {
        byte[] body = RandomNumberGenerator.GetBytes((2 * PartBytes) + 1000);
        using var transfer = new TransferUtility(s3, new TransferUtilityConfig { MinSizeBeforePartUpload = PartBytes });
        await transfer.UploadAsync(new TransferUtilityUploadRequest
        {
            BucketName = Bucket, Key = "multi", InputStream = new MemoryStream(body), PartSize = PartBytes,
        });
        using GetObjectResponse got = await s3.GetObjectAsync(Bucket, "multi");
        Assert.Equal(body, await BytesAsync(got));
        Assert.EndsWith("-3\"", got.ETag);
        using GetObjectResponse across = await s3.GetObjectAsync(new GetObjectRequest
        {
            BucketName = Bucket, Key = "multi", ByteRange = new ByteRange(PartBytes - 10, PartBytes + 9),
        });
        Assert.Equal(body[(PartBytes - 10)..(PartBytes + 10)], await BytesAsync(across));
    }

    private static async Task CopyAsync(AmazonS3Client s3)
    {
        await s3.CopyObjectAsync(Bucket, "multi", Bucket, "multi copy");
        await s3.DeleteObjectAsync(Bucket, "multi");
        GetObjectMetadataResponse head = await s3.GetObjectMetadataAsync(Bucket, "multi copy");
        Assert.Equal((2 * PartBytes) + 1000, head.ContentLength);
        await s3.CopyObjectAsync(Bucket, "size/1", Bucket, "small copy");
        using GetObjectResponse got = await s3.GetObjectAsync(Bucket, "small copy");
        Assert.Single(await BytesAsync(got));
    }

    private static async Task ListAndDeleteAsync(AmazonS3Client s3)
    {
        ListObjectsV2Response folders = await s3.ListObjectsV2Async(new ListObjectsV2Request { BucketName = Bucket, Delimiter = "/" });
        Assert.Equal(["size/"], folders.CommonPrefixes);
        Assert.Equal(["multi copy", "small copy"], folders.S3Objects.Select(one => one.Key));
        var keys = new List<KeyVersion>();
        string? token = null;
        do
        {
            ListObjectsV2Response page = await s3.ListObjectsV2Async(
                new ListObjectsV2Request { BucketName = Bucket, MaxKeys = 3, ContinuationToken = token });
            keys.AddRange(page.S3Objects.Select(one => new KeyVersion { Key = one.Key }));
            token = page.NextContinuationToken;
        }
        while (token is not null);
        Assert.Equal(8, keys.Count);
        DeleteObjectsResponse deleted = await s3.DeleteObjectsAsync(new DeleteObjectsRequest { BucketName = Bucket, Objects = keys });
        Assert.Equal(8, deleted.DeletedObjects.Count);
        Assert.Empty((await s3.ListObjectsV2Async(new ListObjectsV2Request { BucketName = Bucket })).S3Objects ?? []);
    }

    private static async Task<byte[]> BytesAsync(GetObjectResponse response)
    {
        using var copy = new MemoryStream();
        await response.ResponseStream.CopyToAsync(copy);
        return copy.ToArray();
    }
}
