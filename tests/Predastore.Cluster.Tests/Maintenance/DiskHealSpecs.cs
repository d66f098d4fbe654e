using System.Diagnostics;
using Amazon.S3;
using Predastore.Cluster.Tests.Chaos;
using Predastore.Cluster.Tests.Harness;
using Predastore.Http.Admin;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests.Maintenance;

/// <summary>
/// M data folders are wiped under load: one of three in the suite, two of five where it is measured (<c>scripts/heal.sh</c>), with sizes
/// from the environment: <c>PREDASTORE_HEAL_OBJECTS</c>, <c>PREDASTORE_HEAL_KIB</c> (mean size), <c>PREDASTORE_HEAL_SECONDS</c>.
/// </summary>
public sealed class DiskHealSpecs(ITestOutputHelper output)
{
    private static readonly bool Measured = Environment.GetEnvironmentVariable("PREDASTORE_HEAL_OBJECTS") is not null;
    private const double SlowerMax = 2;
    private const double RatioMin = 0.5;

    // Enough to see it; each tries for as long as a read waits for a disk.
    private const int LostMax = 100;

    private readonly int[] _wiped = Measured ? [2, 5] : [2];
    private readonly int _objects = TestVariables.Number("PREDASTORE_HEAL_OBJECTS", 60);
    private readonly int _meanKib = TestVariables.Number("PREDASTORE_HEAL_KIB", 256);
    private readonly int _seconds = TestVariables.Number("PREDASTORE_HEAL_SECONDS", 120);

    [SkippableFact]
    public async Task Wiped_disks_should_be_rebuilt_while_every_object_stays_readable()
    {
        if (!Measured)
            ChaosOptions.RequireLong();
        await using S3Cluster cluster = await S3Cluster.StartAsync(Measured ? ClusterShape.Five : ClusterShape.Three, output);
        await cluster.RunAsync(async () =>
        {
            var objects = new ObjectSet(_objects, _meanKib << 10);
            AmazonS3Client[] clients = [cluster.Client(1), cluster.Client(3)];
            await clients[0].PutBucketAsync(ObjectSet.Bucket);
            await objects.PutAllAsync(clients);
            Say($"{_objects} objects, {objects.TotalBytes >> 20} MiB");

            double before;
            await using (var quiet = new Foreground(clients, objects, 2, TimeSpan.FromMilliseconds(20)))
            {
                await Task.Delay(TimeSpan.FromSeconds(Math.Min(20, _seconds / 10)));
                before = quiet.Percentile(0.99);
                Assert.Empty(quiet.Failures);
            }

            TimeSpan took;
            double during;
            await using (var load = new Foreground(clients, objects, 2, TimeSpan.FromMilliseconds(20)))
            {
                await WipeAsync(cluster, _wiped);
                // What a node costs that starts is not what healing costs.
                load.Milliseconds.Clear();
                long started = Stopwatch.GetTimestamp();
                await HealedAsync(cluster);
                took = Stopwatch.GetElapsedTime(started);
                during = load.Percentile(0.99);
                Say($"p99 before {before:0} ms, during heal {during:0} ms of {load.Milliseconds.Count} requests, {load.Failures.Count} failed");
                Assert.True(load.Failures.IsEmpty, string.Join(Environment.NewLine, load.Failures.Take(10)));
            }

            ClusterStatus status = await cluster.StatusAsync();
            long healed = status.Maintenance.Nodes.Sum(node => node.HealedBytes);
            Say($"healed {status.Maintenance.Nodes.Sum(node => node.HealedShards)} shards, {healed >> 20} MiB in {took.TotalSeconds:0.0} s: "
                + $"{healed / took.TotalSeconds / (1 << 20):0.0} MiB/s");
            TimeSpan exact = await cluster.WaitExactAsync(TimeSpan.FromSeconds(_seconds), census => census.HealBacklog == 0);
            Say($"census exact {exact.TotalSeconds:0} s later");
            double ratio = Measured ? await IdleAsync(cluster, objects) : 1;

            // The rebuilt ones count: with as many others dead nothing could be read without them.
            int[] dead = Measured ? [1, 3] : [3];
            await cluster.KillAsync(dead);
            AmazonS3Client[] rest = [cluster.Client(2), cluster.Client(Measured ? 4 : 1)];
            await S3Cluster.WaitUntilAsync(() => TryReadAsync(objects, rest[0]), TimeSpan.FromSeconds(60), "a read with other nodes dead");
            await objects.ReadAllAsync(rest, 4);

            // One more than parity makes up for: an error that says so, never bytes.
            await WipeAsync(cluster, [.. dead, 2]);
            int refused = Math.Min(objects.Count, LostMax);
            AmazonS3Client once = cluster.Client(Measured ? 4 : 1, config => config.MaxErrorRetry = 0);
            foreach (int number in Enumerable.Range(0, refused))
            {
                AmazonS3Exception error = await Assert.ThrowsAsync<AmazonS3Exception>(() => objects.ReadAsync(once, number));
                Assert.InRange((int)error.StatusCode, 500, 599);
            }

            Say($"{dead.Length + 1} disks wiped: {refused} reads refused, no byte served");
            if (Measured)
            {
                Assert.True(during <= SlowerMax * before, $"p99 was {before:0} ms, and {during:0} ms beside the heal");
                Assert.True(ratio >= RatioMin, $"the idle heal ran at {ratio:0.00} of the reference");
            }
        });
    }

