using System.Diagnostics;
using Amazon.S3;
using Predastore.Cluster.Tests.Chaos;
using Predastore.Cluster.Tests.Harness;
using Predastore.Cluster.Tests.Maintenance;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests.Links;

/// <summary>
/// Partitions and slow links between real processes, by a relay for every direction: the majority goes on, the minority
/// refuses, nothing is lost and nothing old is read, terms do not race, and all find together again when the links are healed.
/// </summary>
[Collection(Alone.Name)]
public sealed class LinkSpecs(ITestOutputHelper output)
{
    private const int Flaps = 8;
    private const int SlowObjects = 20;
    private const int SlowMeanBytes = 64 << 10;
    private const double SlowerMax = 3;

    // One election and what may go wrong with it; a node that cannot win asks before it raises the term.
    private const ulong TermsMax = 3;

    private static readonly TimeSpan ResumeLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan CutTime = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan PaceTime = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan SlowPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan FlapTime = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan HealLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan HandOverLimit = TimeSpan.FromSeconds(10);

    private readonly ChaosOptions _options = new();

    [SkippableTheory]
    [InlineData("isolated", true)]
    [InlineData("isolated", false)]
    [InlineData("mute", true)]
    [InlineData("deaf", false)]
    public async Task Partitioned_node_should_stop_nobody_and_rejoin(string how, bool leader)
    {
        await RunAsync(leader, TermsMax, async (chaos, links, victim) =>
        {
            links.SetAll(victim, how == "deaf" ? default : Link.Dead, how == "mute" ? default : Link.Dead);
            TimeSpan resumed = await WritableAsync(chaos.Nodes, Others(victim));
            await Task.Delay(CutTime);
            if (how == "isolated")
                Assert.False(await ChaosCluster.TakesWriteAsync(chaos.Clients[victim - 1]), "a node without a majority acknowledged a write");
            TimeSpan healed = await HealedAsync(chaos, links);
            return $"{how}, {Name(leader)}: writes go on after {resumed.TotalSeconds:0.0} s, healed after {healed.TotalSeconds:0.0} s";
        });
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Two_that_see_only_the_third_should_go_on_with_it(bool leaderBetween)
    {
        await RunAsync(leader: true, TermsMax, async (chaos, links, first) =>
        {
            int between = leaderBetween ? first : Others(first)[0];
            int[] ends = Others(between);
            links.Set(ends[0], ends[1], Link.Dead);
            links.Set(ends[1], ends[0], Link.Dead);
            using var cut = new CancellationTokenSource();
            Task<TimeSpan> gap = LongestGapAsync(chaos, cut.Token);
            // An end that does not reach the leader may have to refuse; with the leader between them neither has a reason.
            TimeSpan resumed = await WritableAsync(chaos.Nodes, leaderBetween ? [1, 2, 3] : [first, between]);
            await Task.Delay(CutTime);
            await WritableAsync(chaos.Nodes, leaderBetween ? [1, 2, 3] : [between]);
            await cut.CancelAsync();
            TimeSpan longest = await gap;
            Assert.True(longest <= ResumeLimit, $"nothing was acknowledged for {longest.TotalSeconds:0.0} s while two nodes did not reach each other");
            TimeSpan healed = await HealedAsync(chaos, links);
            return $"bridge, leader {(leaderBetween ? "between" : "at an end")}: writes go on after {resumed.TotalSeconds:0.0} s, longest gap {longest.TotalSeconds:0.0} s, healed after {healed.TotalSeconds:0.0} s";
        });
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Flapping_links_should_stop_nobody(bool leader)
    {
        // Who leads when the links fail anew may be the one that is cut off again; another one never gets further than asking.
        await RunAsync(leader, leader ? TermsMax + Flaps : TermsMax, async (chaos, links, victim) =>
        {
            using var flapping = new CancellationTokenSource();
            Task<TimeSpan> gap = LongestGapAsync(chaos, flapping.Token);
            for (int flap = 0; flap < Flaps; flap++)
            {
                links.SetAll(victim, Link.Dead, Link.Dead);
                await Task.Delay(FlapTime);
                links.Heal();
                await Task.Delay(FlapTime);
            }

            await flapping.CancelAsync();
            TimeSpan longest = await gap;
            TimeSpan healed = await HealedAsync(chaos, links);
            Assert.True(longest <= ResumeLimit, $"nothing was acknowledged for {longest.TotalSeconds:0.0} s while links flapped");
            return $"flapping, {Name(leader)}: {Flaps} times {FlapTime.TotalSeconds} s, longest gap between writes {longest.TotalSeconds:0.0} s, healed after {healed.TotalSeconds:0.0} s";
        });
    }

    [SkippableFact]
    public Task Slow_and_lossy_node_should_slow_the_others_little() => RunAsync(ClusterShape.Five, leader: false, TermsMax, async (chaos, links, victim) =>
    {
        AmazonS3Client[] gates = [.. chaos.Nodes.Nodes.Where(node => node != victim).Select(node => chaos.Nodes.Client(node))];
        var objects = new ObjectSet(SlowObjects, SlowMeanBytes);
        await gates[0].PutBucketAsync(ObjectSet.Bucket);
        await objects.PutAllAsync(gates);
        await PaceAsync(chaos, gates, objects);
        (double healthy, double before) = await PaceAsync(chaos, gates, objects);
        var slow = new Link(DelayMs: 50, LossPercent: 10);
        links.SetAll(victim, slow, slow);
        (double during, double after) = await PaceAsync(chaos, gates, objects);
        links.Heal();
        Assert.True(during > 0, "nothing was acknowledged while one node was slow");
        Assert.True(after <= SlowerMax * before, $"p99 was {before:0} ms, and {after:0} ms with node {victim} behind slow links");
        return $"slow: p99 {before:0} ms and {healthy:0} writes/s before, {after:0} ms over the other gates and {during:0} writes/s while a follower is 50 ms away and loses 10 %";
    });

    [SkippableFact]
    public Task Leader_behind_slow_links_should_hand_over() => RunAsync(leader: true, TermsMax, async (chaos, links, victim) =>
    {
        var slow = new Link(DelayMs: 50);
        int other = Others(victim)[0];
        long started = Stopwatch.GetTimestamp();
        links.SetAll(victim, slow, slow);
        await S3Cluster.WaitUntilAsync(
            async () => (await chaos.Nodes.TryStatusAsync(other))?.Raft.Leader is { } next && next != 0 && next != victim, HandOverLimit, "another leader");
        TimeSpan handedOver = Stopwatch.GetElapsedTime(started);
        TimeSpan healed = await HealedAsync(chaos, links);
        return $"slow leader: another leads after {handedOver.TotalSeconds:0.0} s, healed after {healed.TotalSeconds:0.0} s";
    });

    // Writes a second of the load, and p99 of requests beside it, over a while.
    private static async Task<(double Writes, double Percentile)> PaceAsync(ChaosCluster chaos, AmazonS3Client[] gates, ObjectSet objects)
    {
        (long acked, long started) = (chaos.Workload.Acked, Stopwatch.GetTimestamp());
        await using var foreground = new Foreground(gates, objects, 2, SlowPause);
        await Task.Delay(PaceTime);
        Assert.Empty(foreground.Failures);
        return ((chaos.Workload.Acked - acked) / Stopwatch.GetElapsedTime(started).TotalSeconds, foreground.Percentile(0.99));
    }

    private Task RunAsync(bool leader, ulong termsMax, Func<ChaosCluster, LinkTable, int, Task<string>> body)
        => RunAsync(ClusterShape.Three, leader, termsMax, body);

    private async Task RunAsync(ClusterShape shape, bool leader, ulong termsMax, Func<ChaosCluster, LinkTable, int, Task<string>> body)
    {
        ChaosOptions.RequireLong();
        await using ChaosCluster chaos = await ChaosCluster.StartAsync(shape with { Relayed = true }, _options, output);
        await chaos.Nodes.RunAsync(async () =>
        {
            int first = 0;
            await S3Cluster.WaitUntilAsync(
                async () => (first = (int)((await chaos.Nodes.TryStatusAsync())?.Raft.Leader ?? 0)) > 0, HealLimit, "a leader");
            using var stop = new CancellationTokenSource();
            Task load = chaos.Workload.RunAsync(stop.Token);
            await S3Cluster.WaitUntilAsync(() => Task.FromResult(chaos.Workload.Acked > 20), HealLimit, "a load that runs");
            ulong term = ReplicaLogs.Term(chaos.Nodes.Files, chaos.Nodes.Nodes);
            string figures = await body(chaos, chaos.Nodes.Links!, leader ? first : (first % shape.Nodes) + 1);
            await stop.CancelAsync();
            await load;
            await chaos.CheckAsync(figures, settle: false);
            TimeSpan exact = await chaos.Nodes.WaitExactAsync(_options.OrphanLimit, census => census.HealBacklog == 0);
            ulong terms = ReplicaLogs.Term(chaos.Nodes.Files, chaos.Nodes.Nodes) - term;
            chaos.Say($"links: {figures}; {terms} new terms; {chaos.Workload.Acked} acknowledged, 0 lost, census exact after {exact.TotalSeconds:0} s");
            Assert.True(terms <= termsMax, $"{figures}: {terms} new terms");
        });
    }

    private static int[] Others(int node) => [(node % 3) + 1, ((node + 1) % 3) + 1];

    private static string Name(bool leader) => leader ? "leader" : "follower";

    /// <returns>When the last of some gates has acknowledged a write that was sent to it from now on.</returns>
    private static async Task<TimeSpan> WritableAsync(S3Cluster cluster, int[] gates)
    {
        long started = Stopwatch.GetTimestamp();
        await Task.WhenAll(gates.Select(gate =>
        {
            AmazonS3Client s3 = cluster.Client(gate, config => (config.MaxErrorRetry, config.Timeout) = (0, ProbeTimeout));
            return S3Cluster.WaitUntilAsync(() => ChaosCluster.TakesWriteAsync(s3), ResumeLimit, $"the gate of node {gate} takes a write");
        }));
        return Stopwatch.GetElapsedTime(started);
    }

    private static async Task<TimeSpan> HealedAsync(ChaosCluster chaos, LinkTable links)
    {
        links.Heal();
        long healed = Stopwatch.GetTimestamp();
        foreach (int node in chaos.Nodes.Nodes)
        {
            await S3Cluster.WaitUntilAsync(
                async () => await ChaosCluster.TakesWriteAsync(chaos.Clients[node - 1]) && (await chaos.Nodes.TryStatusAsync(node))?.Nodes.All(seen => seen.State == "up") == true,
                HealLimit - Stopwatch.GetElapsedTime(healed), $"node {node} serves and sees all others");
        }

        return Stopwatch.GetElapsedTime(healed);
    }

    private static async Task<TimeSpan> LongestGapAsync(ChaosCluster chaos, CancellationToken stop)
    {
        TimeSpan longest = TimeSpan.Zero;
        (long acked, long since) = (chaos.Workload.Acked, Stopwatch.GetTimestamp());
        while (!stop.IsCancellationRequested)
        {
            await Task.Delay(20, CancellationToken.None);
            TimeSpan gap = Stopwatch.GetElapsedTime(since);
            longest = gap > longest ? gap : longest;
            if (chaos.Workload.Acked > acked)
                (acked, since) = (chaos.Workload.Acked, Stopwatch.GetTimestamp());
        }

        return longest;
    }
}
