using System.Diagnostics;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Actors.Maintenance;
using Predastore.Cluster.Tests.Harness;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests.Chaos;

/// <summary>One of three nodes is killed while many objects lie in the cluster: nothing is unreadable, writes go on, the node comes back.</summary>
[Collection(Alone.Name)]
public sealed class NodeLossSpecs(ITestOutputHelper output)
{
    private const string Bucket = "loss";

    private static readonly TimeSpan PutLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan HealLimit = TimeSpan.FromSeconds(60);

    private readonly ChaosOptions _options = new();
    private readonly Dictionary<int, AmazonS3Client> _clients = [];
    private readonly Dictionary<string, string> _written = [];
    private readonly Lock _gate = new();

    [SkippableFact]
    public async Task Kill_of_any_node_should_lose_nothing_and_stop_nobody()
    {
        ChaosOptions.RequireLong();
        await using ChaosCluster chaos = await ChaosCluster.StartAsync(ClusterShape.Three, _options, output);
        S3Cluster cluster = chaos.Nodes;
        await cluster.RunAsync(async () =>
        {
            await Client(cluster, 1).PutBucketAsync(Bucket);
            await FillAsync(cluster);
            for (int victim = 1; victim <= 3; victim++)
                await LoseAsync(chaos, victim, second: (victim % 3) + 1);
        });
    }

    private async Task FillAsync(S3Cluster cluster)
    {
        int mean = (int)(_options.Bytes / _options.Objects);
        var random = new Random(_options.Seed);
        int[] sizes = [.. Enumerable.Range(0, _options.Objects).Select(i => i % 10 == 0 ? random.Next(8192) : mean / 2 + random.Next(mean + (mean / 5)))];
        await Parallel.ForEachAsync(Enumerable.Range(0, sizes.Length), new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (i, _) =>
            await PutAsync(Client(cluster, (i % 3) + 1), $"old/{i}", Content.Of(_options.Seed, i, sizes[i])));
    }

    private async Task LoseAsync(ChaosCluster chaos, int victim, int second)
    {
        S3Cluster cluster = chaos.Nodes;
        int[] left = [.. cluster.Nodes.Where(node => node != victim)];
        await cluster.KillAsync(victim);
        Task<(TimeSpan First, TimeSpan Longest)> puts = PutOnAsync(cluster, left, $"meanwhile/{victim}");
        TimeSpan read = await ReadAllAsync(cluster, left);
        (TimeSpan first, TimeSpan longest) = await puts;
        chaos.Say($"node {victim} killed: all {_written.Count} objects read in {read.TotalSeconds:0.0} s, first put after {first.TotalSeconds:0.0} s, longest gap {longest.TotalSeconds:0.0} s");

        TimeSpan ready = await chaos.StartAllAsync();
        await cluster.KillAsync(second);
        TimeSpan again = await ReadAllAsync(cluster, [.. cluster.Nodes.Where(node => node != second)]);
        TimeSpan back = await chaos.StartAllAsync();
        TimeSpan whole = await chaos.Nodes.WaitExactAsync(HealLimit, census => census.HealBacklog == 0);
        CensusResult census = await cluster.CensusAsync();
        chaos.Say($"node {victim} ready after {ready.TotalSeconds:0.0} s, node {second} killed: all read in {again.TotalSeconds:0.0} s, "
            + $"back after {back.TotalSeconds:0.0} s, all shards there after {whole.TotalSeconds:0.0} s ({census.Rows} rows, {census.Narrow} narrow)");
        Assert.True(first <= PutLimit && longest <= PutLimit, $"puts stood still for {longest.TotalSeconds:0.0} s, the first came after {first.TotalSeconds:0.0} s");
        Assert.True(ready <= ReadyLimit && back <= ReadyLimit, $"ready after {ready.TotalSeconds:0.0} and {back.TotalSeconds:0.0} s");
    }

    // Small objects one after the other over the gates that are left, with the SDK's own retries, for as long as one may have to wait.
    private async Task<(TimeSpan First, TimeSpan Longest)> PutOnAsync(S3Cluster cluster, int[] gates, string prefix)
    {
        long started = Stopwatch.GetTimestamp();
        long last = started;
        TimeSpan first = TimeSpan.Zero, longest = TimeSpan.Zero;
        for (int i = 0; i < 5 || Stopwatch.GetElapsedTime(started) < PutLimit + PutLimit; i++)
        {
            await PutAsync(Client(cluster, gates[i % gates.Length]), $"{prefix}/{i}", Content.Of(_options.Seed, 1000 + i, 20_000 + i));
            long now = Stopwatch.GetTimestamp();
            TimeSpan gap = Stopwatch.GetElapsedTime(last, now);
            first = i == 0 ? gap : first;
            longest = gap > longest ? gap : longest;
            last = now;
            await Task.Delay(100);
        }

        return (first, longest);
    }

    private async Task PutAsync(AmazonS3Client s3, string key, byte[] body)
    {
        await s3.PutObjectAsync(new PutObjectRequest { BucketName = Bucket, Key = key, InputStream = new MemoryStream(body) });
        lock (_gate)
            _written[key] = Content.Name(body);
    }

    private AmazonS3Client Client(S3Cluster cluster, int node)
    {
        lock (_gate)
            return _clients.TryGetValue(node, out AmazonS3Client? client) ? client : _clients[node] = cluster.Client(node);
    }

    private async Task<TimeSpan> ReadAllAsync(S3Cluster cluster, int[] gates)
    {
        KeyValuePair<string, string>[] expected;
        lock (_gate)
            expected = [.. _written];
        AmazonS3Client[] clients = [.. gates.Select(gate => Client(cluster, gate))];
        long started = Stopwatch.GetTimestamp();
        await Parallel.ForEachAsync(
            expected.Select((item, i) => (item.Key, item.Value, Gate: clients[i % clients.Length])), new ParallelOptions { MaxDegreeOfParallelism = 4 },
            async (item, cancel) =>
            {
                using GetObjectResponse response = await item.Gate.GetObjectAsync(Bucket, item.Key, cancel);
                string content = await Content.NameAsync(response.ResponseStream, cancel);
                Assert.True(content == item.Value, $"{item.Key} is not what was written");
            });
        return Stopwatch.GetElapsedTime(started);
    }
}
