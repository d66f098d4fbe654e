using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Amazon.S3;
using Predastore.Cluster.Tests.Chaos;
using Predastore.Cluster.Tests.Harness;
using Predastore.Http.Admin;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests.Maintenance;

/// <summary>
/// Two storage nodes are added to a cluster that serves, one is drained and removed. Small in the suite; <c>scripts/ring.sh</c> runs it
/// as five nodes that become seven, with <c>PREDASTORE_RING_OBJECTS</c> and <c>PREDASTORE_RING_SECONDS</c>.
/// </summary>
public sealed class RingChangeSpecs(ITestOutputHelper output)
{
    private static readonly bool Measured = Environment.GetEnvironmentVariable("PREDASTORE_RING_OBJECTS") is not null;
    private readonly int _objects = TestVariables.Number("PREDASTORE_RING_OBJECTS", 120);
    private readonly int _seconds = TestVariables.Number("PREDASTORE_RING_SECONDS", 120);

    [SkippableFact]
    public async Task Added_nodes_should_get_their_share_and_a_drained_one_should_be_emptied_while_serving()
    {
        if (!Measured)
            ChaosOptions.RequireLong();
        ClusterShape shape = Measured ? new ClusterShape(7, 3, 2) { Replicas = 5 } : new ClusterShape(5, 2, 1) { Replicas = 3 };
        int first = shape.Replicas;
        await using S3Cluster cluster = await S3Cluster.CreateAsync(shape, output);
        await cluster.RunAsync(async () =>
        {
            // The cluster begins without its last two nodes: their addresses come with a later file.
            string whole = await File.ReadAllTextAsync(cluster.Files.ConfigFile);
            await File.WriteAllTextAsync(cluster.Files.ConfigFile, Without(whole, Enumerable.Range(first + 1, 2)));
            foreach (int node in Enumerable.Range(1, first))
                cluster.StartNode(node);
            await cluster.WaitReadyAsync();
            var objects = new ObjectSet(_objects, 64 << 10);
            AmazonS3Client[] clients = [cluster.Client(2), cluster.Client(3)];
            await clients[0].PutBucketAsync(ObjectSet.Bucket);
            await objects.PutAllAsync(clients);

            // A rolling restart with the new file, then the new nodes.
            await File.WriteAllTextAsync(cluster.Files.ConfigFile, whole);
            foreach (int node in Enumerable.Range(1, first))
            {
                await cluster.Process(node).TerminateAsync();
                cluster.StartNode(node);
                await cluster.WaitReadyAsync(node);
            }

            foreach (int node in Enumerable.Range(first + 1, 2))
                cluster.StartNode(node);
            await cluster.WaitReadyAsync();
            await using (var load = new Foreground(clients, objects, 2, TimeSpan.FromMilliseconds(25)))
            {
                await AdminAsync(cluster, "add", first + 1, first + 2);
                await SettledAsync(cluster, "shards on the new nodes", status => Moved(status) > 0 && IsEven(status, shape.Nodes));
                Say(cluster, "added", await cluster.StatusAsync());

                long moved = Moved(await cluster.StatusAsync());
                await AdminAsync(cluster, "drain", 1);
                await SettledAsync(cluster, "storage id 1 empty, the others even",
                    status => status.Maintenance.Storages is [{ DataRows: 0 }] && IsEven(status, shape.Nodes - 1, without: 1));
                Assert.True(Moved(await cluster.StatusAsync()) > moved);
                await S3Cluster.WaitUntilAsync(
                    async () => await TryAdminAsync(cluster, "remove", 1), TimeSpan.FromSeconds(30), "storage id 1 removed");
                Say(cluster, "drained", await cluster.StatusAsync());
                Assert.True(load.Failures.IsEmpty, string.Join(Environment.NewLine, load.Failures.Take(10)));
                Assert.True(load.Milliseconds.Count > 50);
                output.WriteLine($"{load.Milliseconds.Count} requests meanwhile, none failed, p99 {load.Percentile(0.99):0} ms");
            }

            await objects.ReadAllAsync(clients, 4);
            TimeSpan exact = await cluster.WaitExactAsync(TimeSpan.FromSeconds(_seconds));
            output.WriteLine($"census exact {exact.TotalSeconds:0} s later");
        });
    }

    private static long Moved(ClusterStatus status) => status.Maintenance.Nodes.Sum(node => node.MovedShards);

    // Even within a tenth for many objects; for a few, chance alone strays further.
    private bool IsEven(ClusterStatus status, int disks, int without = 0)
    {
        long[] live = [.. status.Storages.Where(storage => storage.Id != without).Select(storage => storage.BytesLive ?? 0)];
        double even = live.Sum() / (double)disks;
        double tolerance = _objects >= 1000 ? 0.1 : 0.35;
        return live.All(bytes => Math.Abs(bytes - even) <= tolerance * even);
    }

    private void Say(S3Cluster cluster, string what, ClusterStatus status)
    {
        long total = status.Storages.Sum(storage => storage.BytesLive ?? 0);
        string line = $"{what}: " + string.Join(", ", status.Storages.Select(storage => string.Create(
            CultureInfo.InvariantCulture, $"{storage.Id}: {storage.BytesLive >> 10} KiB ({100.0 * (storage.BytesLive ?? 0) / total:0.0} %)")))
            + $"; {cluster.Shape.Nodes} nodes, {Moved(status)} shards moved";
        output.WriteLine(line);
    }

    private Task SettledAsync(S3Cluster cluster, string what, Func<ClusterStatus, bool> settled)
    {
        long started = Stopwatch.GetTimestamp();
        return S3Cluster.WaitUntilAsync(async () =>
        {
            ClusterStatus status = await cluster.StatusAsync(2);
            await Task.Delay(2000);
            if (Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(_seconds - 5))
                Say(cluster, "not " + what, status);
            return settled(status);
        }, TimeSpan.FromSeconds(_seconds), what);
    }

    private static async Task AdminAsync(S3Cluster cluster, string verb, params int[] ids)
    {
        CommandResult result = await RunAsync(cluster, verb, ids);
        Assert.True(result.ExitCode == 0, result.Error);
    }

    private static async Task<bool> TryAdminAsync(S3Cluster cluster, string verb, params int[] ids)
        => (await RunAsync(cluster, verb, ids)).ExitCode == 0;

    private static Task<CommandResult> RunAsync(S3Cluster cluster, string verb, int[] ids) => S3dProcess.RunAsync(
    [
        "admin", "storage", verb, "--id", .. ids.Select(id => id.ToString(CultureInfo.InvariantCulture)),
        "--config", cluster.Files.ConfigFile, "--tls-ca", cluster.Files.CaFile, "--endpoint", cluster.Endpoint(2).ToString(),
    ]);

    private static string Without(string toml, IEnumerable<int> storageIds)
    {
        string text = toml;
        foreach (int id in storageIds)
        {
            string less = Regex.Replace(text, $@"\[\[storage\]\]\s+id = {id}\n(?:[^\[]*\n)*?(?=\[|\z)", "", RegexOptions.CultureInvariant);
            Assert.NotEqual(text, less);
            text = less;
        }

        return text;
    }
}
