using System.Diagnostics;
using Amazon.S3;
using Predastore.Cluster.Tests.Harness;
using Predastore.Cluster.Tests.Maintenance;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests.Chaos;

/// <summary>
/// SIGSTOP of a node under load, the leader or another one, and SIGCONT: the others go on about as fast as before, the frozen node
/// answers nothing stale when it wakes, and catches up by itself.
/// </summary>
[Collection(Alone.Name)]
public sealed class FreezeSpecs(ITestOutputHelper output)
{
    private const int Objects = 20;
    private const int MeanBytes = 64 << 10;
    private const double SlowerMax = 2;

    private static readonly TimeSpan ResumeLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LeaderLimit = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan UndisturbedTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
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
            int[] others = [.. cluster.Nodes.Where(node => node != victim)];
            AmazonS3Client[] gates = [.. others.Select(node => cluster.Client(node))];
            var objects = new ObjectSet(Objects, MeanBytes);
            await gates[0].PutBucketAsync(ObjectSet.Bucket);
            await objects.PutAllAsync(gates);
            using var stop = new CancellationTokenSource();
            Task load = chaos.Workload.RunAsync(stop.Token);
            await S3Cluster.WaitUntilAsync(() => Task.FromResult(chaos.Workload.Acked > 20), BackLimit, "a load that runs");
            double undisturbed;
            await using (var quiet = new Foreground(gates, objects, 2, Pause))
            {
                await Task.Delay(UndisturbedTime);
                undisturbed = quiet.Percentile(0.99);
                Assert.Empty(quiet.Failures);
            }

            ulong led = ReplicaLogs.LedTerm(cluster.Files, cluster.Nodes);
            cluster.Process(victim).Freeze();
            long frozen = Stopwatch.GetTimestamp();
            long before = chaos.Workload.Acked;
            TimeSpan elected = TimeSpan.Zero;
            if (leader)
            {
                await S3Cluster.WaitUntilAsync(
                    () => Task.FromResult(ReplicaLogs.LedTerm(cluster.Files, others) > led), LeaderLimit, "a new leader after the old one was frozen");
                elected = Stopwatch.GetElapsedTime(frozen);
            }

            await S3Cluster.WaitUntilAsync(
                () => Task.FromResult(chaos.Workload.Acked > before + 5), ResumeLimit, "writes that go on past a frozen node");
            TimeSpan resumed = Stopwatch.GetElapsedTime(frozen);
            if (SettleTime > resumed)
                await Task.Delay(SettleTime - resumed);
            double meanwhile;
            int requests;
            await using (var going = new Foreground(gates, objects, 2, Pause))
            {
                TimeSpan left = _options.Freeze - Stopwatch.GetElapsedTime(frozen);
                await Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero);
                (meanwhile, requests) = (going.Percentile(0.99), going.Milliseconds.Count);
                Assert.True(going.Failures.IsEmpty, string.Join(Environment.NewLine, going.Failures.Take(10)));
            }

            long during = chaos.Workload.Acked - before;
            ulong commit = (await cluster.StatusAsync(others[0])).Raft.CommitIndex;
            cluster.Process(victim).Thaw();
            Task<TimeSpan> back = BackAsync(cluster, victim, commit);
            // It is read right after it woke: an answer may be late or an error, never an old one.
            await stop.CancelAsync();
            await load;
            await chaos.CheckAsync($"node {victim} thawed after {_options.Freeze.TotalSeconds} s", settle: false);
            chaos.Say($"freeze: {(leader ? "leader" : "follower")}, node {victim}, {_options.Freeze.TotalSeconds} s: "
                + $"{(leader ? $"new leader after {elected.TotalSeconds:0.0} s, " : "")}writes go on after {resumed.TotalSeconds:0.0} s ({during} acknowledged meanwhile), "
                + $"p99 {meanwhile:0} ms of {requests} requests from the third second on, undisturbed {undisturbed:0} ms; caught up {(await back).TotalSeconds:0.0} s after the thaw");
            await cluster.WaitReadyAsync();
            await chaos.CheckAsync("after the return", settle: false);
            TimeSpan exact = await chaos.Nodes.WaitExactAsync(_options.OrphanLimit);
            chaos.Say($"freeze: census exact {exact.TotalSeconds:0} s later");
            Assert.True(requests > 0, "nothing was asked while the node was frozen");
            Assert.True(meanwhile <= SlowerMax * undisturbed, $"p99 was {undisturbed:0} ms, and {meanwhile:0} ms with node {victim} frozen");
        });
    }

    // Seen by itself it is up, as all others are, and has applied what was committed before it woke.
    private static async Task<TimeSpan> BackAsync(S3Cluster cluster, int victim, ulong commit)
    {
        long thawed = Stopwatch.GetTimestamp();
        await S3Cluster.WaitUntilAsync(
            async () => await cluster.TryStatusAsync(victim) is { } status && status.Nodes.All(node => node.State == "up")
                && status.Nodes.Any(node => node.Node == victim && node.Replica is { } replica && replica.AppliedIndex >= commit),
            BackLimit, "the node that was frozen caught up");
        return Stopwatch.GetElapsedTime(thawed);
    }
}
