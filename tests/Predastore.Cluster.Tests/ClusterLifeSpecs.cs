using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Cluster.Tests.Harness;
using Xunit;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests;

/// <summary>Three real processes: they come up, work, survive a kill and stop in order.</summary>
public sealed class ClusterLifeSpecs(ITestOutputHelper output) : ClusterSpecs(output)
{
    private static readonly TimeSpan FailoverTimeout = TimeSpan.FromSeconds(30);

    [Fact]
    public Task Cluster_should_serve_over_a_kill_take_the_node_back_and_stop_in_order() => Cluster.RunAsync(async () =>
    {
        byte[] content = new byte[3 << 20];
        Random.Shared.NextBytes(content);
        AmazonS3Client s3 = Cluster.Client(1);
        await s3.PutBucketAsync("life");
        await s3.PutObjectAsync(new PutObjectRequest { BucketName = "life", Key = "a/b", InputStream = new MemoryStream(content) });
        foreach (int node in Cluster.Nodes)
            Assert.Equal(content, await ReadAsync(Cluster.Client(node)));

        await Cluster.KillAsync(3);
        Assert.False(Cluster.IsRunning(3));
        Assert.Equal(content, await ReadAsync(s3));
        await S3Cluster.WaitUntilAsync(() => TryPutAsync(s3), FailoverTimeout, "a PUT with one node dead");

        Cluster.StartNode(3);
        await Cluster.WaitReadyAsync();
        Assert.Equal(content, await ReadAsync(Cluster.Client(3)));

        int[] codes = await Task.WhenAll(Cluster.Nodes.Select(node => Cluster.Process(node).TerminateAsync()));
        Assert.Equal([0, 0, 0], codes);
    });

    private static async Task<byte[]> ReadAsync(AmazonS3Client s3)
    {
        using GetObjectResponse response = await s3.GetObjectAsync("life", "a/b");
        using var copy = new MemoryStream();
        await response.ResponseStream.CopyToAsync(copy);
        return copy.ToArray();
    }

    private static async Task<bool> TryPutAsync(AmazonS3Client s3)
    {
        try
        {
            await s3.PutObjectAsync(new PutObjectRequest { BucketName = "life", Key = "c", ContentBody = "x" });
            return true;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == System.Net.HttpStatusCode.ServiceUnavailable)
        {
            return false;
        }
    }
}
