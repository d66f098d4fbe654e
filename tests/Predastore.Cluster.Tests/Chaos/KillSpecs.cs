using System.Diagnostics;
using Predastore.Cluster.Tests.Harness;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests.Chaos;

/// <summary>
/// kill -9 in the middle of puts, overwrites, deletes and uploads in parts, and what it leaves behind. The moments are
/// drawn; what was acknowledged is in a synced ledger outside the cluster.
/// </summary>
[Collection(Alone.Name)]
public sealed class KillSpecs(ITestOutputHelper output)
{
    private const int LoadMinMs = 300;
    private const int LoadMaxMs = 2500;

    // A gate that kept one descriptor of each of its operations, or a disk one of each shard, would keep more.
    private const int LeakOperations = 200;
    private const int DescriptorsMax = 60;

    private static readonly TimeSpan ResumeLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LeakLimit = TimeSpan.FromSeconds(90);

    private readonly ChaosOptions _options = new();

    [Fact]
    public async Task Acknowledged_writes_should_survive_kill_rounds()
    {
        await using ChaosCluster chaos = await ChaosCluster.StartAsync(_options.Shape, _options, output);
        await chaos.Nodes.RunAsync(async () =>
        {
            var random = new Random(_options.Seed);
            TimeSpan slowest = TimeSpan.Zero;
            long started = Stopwatch.GetTimestamp();
            for (int round = 1; round <= _options.Rounds; round++)
            {
                TimeSpan ready = await RoundAsync(chaos, random, round);
                slowest = ready > slowest ? ready : slowest;
            }

            TimeSpan rounds = Stopwatch.GetElapsedTime(started);
            int[] before = Descriptors(chaos.Nodes);
            await LoadAsync(chaos, LeakOperations);
            TimeSpan exact = await chaos.Nodes.WaitExactAsync(_options.OrphanLimit);
            TimeSpan empty = await chaos.EmptyAsync(_options.OrphanLimit);
            int[] after = [];
            // Connections that nobody uses any more are closed after a while.
            await S3Cluster.WaitUntilAsync(
                () => Task.FromResult((after = Descriptors(chaos.Nodes)).Zip(before).All(count => count.First <= count.Second + DescriptorsMax)), LeakLimit,
                $"at most {DescriptorsMax} open descriptors more than {string.Join(' ', before)}, as there were before a load");
            chaos.Say($"kill: {_options.Rounds} rounds in {rounds.TotalSeconds:0} s, {chaos.Workload.Acked} acknowledged, {chaos.Workload.Unknown} unknown, "
                + $"0 lost, 0 wrong; slowest restart {slowest.TotalSeconds:0.0} s; census exact after {exact.TotalSeconds:0} s, empty after {empty.TotalSeconds:0} s more; "
                + $"open descriptors {string.Join(' ', before)} before a load, {string.Join(' ', after)} after it");
            Assert.True(chaos.Workload.Acked > _options.Rounds, "hardly anything was written");
        });
    }

    // Two of three rounds kill all, as the harder case; the third kills one while the load goes on over the others.
    private static async Task<TimeSpan> RoundAsync(ChaosCluster chaos, Random random, int round)
    {
        bool all = round % 3 != 0;
        using var stop = new CancellationTokenSource();
        Task load = chaos.Workload.RunAsync(stop.Token);
        await Task.Delay(random.Next(LoadMinMs, LoadMaxMs));
        int victim = random.Next(1, chaos.Nodes.Shape.Nodes + 1);
        if (all)
        {
            await Task.WhenAll(chaos.Nodes.KillAsync([.. chaos.Nodes.Nodes]), stop.CancelAsync());
        }
        else
        {
            await chaos.Nodes.KillAsync(victim);
            await ResumeAsync(chaos, load);
        }

        TimeSpan ready = await chaos.StartAllAsync();
        await stop.CancelAsync();
        await load;
        await chaos.CheckAsync($"round {round}, {(all ? "all" : $"node {victim}")} killed", settle: all);
        chaos.Say($"round {round}: {(all ? "all" : $"node {victim}")} killed, ready after {ready.TotalSeconds:0.0} s, {chaos.Workload.Acked} acknowledged so far, {chaos.Workload.Unknown} unknown");
        return ready;
    }

    private static int[] Descriptors(S3Cluster cluster) => [.. cluster.Nodes.Select(node => cluster.Process(node).OpenDescriptors)];

    private static async Task LoadAsync(ChaosCluster chaos, int operations)
    {
        long before = chaos.Workload.Acked;
        using var stop = new CancellationTokenSource();
        Task load = chaos.Workload.RunAsync(stop.Token);
        await S3Cluster.WaitUntilAsync(() => Task.FromResult(load.IsCompleted || chaos.Workload.Acked >= before + operations), LeakLimit, "a load that runs");
        await stop.CancelAsync();
        await load;
    }

    private static async Task ResumeAsync(ChaosCluster chaos, Task load)
    {
        long before = chaos.Workload.Acked;
        await S3Cluster.WaitUntilAsync(
            () => Task.FromResult(load.IsCompleted || chaos.Workload.Acked >= before + 3), ResumeLimit, "acknowledged writes after one node was killed");
    }
}
