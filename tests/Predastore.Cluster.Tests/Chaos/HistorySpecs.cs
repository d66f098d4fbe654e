using Amazon.S3;
using Predastore.Cluster.Tests.Harness;
using Predastore.Cluster.Tests.Links;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests.Chaos;

/// <summary>
/// Histories of real processes: racing PUT, DELETE, conditional writes, Complete, COPY and LIST, while nodes are killed, frozen or cut
/// off. Each key must be linearizable, each listing must show what was there throughout.
/// </summary>
[Collection(Alone.Name)]
public sealed class HistorySpecs(ITestOutputHelper output)
{
    private const int RacerCount = 6;
    private static readonly string[] Kinds = ["kill", "isolate", "freeze", "kill-all", "mute", "deaf"];
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Trouble = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan HealLimit = TimeSpan.FromSeconds(60);

    private readonly ChaosOptions _options = new();

    [Fact]
    public async Task Races_should_be_linearizable_under_kills_freezes_and_partitions()
    {
        await using ChaosCluster chaos = await ChaosCluster.StartAsync(ClusterShape.Three with { Relayed = true }, _options, output);
        await chaos.Nodes.RunAsync(async () =>
        {
            await chaos.Clients[0].PutBucketAsync(Racers.Bucket);
            var random = new Random(_options.Seed);
            int operations = 0;
            for (int i = 0; i < _options.Histories; i++)
            {
                string trouble = Kinds[i % Kinds.Length];
                var racers = new Racers(chaos.Clients, $"{i:000}-{trouble}");
                using var stop = new CancellationTokenSource();
                Task racing = racers.RunAsync(RacerCount, random.Next(), stop.Token);
                await Task.Delay(Calm);
                await TroubleAsync(chaos.Nodes, trouble, random.Next(1, chaos.Nodes.Shape.Nodes + 1));
                await Task.Delay(Calm);
                await stop.CancelAsync();
                await racing;
                foreach (AmazonS3Client s3 in chaos.Clients)
                    await S3Cluster.WaitUntilAsync(() => ChaosCluster.TakesWriteAsync(s3), HealLimit, "every gate serves again");
                await racers.ReadAllAsync();

                string? wrong = racers.History.Judge();
                Assert.True(wrong is null, $"{trouble}: {wrong}");
                Assert.True(racers.History.Undecided == 0, $"{trouble}: {racers.History.Undecided} keys could not be judged");
                operations += racers.History.Count;
                chaos.Say($"history {i}, {trouble}: {racers.History.Count} operations, linearizable");
            }

            Assert.InRange(operations, 50 * _options.Histories, int.MaxValue);
        });
    }

    private static async Task TroubleAsync(S3Cluster cluster, string kind, int victim)
    {
        switch (kind)
        {
            case "kill":
                await cluster.KillAsync(victim);
                await Task.Delay(Trouble);
                cluster.StartNode(victim);
                break;
            case "kill-all":
                await cluster.KillAsync([.. cluster.Nodes]);
                foreach (int node in cluster.Nodes)
                    cluster.StartNode(node);
                break;
            case "freeze":
                cluster.Process(victim).Freeze();
                await Task.Delay(Trouble);
                cluster.Process(victim).Thaw();
                break;
            default:
                cluster.Links!.SetAll(victim, kind == "deaf" ? default : Link.Dead, kind == "mute" ? default : Link.Dead);
                await Task.Delay(Trouble);
                cluster.Links.Heal();
                break;
        }

        await cluster.WaitReadyAsync();
    }
}
