using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Hosting;
using Predastore.Actors.Hosting.Partitions;
using Xunit;

namespace Predastore.Actors.Tests.Hosting.Partitions;

public sealed class PartitionHostingSpecs
{
    private sealed class SingletonKey;

    [Fact]
    public async Task Partitions_should_be_spread_over_the_nodes_and_move_when_one_leaves()
    {
        // Who ran a partition last.
        var keeper = new ConcurrentDictionary<int, uint>();
        await using var cluster = new LoopbackCluster(
            3,
            (node, builder) => builder
                .AddPartitionKeepers((_, _) => new Work(node, keeper))
                .AddClusterSingleton<SingletonKey>("single", (_, _) => Props.Create(() => new Single(node))),
            overrides: """
                predastore.partitions { touch-interval = 300ms, tick-interval = 100ms }
                akka.cluster.sharding.rebalance-interval = 500ms
                """);
        await cluster.StartAllAsync();

        await cluster.Eventually(
            () => keeper.Count == PartitionProtocol.Partitions && keeper.Values.Distinct().Count() == 3,
            () => $"{keeper.Count} partitions run, on nodes {string.Join(',', keeper.Values.Distinct())}");
        uint oldest = await WhereIsSingletonAsync(cluster, 2);

        await cluster.StopAsync(oldest);
        keeper.Clear();
        await cluster.Eventually(
            () => keeper.Count == PartitionProtocol.Partitions && !keeper.Values.Contains(oldest),
            () => $"{keeper.Count} partitions run, on nodes {string.Join(',', keeper.Values.Distinct())}");
        uint next = await WhereIsSingletonAsync(cluster, cluster.Nodes.Keys.First(node => node != oldest));
        Assert.NotEqual(oldest, next);
    }

    private static async Task<uint> WhereIsSingletonAsync(LoopbackCluster cluster, uint askFrom)
    {
        IActorRef proxy = ActorRegistry.For(cluster[askFrom].Current!).Get<SingletonKey>();
        // The proxy keeps nothing while there is no singleton, so ask again.
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                return (uint)await proxy.Ask<long>("where", TimeSpan.FromSeconds(1));
            }
            catch (AskTimeoutException) when (attempt < 30)
            {
            }
        }
    }

    private sealed class Single : ReceiveActor
    {
        public Single(uint node) => ReceiveAny(_ => Sender.Tell((long)node));
    }

    private sealed class Work(uint node, ConcurrentDictionary<int, uint> keeper) : IPartitionWork
    {
        public Task RunAsync(int partition, CancellationToken cancellation)
        {
            keeper[partition] = node;
            return Task.CompletedTask;
        }
    }
}
