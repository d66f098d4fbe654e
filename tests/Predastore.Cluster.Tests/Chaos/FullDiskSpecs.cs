using System.Diagnostics;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Cluster.Tests.Harness;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests.Chaos;

/// <summary>
/// Nodes whose data lies on small file systems of their own, filled under the running processes: writes are refused with a clean error,
/// what was acknowledged stays readable, deleting works while nothing else does, and writes are taken again when there is room.
/// </summary>
[Collection(Alone.Name)]
public sealed class FullDiskSpecs(ITestOutputHelper output)
{
    private const int ObjectBytes = 2 << 20;
    private const int InlineBytes = 1000;
    private const int Refusals = 12;
    private const string Bucket = "full";

    // Databases and logs take a part of it from the start.
    private const long NodeDiskBytes = 192L << 20;

    private static readonly TimeSpan ResumeLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan RoomLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan FullTime = TimeSpan.FromSeconds(6);

    private readonly ChaosOptions _options = new();

    [SkippableFact]
    public Task Full_cluster_should_refuse_cleanly_serve_on_and_take_writes_again() => RunAsync(async chaos =>
    {
        await chaos.Clients[0].PutBucketAsync(Bucket);
        var written = new Dictionary<string, string>();
        HashSet<string> unsure = [];
        int refused = 0, full = 0;
        for (int i = 0; refused < Refusals; i++)
        {
            byte[] body = Content.Of(_options.Seed, i, refused % 4 == 3 ? InlineBytes : ObjectBytes);
            if (await RefusalAsync(chaos.Clients[i % 3], $"{i}", body) is not { } refusal)
            {
                // Only what is refused in a row is a full cluster.
                (refused, full) = (0, 0);
                written[$"{i}"] = Content.Name(body);
                continue;
            }

            refused++;
            if (refusal.ErrorCode == "InsufficientStorage")
                full++;
            else
                unsure.Add($"{i}");
            Assert.True((int)refusal.StatusCode is 503 or 507, $"a full disk was answered with {(int)refusal.StatusCode} {refusal.ErrorCode}: {refusal.Message}");
            Assert.Contains(refusal.ErrorCode, new[] { "InsufficientStorage", "ServiceUnavailable", "SlowDown" });
            Assert.NotEmpty(refusal.RequestId);
        }

        Assert.True(written.Count > 20, $"{written.Count} objects fit: the disks are full of something else");
        Assert.True(full > 0, "nobody was told that the cluster is out of space");
        await ReadAllAsync(chaos, written);

        string[] deleted = [.. written.Keys.Where((_, i) => i % 2 == 0)];
        for (int i = 0; i < deleted.Length; i++)
            await chaos.Clients[i % 3].DeleteObjectAsync(Bucket, deleted[i]);
        long freed = Stopwatch.GetTimestamp();
        int next = 0;
        await S3Cluster.WaitUntilAsync(
            async () => await RefusalAsync(chaos.Clients[next++ % 3], "again", Content.Of(_options.Seed, -1, ObjectBytes)) is null, RoomLimit, "a write after half was deleted");
        TimeSpan again = Stopwatch.GetElapsedTime(freed);

        foreach (string key in deleted)
            written.Remove(key);
        written["again"] = Content.Name(Content.Of(_options.Seed, -1, ObjectBytes));
        await ReadAllAsync(chaos, written);
        ListObjectsV2Response listed = await chaos.Clients[1].ListObjectsV2Async(new ListObjectsV2Request { BucketName = Bucket });
        Assert.Equal(written.Keys.Order(StringComparer.Ordinal), listed.S3Objects.Select(item => item.Key).Where(key => !unsure.Contains(key)).Order(StringComparer.Ordinal));
        TimeSpan exact = await chaos.Nodes.WaitExactAsync(_options.OrphanLimit, census => census.GarbageBacklog == 0);
        chaos.Say($"full: {written.Count + deleted.Length - 1} objects fit, then refused ({full} of {Refusals} times 507), all read, {deleted.Length} deleted; "
            + $"written again after {again.TotalSeconds:0.0} s, census exact after {exact.TotalSeconds:0} s");
    });

