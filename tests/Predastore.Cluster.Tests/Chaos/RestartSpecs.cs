using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Cluster.Tests.Harness;
using Predastore.Cluster.Tests.Maintenance;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests.Chaos;

/// <summary>All nodes stop and start, in good order and by kill -9 in turn, over many keys; and one node after the other under load.</summary>
[Collection(Alone.Name)]
public sealed class RestartSpecs(ITestOutputHelper output)
{
    private const string Bucket = "restarts";
    private const int PutsAtOnce = 16;
    private const int SampleKeys = 100;
    private const int RollingObjects = 40;
    private const int MeanBytes = 64 << 10;
    private const int RollingTurns = 3;

    private static readonly TimeSpan ReadyMax = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly ChaosOptions _options = new();

    [SkippableFact]
    public async Task Cluster_should_serve_soon_after_every_restart_of_all_nodes()
    {
        ChaosOptions.RequireLong();
        await using ChaosCluster chaos = await ChaosCluster.StartAsync(_options.Shape, _options, output);
        S3Cluster cluster = chaos.Nodes;
        await cluster.RunAsync(async () =>
        {
            await chaos.Clients[0].PutBucketAsync(Bucket);
            await ForAllAsync(Enumerable.Range(0, _options.Keys), number => Gate(chaos, number).PutObjectAsync(
                new PutObjectRequest { BucketName = Bucket, Key = Key(number), ContentBody = Key(number) }));
            var random = new Random(_options.Seed);
            var ready = new List<double>();
            for (int round = 1; round <= _options.Rounds; round++)
            {
                if (round % 2 == 0)
                    await cluster.KillAsync([.. cluster.Nodes]);
                else
                    Assert.All(await Task.WhenAll(cluster.Nodes.Select(node => cluster.Process(node).TerminateAsync())), code => Assert.Equal(0, code));
                TimeSpan took = await chaos.StartAllAsync();
                ready.Add(took.TotalSeconds);
                Assert.True(took <= ReadyMax, $"round {round}: ready after {took.TotalSeconds:0.0} s");
                await ForAllAsync(Enumerable.Range(0, SampleKeys).Select(_ => random.Next(_options.Keys)), number => ReadAsync(Gate(chaos, number), Key(number)));
            }

            Assert.Equal(_options.Keys, await CountAsync(chaos.Clients[0]));
            ready.Sort();
            chaos.Say($"restarts: {_options.Rounds} of all nodes over {_options.Keys} keys, ready after {ready[0]:0.0} to {ready[^1]:0.0} s, "
                + $"{ready[ready.Count / 2]:0.0} s in the median");
        });
    }

    [SkippableFact]
    public async Task Rolling_restart_should_fail_no_request_of_the_other_gates()
    {
        ChaosOptions.RequireLong();
        await using ChaosCluster chaos = await ChaosCluster.StartAsync(_options.Shape, _options, output);
        S3Cluster cluster = chaos.Nodes;
        await cluster.RunAsync(async () =>
        {
            AmazonS3Client[] gates = [.. cluster.Nodes.Select(node => cluster.Client(node))];
            var objects = new ObjectSet(RollingObjects, MeanBytes);
            await gates[0].PutBucketAsync(ObjectSet.Bucket);
            await objects.PutAllAsync(gates);
            int requests = 0;
            foreach (int node in Enumerable.Repeat(cluster.Nodes, RollingTurns).SelectMany(nodes => nodes))
            {
                await using var load = new Foreground([.. gates.Where((_, gate) => gate != node - 1)], objects, 2, Pause);
                Assert.Equal(0, await cluster.Process(node).TerminateAsync());
                cluster.StartNode(node);
                await cluster.WaitReadyAsync(node);
                Assert.True(load.Failures.IsEmpty, $"node {node}: {string.Join(Environment.NewLine, load.Failures.Take(10))}");
                requests += load.Milliseconds.Count;
            }

            Assert.True(requests > 0, "nothing was asked meanwhile");
            chaos.Say($"rolling restart: {RollingTurns} times all nodes, {requests} requests meanwhile, none failed");
        });
    }

    private static string Key(int number) => $"key-{number:d7}";

    private static AmazonS3Client Gate(ChaosCluster chaos, int number) => chaos.Clients[number % chaos.Clients.Count];

    private static async Task ReadAsync(AmazonS3Client s3, string key)
    {
        using GetObjectResponse response = await s3.GetObjectAsync(Bucket, key);
        using var reader = new StreamReader(response.ResponseStream);
        Assert.Equal(key, await reader.ReadToEndAsync());
    }

    private static async Task<int> CountAsync(AmazonS3Client s3)
    {
        int count = 0;
        await foreach (S3Object _ in s3.Paginators.ListObjectsV2(new ListObjectsV2Request { BucketName = Bucket }).S3Objects)
            count++;
        return count;
    }

    private static Task ForAllAsync(IEnumerable<int> numbers, Func<int, Task> act) =>
        Parallel.ForEachAsync(numbers, new ParallelOptions { MaxDegreeOfParallelism = PutsAtOnce }, async (number, _) => await act(number));
}
