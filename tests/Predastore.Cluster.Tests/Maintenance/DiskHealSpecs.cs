using System.Diagnostics;
using System.Globalization;
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
    private static readonly int[] Wiped = Measured ? [2, 5] : [2];
    private readonly int _objects = Setting("PREDASTORE_HEAL_OBJECTS", 60);
    private readonly int _meanKib = Setting("PREDASTORE_HEAL_KIB", 256);
    private readonly int _seconds = Setting("PREDASTORE_HEAL_SECONDS", 120);

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
            await using (var load = new Foreground(clients, objects, 2, TimeSpan.FromMilliseconds(20)))
            {
                await cluster.KillAsync(Wiped);
                foreach (int node in Wiped)
                {
                    Directory.Delete(cluster.Files.StorageFolder(node), recursive: true);
                    cluster.StartNode(node);
                }

                long started = Stopwatch.GetTimestamp();
                await cluster.WaitReadyAsync(Wiped);
                await HealedAsync(cluster);
                took = Stopwatch.GetElapsedTime(started);
                Say($"p99 before {before:0} ms, during heal {load.Percentile(0.99):0} ms of {load.Milliseconds.Count} requests, {load.Failures.Count} failed");
                Assert.True(load.Failures.IsEmpty, string.Join(Environment.NewLine, load.Failures.Take(10)));
            }

            ClusterStatus status = await cluster.StatusAsync();
            long healed = status.Maintenance.Nodes.Sum(node => node.HealedBytes);
            Say($"healed {status.Maintenance.Nodes.Sum(node => node.HealedShards)} shards, {healed >> 20} MiB in {took.TotalSeconds:0.0} s: "
                + $"{healed / took.TotalSeconds / (1 << 20):0.0} MiB/s");
            if (Measured)
                await IdleAsync(cluster, objects);

            // The rebuilt ones count: with as many others dead nothing could be read without them.
            await cluster.KillAsync(Measured ? [1, 3] : [3]);
            AmazonS3Client[] rest = [cluster.Client(2), cluster.Client(Measured ? 4 : 1)];
            await S3Cluster.WaitUntilAsync(() => TryReadAsync(objects, rest[0]), TimeSpan.FromSeconds(60), "a read with other nodes dead");
            await objects.ReadAllAsync(rest, 4);
        });
    }

    // The same two disks once more, with nothing else to do, beside what the work costs at least.
    private async Task IdleAsync(S3Cluster cluster, ObjectSet objects)
    {
        long before = (await cluster.StatusAsync()).Maintenance.Nodes.Where(node => !Wiped.Contains((int)node.Node)).Sum(node => node.HealedBytes);
        await cluster.KillAsync(Wiped);
        foreach (int node in Wiped)
        {
            Directory.Delete(cluster.Files.StorageFolder(node), recursive: true);
            cluster.StartNode(node);
        }

        await cluster.WaitReadyAsync(Wiped);
        long started = Stopwatch.GetTimestamp();
        await HealedAsync(cluster);
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        double healed = (await cluster.StatusAsync()).Maintenance.Nodes.Sum(node => node.HealedBytes) - before;
        long shardBytes = Math.Max(64 << 10, objects.TotalBytes / objects.Count / 3);
        double reference = await RebuildReference.MeasureAsync(
            cluster.Files["reference"], new Predastore.Shards.Striping.Geometry(3, 2), shardBytes, TimeSpan.FromSeconds(10));
        Say($"idle: {healed / (1 << 20):0} MiB in {seconds:0.0} s, {healed / seconds / (1 << 20):0.0} MiB/s; reference "
            + $"{reference / (1 << 20):0.0} MiB/s on one core; ratio {healed / seconds / reference:0.00}");
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

    private static int Setting(string name, int otherwise)
        => int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int value)
            ? value : otherwise;
}
