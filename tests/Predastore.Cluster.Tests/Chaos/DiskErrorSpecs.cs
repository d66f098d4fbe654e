using Predastore.Cluster.Tests.Harness;
using Predastore.Shards.Segments;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests.Chaos;

/// <summary>
/// System calls of a running node that fail with EIO: nothing is acknowledged on the strength of a failed sync or write, no failed
/// sync is tried again, nothing is read wrong, and the node fences what is concerned or ends; nothing is lost.
/// </summary>
[Collection(Alone.Name)]
public sealed class DiskErrorSpecs(ITestOutputHelper output)
{
    private const int Victim = 2;

    private static readonly TimeSpan InjectTime = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan GoOnLimit = TimeSpan.FromSeconds(30);

    // Files whose bytes are gone when a sync of them failed: a later one that succeeds says nothing. Tables of RocksDB are made anew under
    // the name that they had.
    private static readonly string[] Synced = [".segment", ".log"];

    private readonly ChaosOptions _options = new();

    [SkippableTheory]
    [InlineData("fdatasync", "all files")]
    [InlineData("fsync", "all files")]
    [InlineData("pread64", "segments")]
    [InlineData("pwrite64", "segments")]
    [InlineData("write", "journal")]
    public async Task Failed_call_should_lose_nothing(string call, string where)
    {
        ChaosOptions.RequireLong();
        await using ChaosCluster chaos = await ChaosCluster.StartAsync(ClusterShape.Three, _options, output);
        S3Cluster cluster = chaos.Nodes;
        await cluster.RunAsync(async () =>
        {
            await LoadAsync(chaos, acked: 40, () => Task.CompletedTask);
            // A store that was opened begins a segment with its next write: only then is a directory synced.
            await cluster.RestartAsync(Victim);
            await cluster.WaitReadyAsync();
            // Calls are chosen by the names of files: the segment must be there that the next write goes to.
            int segments = FilesOf(cluster.Files, "segments").Count();
            if (call == "pwrite64")
                await LoadAsync(chaos, acked: 0, () => S3Cluster.WaitUntilAsync(
                    () => Task.FromResult(FilesOf(cluster.Files, "segments").Count() > segments), GoOnLimit, "a new segment"));
            string log = cluster.Files["logs/strace.log"];
            using FailingCalls failing = await FailingCalls.AttachAsync(cluster.Process(Victim).Pid, call, log, FilesOf(cluster.Files, where));
            // Bytes that cannot be read come from elsewhere.
            if (call == "pread64")
                await chaos.CheckAsync($"while {call} of node {Victim} fails", settle: false);
            else
                await LoadAsync(chaos, acked: 0, () => Task.Delay(InjectTime));
            await failing.DetachAsync();
            IReadOnlyList<string> failed = failing.Files();
            Assert.True(failed.Count > 0, $"no {call} failed: nothing was tried");
            if (call.EndsWith("sync", StringComparison.Ordinal))
                AssertNotRepeated(failed);

            await LoadAsync(chaos, acked: 5, () => Task.CompletedTask);
            await chaos.CheckAsync($"{call} of node {Victim} failed", settle: false);
            string state = cluster.IsRunning(Victim) ? "runs" : $"ended with exit code {cluster.Process(Victim).ExitCode}";
            await cluster.KillAsync([.. cluster.Nodes]);
            await chaos.StartAllAsync();
            await chaos.CheckAsync("after a restart of all", settle: true);
            TimeSpan exact = await chaos.Nodes.WaitExactAsync(_options.OrphanLimit);
            chaos.Say($"disk errors: {failed.Count} calls of {call} on {where} of node {Victim} failed with EIO, it {state}; "
                + $"{chaos.Workload.Acked} acknowledged, 0 lost, census exact after {exact.TotalSeconds:0} s");
        });
    }

    // Writes for as long as something goes on, and until so many are acknowledged.
    private static async Task LoadAsync(ChaosCluster chaos, int acked, Func<Task> meanwhile)
    {
        long before = chaos.Workload.Acked;
        using var stop = new CancellationTokenSource();
        Task load = chaos.Workload.RunAsync(stop.Token);
        await meanwhile();
        await S3Cluster.WaitUntilAsync(() => Task.FromResult(chaos.Workload.Acked >= before + acked), GoOnLimit, $"{acked} acknowledged writes");
        await stop.CancelAsync();
        await load;
    }

    private static void AssertNotRepeated(IEnumerable<string> failed)
    {
        string[] repeated = [.. failed.Where(file => Synced.Any(end => file.EndsWith(end, StringComparison.Ordinal)))
            .GroupBy(file => file).Where(syncs => syncs.Count() > 1).Select(syncs => $"{syncs.Key} ({syncs.Count()} times)")];
        Assert.True(repeated.Length == 0, $"synced again after a failed sync: {string.Join(", ", repeated)}");
    }

    private static IEnumerable<string> FilesOf(ClusterFolder files, string where) => where switch
    {
        "segments" => Directory.GetFiles(Path.Combine(files.StorageFolder(Victim), SegmentStore.SegmentsFolder)),
        "journal" => Directory.GetFiles(Path.Combine(files.DbFolder(Victim), "journal"), "*.log"),
        _ => [],
    };
}
