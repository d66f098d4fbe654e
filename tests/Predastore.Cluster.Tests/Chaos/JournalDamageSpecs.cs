using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Cluster.Tests.Harness;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests.Chaos;

/// <summary>
/// Raft journals that are no longer what was synced: a replica that may have forgotten votes or entries says so and neither votes nor
/// leads, the others serve on, and where all are damaged nobody serves rather than serve less than was acknowledged.
/// </summary>
[Collection(Alone.Name)]
public sealed class JournalDamageSpecs(ITestOutputHelper output)
{
    private const int Victim = 3;
    private const string Bucket = "journal";
    private const int BlockBytes = 512;

    private static readonly TimeSpan SaidLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ServeLimit = TimeSpan.FromSeconds(60);

    // Several times as long as an election takes.
    private static readonly TimeSpan QuietTime = TimeSpan.FromSeconds(8);

    private readonly ChaosOptions _options = new();

    [SkippableTheory]
    [InlineData("flipped in the middle")]
    [InlineData("flipped at the end")]
    [InlineData("zeros at the end")]
    [InlineData("cut off at the end")]
    public Task Damaged_replica_should_say_so_and_not_vote(string damage) => RunAsync(async (chaos, keys) =>
    {
        S3Cluster cluster = chaos.Nodes;
        await cluster.KillAsync(Victim);
        Damage(cluster.Files, Victim, damage);
        ulong before = ReplicaLogs.LedTerm(cluster.Files, [Victim]);
        cluster.StartNode(Victim);

        string said = "";
        await S3Cluster.WaitUntilAsync(
            async () => (said = await WarningAsync(cluster)).Contains("The Raft journal is damaged", StringComparison.Ordinal), SaidLimit, "a warning that names the damaged journal");
        AmazonS3Client other = cluster.Client(1);
        await S3Cluster.WaitUntilAsync(() => ChaosCluster.TakesWriteAsync(other), ServeLimit, "a write over the others");
        await ReadAllAsync(cluster.Client(2), keys);
        // The gate beside the damaged replica asks the others.
        AmazonS3Client beside = cluster.Client(Victim);
        await S3Cluster.WaitUntilAsync(() => ChaosCluster.TakesWriteAsync(beside), ServeLimit, "a write over the gate of the damaged replica");
        await ReadAllAsync(beside, keys);

        // One whole replica and the damaged one are no majority.
        await cluster.KillAsync(1);
        AmazonS3Client left = cluster.Client(2, config => (config.MaxErrorRetry, config.Timeout) = (0, TimeSpan.FromSeconds(5)));
        await NeverWritableAsync(left);
        Assert.Equal(before, ReplicaLogs.LedTerm(cluster.Files, [Victim]));
        cluster.StartNode(1);
        await S3Cluster.WaitUntilAsync(() => ChaosCluster.TakesWriteAsync(left), ServeLimit, "a write when two whole replicas are there again");
        await ReadAllAsync(cluster.Client(2), keys);
        chaos.Say($"journal, {damage}: {said}");
    });

    [SkippableFact]
    public Task Damage_of_all_journals_should_halt_the_cluster() => RunAsync(async (chaos, keys) =>
    {
        S3Cluster cluster = chaos.Nodes;
        await cluster.KillAsync([.. cluster.Nodes]);
        string kept = cluster.Files["kept"];
        foreach (int node in cluster.Nodes)
        {
            string log = Log(cluster.Files, node);
            File.Copy(log, kept + node);
            Damage(cluster.Files, node, "flipped in the middle");
        }

        foreach (int node in cluster.Nodes)
            cluster.StartNode(node);
        await S3Cluster.WaitUntilAsync(
            () => Task.FromResult(cluster.Nodes.All(node => cluster.Files.HasLogged(node, "Corruption"))), SaidLimit, "every node says that its journal is damaged");
        await NeverWritableAsync(cluster.Client(1, config => (config.MaxErrorRetry, config.Timeout) = (0, TimeSpan.FromSeconds(5))));

        await cluster.KillAsync([.. cluster.Nodes]);
        foreach (int node in cluster.Nodes)
            File.Copy(kept + node, Log(cluster.Files, node), overwrite: true);
        await chaos.StartAllAsync();
        await ReadAllAsync(cluster.Client(1), keys);
        chaos.Say($"journal: with all damaged nobody served; put back, all {keys.Count} objects are there");
    });

    private async Task RunAsync(Func<ChaosCluster, IReadOnlyList<string>, Task> body)
    {
        ChaosOptions.RequireLong();
        await using ChaosCluster chaos = await ChaosCluster.StartAsync(ClusterShape.Three, _options, output);
        await chaos.Nodes.RunAsync(async () =>
        {
            AmazonS3Client s3 = chaos.Nodes.Client(1);
            await s3.PutBucketAsync(Bucket);
            string[] keys = [.. Enumerable.Range(0, 60).Select(i => $"{i}")];
            foreach (string key in keys)
                await s3.PutObjectAsync(new PutObjectRequest { BucketName = Bucket, Key = key, ContentBody = new string('x', 2000) + key });
            await body(chaos, keys);
        });
    }

    // What the others say of the damaged replica; nothing while no node answers.
    private static async Task<string> WarningAsync(S3Cluster cluster) =>
        (await cluster.TryStatusAsync(1))?.Warnings.FirstOrDefault(line => line.Contains($"replica of node {Victim} is", StringComparison.Ordinal)) ?? "";

    private static async Task ReadAllAsync(AmazonS3Client s3, IReadOnlyList<string> keys)
    {
        foreach (string key in keys)
        {
            using GetObjectResponse response = await s3.GetObjectAsync(Bucket, key);
            Assert.EndsWith("x" + key, await new StreamReader(response.ResponseStream).ReadToEndAsync());
        }
    }

    private static async Task NeverWritableAsync(AmazonS3Client s3)
    {
        long started = System.Diagnostics.Stopwatch.GetTimestamp();
        while (System.Diagnostics.Stopwatch.GetElapsedTime(started) < QuietTime)
        {
            Assert.False(await ChaosCluster.TakesWriteAsync(s3), "a write was acknowledged without a majority of whole replicas");
            await Task.Delay(TimeSpan.FromMilliseconds(200));
        }
    }

    // The write-ahead log that RocksDB went on with last.
    private static string Log(ClusterFolder files, int node) =>
        Directory.GetFiles(Path.Combine(files.DbFolder(node), "journal"), "*.log").Order(StringComparer.Ordinal).Last();

    private static void Damage(ClusterFolder files, int node, string damage)
    {
        string path = Log(files, node);
        byte[] log = File.ReadAllBytes(path);
        // Room that was allocated ahead is no part of what was written.
        int end = Array.FindLastIndex(log, value => value != 0) + 1;
        Assert.True(end > 4 * BlockBytes, $"{path} has only {end} bytes");
        switch (damage)
        {
            case "flipped in the middle":
                log[end / 2] ^= 0x10;
                break;
            case "flipped at the end":
                log[end - 1] ^= 0x10;
                break;
            case "zeros at the end":
                log.AsSpan(end - BlockBytes, BlockBytes).Clear();
                break;
            default:
                log = log[..(end - BlockBytes)];
                break;
        }

        File.WriteAllBytes(path, log);
    }
}
