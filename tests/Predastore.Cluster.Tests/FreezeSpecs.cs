using System.Diagnostics;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Cluster.Tests.Harness;
using Predastore.Http.Admin;
using Xunit;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests;

/// <summary>Real processes: a node that stands still for longer than the cluster waits for it.</summary>
public sealed class FreezeSpecs(ITestOutputHelper output) : ClusterSpecs(output)
{
    private static readonly TimeSpan BackTimeout = TimeSpan.FromSeconds(30);

    [Fact]
    public Task Frozen_leader_should_be_done_without_and_come_back_by_itself() => Cluster.RunAsync(async () =>
    {
        int frozen = (int)((await Cluster.StatusAsync()).Raft.Leader ?? throw new InvalidOperationException("no leader"));
        int other = (frozen % 3) + 1;
        AmazonS3Client s3 = Cluster.Client(other);
        await s3.PutBucketAsync("frozen");
        await s3.PutObjectAsync(new PutObjectRequest { BucketName = "frozen", Key = "key", ContentBody = "before" });

        Cluster.Process(frozen).Freeze();
        long since = Stopwatch.GetTimestamp();
        await S3Cluster.WaitUntilAsync(() => TryPutAsync(s3, "during"), TimeSpan.FromSeconds(20), "a PUT without the frozen leader");
        Output.WriteLine($"writable {Stopwatch.GetElapsedTime(since).TotalSeconds:0.0} s after the freeze");
        await S3Cluster.WaitUntilAsync(
            async () => StateOf(await Cluster.StatusAsync(other), frozen) == "down", BackTimeout, "the frozen node being removed");
        await S3Cluster.WaitUntilAsync(() => TryPutAsync(s3, "after"), TimeSpan.FromSeconds(20), "another PUT");
        Cluster.Process(frozen).Thaw();
        since = Stopwatch.GetTimestamp();

        // Thawed, it believes for a moment that it leads: what it answers must be what was written meanwhile.
        await S3Cluster.WaitUntilAsync(() => TryReadAsync(frozen, "after"), BackTimeout, "a read from the thawed node");
        await S3Cluster.WaitUntilAsync(
            async () => StateOf(await Cluster.StatusAsync(other), frozen) == "up", BackTimeout, "the thawed node being a member again");
        await Cluster.WaitReadyAsync(frozen);
        Output.WriteLine($"back {Stopwatch.GetElapsedTime(since).TotalSeconds:0.0} s after the thaw");
        Assert.True(Stopwatch.GetElapsedTime(since) < BackTimeout);
    });

    private static string StateOf(ClusterStatus status, int node) => status.Nodes.Single(row => row.Node == node).State;

    private static async Task<bool> TryPutAsync(AmazonS3Client s3, string content)
    {
        try
        {
            await s3.PutObjectAsync(new PutObjectRequest { BucketName = "frozen", Key = "key", ContentBody = content });
            return true;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == System.Net.HttpStatusCode.ServiceUnavailable)
        {
            return false;
        }
    }

    /// <summary>False while the node answers 503; a stale answer fails the test.</summary>
    private async Task<bool> TryReadAsync(int node, string expected)
    {
        try
        {
            using GetObjectResponse got = await Cluster.Client(node, config => config.MaxErrorRetry = 0).GetObjectAsync("frozen", "key");
            Assert.Equal(expected, await new StreamReader(got.ResponseStream).ReadToEndAsync());
            return true;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == System.Net.HttpStatusCode.ServiceUnavailable)
        {
            return false;
        }
    }
}