    // The same two disks once more, with nothing else to do, beside what the work costs at least.
    private async Task<double> IdleAsync(S3Cluster cluster, ObjectSet objects)
    {
        long before = (await cluster.StatusAsync()).Maintenance.Nodes.Where(node => !_wiped.Contains((int)node.Node)).Sum(node => node.HealedBytes);
        await WipeAsync(cluster, _wiped);
        long started = Stopwatch.GetTimestamp();
        await HealedAsync(cluster);
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        double healed = (await cluster.StatusAsync()).Maintenance.Nodes.Sum(node => node.HealedBytes) - before;
        long shardBytes = Math.Max(64 << 10, objects.TotalBytes / objects.Count / 3);
        double reference = await RebuildReference.MeasureAsync(
            cluster.Files["reference"], new Predastore.Shards.Striping.Geometry(3, 2), shardBytes, TimeSpan.FromSeconds(10));
        Say($"idle: {healed / (1 << 20):0} MiB in {seconds:0.0} s, {healed / seconds / (1 << 20):0.0} MiB/s; reference "
            + $"{reference / (1 << 20):0.0} MiB/s on one core; ratio {healed / seconds / reference:0.00}");
        return healed / seconds / reference;
    }

    // Kills those that run, removes their data and waits until all are ready again.
    private static async Task WipeAsync(S3Cluster cluster, int[] nodes)
    {
        await cluster.KillAsync([.. nodes.Where(cluster.IsRunning)]);
        foreach (int node in nodes)
        {
            Directory.Delete(cluster.Files.StorageFolder(node), recursive: true);
            cluster.StartNode(node);
        }

        await cluster.WaitReadyAsync(nodes);
    }

    private async Task HealedAsync(S3Cluster cluster)
    {
        await S3Cluster.WaitUntilAsync(async () =>
        {
            ClusterStatus status = await cluster.StatusAsync();
            await Task.Delay(2000);
            return status.Storages.All(storage => storage.State == "ok") && status.Maintenance.HealBacklog == 0
                && status.Maintenance.Storages.Count == 0 && status.Maintenance.Nodes.Sum(node => node.HealedShards) > 0;
        }, TimeSpan.FromSeconds(_seconds), "both disks healed");
    }

    private static async Task<bool> TryReadAsync(ObjectSet objects, AmazonS3Client s3)
    {
        try
        {
            await objects.ReadAsync(s3, 0);
            return true;
        }
        catch (AmazonS3Exception)
        {
            return false;
        }
    }

    private void Say(string line)
    {
        output.WriteLine(line);
        if (Measured)
            Console.WriteLine(line);
    }
}
