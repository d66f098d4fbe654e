using System.Diagnostics;
using Predastore.Cluster.Tests.Harness;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests.Chaos;

/// <summary>
/// Syncs of a running node that fail with EIO, injected by strace (F17): nothing is acknowledged on the strength of a failed sync, and
/// the node fences what is concerned or ends; nothing is lost.
/// </summary>
[Collection(Alone.Name)]
public sealed class SyncErrorSpecs(ITestOutputHelper output)
{
    private const int Victim = 2;

    private static readonly TimeSpan AttachLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan InjectTime = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan GoOnLimit = TimeSpan.FromSeconds(30);

    private readonly ChaosOptions _options = new();

    [SkippableTheory]
    [InlineData("fdatasync")]
    [InlineData("fsync")]
    public async Task Failed_sync_should_lose_nothing(string call)
    {
        ChaosOptions.RequireLong();
        await using ChaosCluster chaos = await ChaosCluster.StartAsync(ClusterShape.Three, _options, output);
        S3Cluster cluster = chaos.Nodes;
        await cluster.RunAsync(async () =>
        {
            using var stop = new CancellationTokenSource();
            Task load = chaos.Workload.RunAsync(stop.Token);
            await S3Cluster.WaitUntilAsync(() => Task.FromResult(chaos.Workload.Acked > 20), GoOnLimit, "a load that runs");
            using (Process strace = await AttachAsync(cluster.Process(Victim).Pid, call))
            {
                await Task.Delay(InjectTime);
                if (!strace.HasExited)
                    Signals.Send(strace.Id, Signals.Terminate);
                using var limit = new CancellationTokenSource(AttachLimit);
                await strace.WaitForExitAsync(limit.Token);
            }

            long before = chaos.Workload.Acked;
            await S3Cluster.WaitUntilAsync(
                () => Task.FromResult(chaos.Workload.Acked > before + 5), GoOnLimit, "writes that go on past a node whose syncs failed");
            await stop.CancelAsync();
            await load;
            await chaos.CheckAsync($"{call} of node {Victim} failed", settle: false);
            string state = cluster.IsRunning(Victim) ? "runs" : $"ended with exit code {cluster.Process(Victim).ExitCode}";
            await cluster.KillAsync([.. cluster.Nodes]);
            await chaos.StartAllAsync();
            await chaos.CheckAsync("after a restart of all", settle: true);
            TimeSpan exact = await chaos.WaitExactAsync(_options.OrphanLimit);
            chaos.Say($"sync errors: {call} of node {Victim} failed with EIO for {InjectTime.TotalSeconds} s, it {state}; "
                + $"{chaos.Workload.Acked} acknowledged, 0 lost, census exact after {exact.TotalSeconds:0} s");
        });
    }

    private static async Task<Process> AttachAsync(int pid, string call)
    {
        Process? strace = null;
        try
        {
            strace = Process.Start(new ProcessStartInfo(
                "strace", ["-f", "-q", "-p", $"{pid}", "-e", $"trace={call}", "-e", $"inject={call}:error=EIO", "-o", "/dev/null"])
            {
                RedirectStandardError = true,
            });
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            Skip.If(true, $"failing syncs need strace: {e.Message}");
        }

        await S3Cluster.WaitUntilAsync(() => Task.FromResult(strace!.HasExited || IsTraced(pid)), AttachLimit, "strace attached to the node");
        Skip.If(strace!.HasExited, "strace may not attach here");
        return strace;
    }

    private static bool IsTraced(int pid) => File.ReadLines($"/proc/{pid}/status")
        .Any(line => line.StartsWith("TracerPid:", StringComparison.Ordinal) && line["TracerPid:".Length..].Trim() != "0");
}
