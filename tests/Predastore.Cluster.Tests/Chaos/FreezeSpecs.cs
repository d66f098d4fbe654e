using System.Diagnostics;
using Predastore.Cluster.Tests.Harness;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests.Chaos;

/// <summary>
/// SIGSTOP of a node under load, the leader or another one, and SIGCONT (F8): the others go on, the frozen node answers nothing stale
/// when it wakes, and takes part again by itself.
/// </summary>
[Collection(Alone.Name)]
public sealed class FreezeSpecs(ITestOutputHelper output)
{
    private static readonly TimeSpan ResumeLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BackLimit = TimeSpan.FromSeconds(30);

    private readonly ChaosOptions _options = new();

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Frozen_node_should_stop_nobody_and_come_back(bool leader)
    {
        ChaosOptions.RequireLong();
        await using ChaosCluster chaos = await ChaosCluster.StartAsync(ClusterShape.Three, _options, output);
        S3Cluster cluster = chaos.Nodes;
        await cluster.RunAsync(async () =>
        {
            int first = (int)((await cluster.StatusAsync()).Raft.Leader ?? 1);
            int victim = leader ? first : (first % 3) + 1;
            using var stop = new CancellationTokenSource();
            Task load = chaos.Workload.RunAsync(stop.Token);
            await S3Cluster.WaitUntilAsync(() => Task.FromResult(chaos.Workload.Acked > 20), BackLimit, "a load that runs");

            cluster.Process(victim).Freeze();
            long frozen = Stopwatch.GetTimestamp();
            long before = chaos.Workload.Acked;
            await S3Cluster.WaitUntilAsync(
                () => Task.FromResult(chaos.Workload.Acked > before + 5), ResumeLimit, "writes that go on past a frozen node");
            TimeSpan resumed = Stopwatch.GetElapsedTime(frozen);
            if (_options.Freeze > resumed)
                await Task.Delay(_options.Freeze - resumed);
            long during = chaos.Workload.Acked - before;
            cluster.Process(victim).Thaw();
            long thawed = Stopwatch.GetTimestamp();
            // It is read right after it woke: an answer may be late or an error, never an old one.
            await stop.CancelAsync();
            await load;
            await chaos.CheckAsync($"node {victim} thawed after {_options.Freeze.TotalSeconds} s", settle: false);
            await cluster.WaitReadyAsync();
            await S3Cluster.WaitUntilAsync(
                async () => (await cluster.StatusAsync(victim)).Nodes.All(node => node.State == "up"), BackLimit,
                "all nodes up, as seen by the one that was frozen");
            TimeSpan back = Stopwatch.GetElapsedTime(thawed);
            await chaos.CheckAsync("after the return", settle: false);
            TimeSpan exact = await chaos.WaitExactAsync(_options.OrphanLimit);
            chaos.Say($"freeze: {(leader ? "leader" : "follower")}, node {victim}, {_options.Freeze.TotalSeconds} s: writes go on after {resumed.TotalSeconds:0.0} s "
                + $"({during} acknowledged meanwhile), back {back.TotalSeconds:0.0} s after the thaw, census exact {exact.TotalSeconds:0} s later");
        });
    }
}