    [SkippableFact]
    public Task Last_block_taken_by_others_should_lose_nothing() => RunAsync(async chaos =>
    {
        S3Cluster cluster = chaos.Nodes;
        using var stop = new CancellationTokenSource();
        Task load = chaos.Workload.RunAsync(stop.Token);
        await S3Cluster.WaitUntilAsync(() => Task.FromResult(chaos.Workload.Acked > 20), ResumeLimit, "a load that runs");

        int victim = (int)((await cluster.StatusAsync()).Raft.Leader ?? 1);
        cluster.Files.Disk(victim).FillUp();
        long filled = Stopwatch.GetTimestamp();
        long before = chaos.Workload.Acked;
        await S3Cluster.WaitUntilAsync(
            () => Task.FromResult(load.IsCompleted || chaos.Workload.Acked > before + 5), ResumeLimit, "writes that go on while the leader's disk is full");
        TimeSpan resumed = Stopwatch.GetElapsedTime(filled);
        await Task.Delay(FullTime);
        long during = chaos.Workload.Acked - before;
        foreach (int node in cluster.Nodes)
            cluster.Files.Disk(node).FillUp();
        // What was allocated ahead takes some writes more.
        await S3Cluster.WaitUntilAsync(
            async () => !(await Task.WhenAll(chaos.Clients.Select(ChaosCluster.TakesWriteAsync))).Any(took => took), ResumeLimit, "refusals of every gate");
        await Task.Delay(FullTime);
        await stop.CancelAsync();
        await load;

        foreach (int node in cluster.Nodes)
            cluster.Files.Disk(node).Free();
        long freed = Stopwatch.GetTimestamp();
        foreach (AmazonS3Client s3 in chaos.Clients)
            await S3Cluster.WaitUntilAsync(() => ChaosCluster.TakesWriteAsync(s3), RoomLimit - Stopwatch.GetElapsedTime(freed), "every gate takes writes again");
        TimeSpan again = Stopwatch.GetElapsedTime(freed);
        await chaos.CheckAsync("after there was room again", settle: false);
        await cluster.KillAsync([.. cluster.Nodes]);
        await chaos.StartAllAsync();
        await chaos.CheckAsync("after a restart of all", settle: true);
        TimeSpan exact = await chaos.Nodes.WaitExactAsync(_options.OrphanLimit);
        chaos.Say($"last block: writes go on after {resumed.TotalSeconds:0.0} s without node {victim} ({during} acknowledged meanwhile), all full for {FullTime.TotalSeconds} s, "
            + $"written again over every gate after {again.TotalSeconds:0.0} s; {chaos.Workload.Acked} acknowledged, 0 lost, census exact after {exact.TotalSeconds:0} s");
    });

    private async Task RunAsync(Func<ChaosCluster, Task> body)
    {
        ChaosOptions.RequireLong();
        string? why = SmallDisk.WhyNot();
        Skip.If(why is not null, $"a file system of a chosen size needs the right to mount: {why}");
        await using ChaosCluster chaos = await ChaosCluster.StartAsync(ClusterShape.Three with { NodeDiskBytes = NodeDiskBytes }, _options, output);
        await chaos.Nodes.RunAsync(() => body(chaos));
    }

    /// <returns>How it was refused; null if it was acknowledged.</returns>
    private static async Task<AmazonS3Exception?> RefusalAsync(AmazonS3Client s3, string key, byte[] body)
    {
        try
        {
            await s3.PutObjectAsync(new PutObjectRequest { BucketName = Bucket, Key = key, InputStream = new MemoryStream(body) });
            return null;
        }
        catch (AmazonS3Exception e)
        {
            return e;
        }
    }

    private static async Task ReadAllAsync(ChaosCluster chaos, Dictionary<string, string> written)
    {
        int gate = 0;
        foreach ((string key, string content) in written)
        {
            using GetObjectResponse response = await chaos.Clients[gate++ % 3].GetObjectAsync(Bucket, key);
            string read = await Content.NameAsync(response.ResponseStream);
            Assert.True(read == content, $"{key} is not what was acknowledged");
        }
    }
}
