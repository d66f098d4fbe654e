using System.Diagnostics;
using Predastore.Cluster.Tests.Chaos;
using Predastore.Cluster.Tests.Harness;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests.Links;

/// <summary>
/// Partitions and slow links between real processes, by a relay for every direction (F9, F18): the majority goes on, the minority
/// refuses, nothing is lost and nothing old is read, and all find together again when the links are healed.
/// </summary>
[Collection(Alone.Name)]
public sealed class LinkSpecs(ITestOutputHelper output)
{
    private static readonly TimeSpan ResumeLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan CutTime = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan HealLimit = TimeSpan.FromSeconds(30);

    private readonly ChaosOptions _options = new();

    [SkippableTheory]
    [InlineData("isolated", true)]
    [InlineData("isolated", false)]
    [InlineData("mute", true)]
    [InlineData("deaf", false)]
    public async Task Partitioned_node_should_stop_nobody_and_rejoin(string how, bool leader)
    {
        await RunAsync(async (chaos, links, victim) =>
        {
            links.SetAll(victim, how == "deaf" ? default : Link.Dead, how == "mute" ? default : Link.Dead);
            long cut = Stopwatch.GetTimestamp();
            long before = chaos.Workload.Acked;
            await S3Cluster.WaitUntilAsync(() => Task.FromResult(chaos.Workload.Acked > before + 5), ResumeLimit, "writes that go on over the majority");
            TimeSpan resumed = Stopwatch.GetElapsedTime(cut);
            await Task.Delay(CutTime);
            if (how == "isolated")
                Assert.False(await ChaosCluster.TakesWriteAsync(chaos.Clients[victim - 1]), "a node without a majority acknowledged a write");
            links.Heal();
            long healed = Stopwatch.GetTimestamp();
            await S3Cluster.WaitUntilAsync(
                async () => await ChaosCluster.TakesWriteAsync(chaos.Clients[victim - 1]) && (await chaos.Nodes.StatusAsync(victim)).Nodes.All(node => node.State == "up"),
                HealLimit, "the node that was cut off serves and sees all others");
            return $"{how}, {(leader ? "leader" : "follower")}: writes go on after {resumed.TotalSeconds:0.0} s, healed after {Stopwatch.GetElapsedTime(healed).TotalSeconds:0.0} s";
        }, leader);
    }

    [SkippableFact]
    public Task Slow_and_lossy_node_should_stop_nobody() => RunAsync(async (chaos, links, victim) =>
    {
        long before = chaos.Workload.Acked;
        long started = Stopwatch.GetTimestamp();
        await Task.Delay(CutTime);
        double healthy = (chaos.Workload.Acked - before) / Stopwatch.GetElapsedTime(started).TotalSeconds;
        var slow = new Link(DelayMs: 50, LossPercent: 10);
        links.SetAll(victim, slow, slow);
        before = chaos.Workload.Acked;
        started = Stopwatch.GetTimestamp();
        await Task.Delay(CutTime);
        double during = (chaos.Workload.Acked - before) / Stopwatch.GetElapsedTime(started).TotalSeconds;
        links.Heal();
        Assert.True(during > 0, "nothing was acknowledged while one node was slow");
        return $"slow: {healthy:0.0} writes/s before, {during:0.0} while a follower is 50 ms away and loses 10 %";
    }, leader: false);

    private async Task RunAsync(Func<ChaosCluster, LinkTable, int, Task<string>> body, bool leader)
    {
        ChaosOptions.RequireLong();
        await using ChaosCluster chaos = await ChaosCluster.StartAsync(ClusterShape.Three with { Relayed = true }, _options, output);
        await chaos.Nodes.RunAsync(async () =>
        {
            int first = (int)((await chaos.Nodes.StatusAsync()).Raft.Leader ?? 1);
            using var stop = new CancellationTokenSource();
            Task load = chaos.Workload.RunAsync(stop.Token);
            await S3Cluster.WaitUntilAsync(() => Task.FromResult(chaos.Workload.Acked > 20), HealLimit, "a load that runs");
            string figures = await body(chaos, chaos.Nodes.Links!, leader ? first : (first % 3) + 1);
            await stop.CancelAsync();
            await load;
            await chaos.CheckAsync(figures, settle: false);
            TimeSpan exact = await chaos.WaitExactAsync(_options.OrphanLimit, census => census.HealBacklog == 0);
            chaos.Say($"links: {figures}; {chaos.Workload.Acked} acknowledged, 0 lost, census exact after {exact.TotalSeconds:0} s");
        });
    }
}
