using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Http.Tests.Door;

namespace Predastore.Http.Tests.Operations;

public sealed class ListObjectVersionsSpecs : IAsyncLifetime
{
    private TestDoor _door = null!;
    private AmazonS3Client _s3 = null!;

    public async Task InitializeAsync()
    {
        _door = await TestDoor.OpenAsync();
        _s3 = _door.AsMain();
    }

    public async Task DisposeAsync() => await _door.DisposeAsync();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(1000)]
    public async Task Pages_should_join_to_all_versions_newest_first(int page)
    {
        string bucket = await _door.BucketAsync(versioned: true);
        var expected = new List<string>();
        foreach (string key in new[] { "a", "a+b", "a/b", "é" })
        {
            var versions = new List<string>();
            for (int i = 0; i < 3; i++)
                versions.Add((await _s3.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = key, ContentBody = "x" })).VersionId);
            versions.Add((await _s3.DeleteObjectAsync(bucket, key)).VersionId);
            expected.AddRange(Enumerable.Reverse(versions).Select((id, i) => $"{key} {id} {i == 0}"));
        }

        var listed = new List<string>();
        string? keyMarker = null, versionMarker = null;
        ListVersionsResponse answer;
        do
        {
            answer = await _s3.ListVersionsAsync(new ListVersionsRequest
            {
                BucketName = bucket, MaxKeys = page, KeyMarker = keyMarker, VersionIdMarker = versionMarker,
            });
            Assert.True(answer.Versions.Count <= page);
            listed.AddRange(answer.Versions.Select(one => $"{one.Key} {one.VersionId} {one.IsLatest}"));
            (keyMarker, versionMarker) = (answer.NextKeyMarker, answer.NextVersionIdMarker);
        }
        while (answer.IsTruncated == true);
        Assert.Equal(expected, listed);
    }

    [Fact]
    public async Task Marker_of_a_version_should_need_the_marker_of_its_key()
    {
        string bucket = await _door.BucketAsync(versioned: true);
        Assert.Equal("InvalidArgument", (await TestDoor.RefusedAsync(
            () => _s3.ListVersionsAsync(new ListVersionsRequest { BucketName = bucket, VersionIdMarker = new string('0', 24) }))).Code);
    }

    [Fact]
    public async Task Delete_marker_should_hide_the_object_and_be_told_by_header()
    {
        string bucket = await _door.BucketAsync(versioned: true);
        string first = (await _s3.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = "k", ContentBody = "x" })).VersionId;
        DeleteObjectResponse deleted = await _s3.DeleteObjectAsync(bucket, "k");
        Assert.Equal("true", deleted.DeleteMarker);
        Assert.Equal(HttpStatusCode.NotFound, (await TestDoor.RefusedAsync(() => _s3.GetObjectMetadataAsync(bucket, "k"))).Status);
        Assert.Equal(("MethodNotAllowed", HttpStatusCode.MethodNotAllowed), await TestDoor.RefusedAsync(() => _s3.GetObjectAsync(bucket, "k", deleted.VersionId)));
        using GetObjectResponse old = await _s3.GetObjectAsync(bucket, "k", first);
        Assert.Equal(first, old.VersionId);
        Assert.Empty((await _s3.ListObjectsV2Async(new ListObjectsV2Request { BucketName = bucket })).S3Objects ?? []);
        await _s3.DeleteObjectAsync(bucket, "k", deleted.VersionId);
        Assert.Equal(first, (await _s3.GetObjectMetadataAsync(bucket, "k")).VersionId);
    }

    [Fact]
    public async Task Suspended_bucket_should_write_over_the_null_version_alone()
    {
        string bucket = await _door.BucketAsync(versioned: true);
        string kept = (await PutAsync()).VersionId;
        await _s3.PutBucketVersioningAsync(new PutBucketVersioningRequest
        {
            BucketName = bucket, VersioningConfig = new S3BucketVersioningConfig { Status = VersionStatus.Suspended },
        });
        Assert.Null((await PutAsync()).VersionId);
        Assert.Null((await PutAsync()).VersionId);
        Assert.Equal("null", (await _s3.GetObjectMetadataAsync(bucket, "k")).VersionId);
        Assert.Equal(["null", kept], (await _s3.ListVersionsAsync(bucket)).Versions.Select(one => one.VersionId));
        Assert.Equal("null", (await _s3.DeleteObjectAsync(bucket, "k")).VersionId);
        Assert.Equal(["null", kept], (await _s3.ListVersionsAsync(bucket)).Versions.Select(one => one.VersionId));
        Assert.Equal("InvalidArgument", (await TestDoor.RefusedAsync(() => _s3.GetObjectAsync(bucket, "k", "no version"))).Code);

        Task<PutObjectResponse> PutAsync() => _s3.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = "k", ContentBody = "x" });
    }
}
