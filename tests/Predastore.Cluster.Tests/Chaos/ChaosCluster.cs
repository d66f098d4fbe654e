using System.Diagnostics;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Cluster.Tests.Harness;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests.Chaos;

/// <summary>A cluster, its ledger, its writers and their judge. Figures go to the test's output and to the report file.</summary>
public sealed class ChaosCluster : IAsyncDisposable
{
    private const string Probes = "probes";

    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(15);

    private readonly ITestOutputHelper _output;
    private readonly ChaosOptions _options;

    private ChaosCluster(S3Cluster nodes, ChaosOptions options, ITestOutputHelper output)
    {
        (Nodes, _options, _output) = (nodes, options, output);
        Clients = [.. nodes.Nodes.Select(node => nodes.Client(node, config =>
        {
            config.MaxErrorRetry = 0;
            config.Timeout = RequestTimeout;
        }))];
        Ledger = new Ledger(nodes.Files["ledger"]);
        Workload = new Workload(Ledger, Clients, new WorkloadOptions(options.Seed) { Writers = options.Writers });
        Checker = new Checker(Ledger, Clients);
        Say($"seed {options.Seed}, {nodes.Shape.Nodes} nodes, RS({nodes.Shape.Data},{nodes.Shape.Parity}), {options.Writers} writers");
    }

    public S3Cluster Nodes { get; }

    /// <summary>One client for each gate; they send every request once.</summary>
    public IReadOnlyList<AmazonS3Client> Clients { get; }

    public Ledger Ledger { get; }

    public Workload Workload { get; }

    public Checker Checker { get; }

    public static async Task<ChaosCluster> StartAsync(ClusterShape shape, ChaosOptions options, ITestOutputHelper output)
    {
        S3Cluster nodes = await S3Cluster.StartAsync(WithOrphans(shape, options), output);
        var chaos = new ChaosCluster(nodes, options, output);
        await chaos.Clients[0].PutBucketAsync(Workload.Bucket);
        await chaos.Clients[0].PutBucketAsync(Probes);
        return chaos;
    }

    /// <summary>True if a gate takes a write, in a bucket that no ledger judges.</summary>
    public static async Task<bool> TakesWriteAsync(AmazonS3Client s3)
    {
        try
        {
            await s3.PutObjectAsync(new PutObjectRequest { BucketName = Probes, Key = "probe", ContentBody = "x" });
            return true;
        }
        catch (Exception e) when (NoAnswer.Is(e))
        {
            return false;
        }
    }

    // Leftovers are gone after minutes by themselves; a short test looks more often, with the same code.
    private static ClusterShape WithOrphans(ClusterShape shape, ChaosOptions options) => options.OrphanInterval == 0 ? shape : shape with
    {
        Hocon = $"predastore.maintenance.orphan-interval = {options.OrphanInterval}s",
    };

    public void Say(string line)
    {
        _output.WriteLine(line);
        if (_options.Report is { Length: > 0 } report)
            File.AppendAllText(report, $"{DateTime.UtcNow:HH:mm:ss} {line}\n");
    }

    /// <summary>Starts what does not run, and waits until all are ready.</summary>
    /// <returns>How long that took.</returns>
    public async Task<TimeSpan> StartAllAsync()
    {
        long started = Stopwatch.GetTimestamp();
        foreach (int node in Nodes.Nodes.Where(node => !Nodes.IsRunning(node)))
            Nodes.StartNode(node);
        await Nodes.WaitReadyAsync();
        return Stopwatch.GetElapsedTime(started);
    }

    /// <summary>Compares the cluster with the ledger and fails with what is wrong.</summary>
    public async Task CheckAsync(string when, bool settle)
    {
        IReadOnlyList<string> wrong = await Checker.RunAsync(settle);
        Assert.True(wrong.Count == 0, $"{when}: {wrong.Count} wrong:\n{string.Join('\n', wrong.Take(20))}");
        Workload.Checked();
    }

    /// <summary>Deletes all objects and aborts all uploads; afterwards no row and no shard may be left.</summary>
    public async Task<TimeSpan> EmptyAsync(TimeSpan limit)
    {
        foreach (string key in Ledger.Replay().Keys)
            await Clients[0].DeleteObjectAsync(Workload.Bucket, key);
        ListMultipartUploadsResponse uploads = await Clients[0].ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = Workload.Bucket });
        foreach (MultipartUpload upload in uploads.MultipartUploads ?? [])
            await Clients[0].AbortMultipartUploadAsync(Workload.Bucket, upload.Key, upload.UploadId);
        return await Nodes.WaitExactAsync(limit, census => census is { Rows: 0, GarbageBacklog: 0 } && census.Disks.All(disk => disk.Listed == 0));
    }

    public async ValueTask DisposeAsync()
    {
        Ledger.Dispose();
        await Nodes.DisposeAsync();
    }
}
