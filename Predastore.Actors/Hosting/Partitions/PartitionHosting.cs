using System.Globalization;
using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.Cluster.Sharding;
using Akka.Hosting;

namespace Predastore.Actors.Hosting.Partitions;

/// <summary>Key of the keepers' region in the <see cref="ActorRegistry"/>.</summary>
public sealed class PartitionRegion;

/// <summary>Hosting of the background workers of a cluster.</summary>
public static class PartitionHosting
{
    /// <summary>
    /// Spreads the 64 partitions over the storage nodes, each with a keeper that runs <paramref name="work"/>. Call it on storage
    /// nodes only. A node that dies or leaves hands its partitions to the others.
    /// </summary>
    /// <param name="builder">The node.</param>
    /// <param name="work">Called once per actor system, when its actors start.</param>
    public static AkkaConfigurationBuilder AddPartitionKeepers(
        this AkkaConfigurationBuilder builder, Func<ActorSystem, IActorRegistry, IPartitionWork> work)
    {
        builder.WithShardRegion<PartitionRegion>(
            PartitionProtocol.RegionName,
            (system, registry) =>
            {
                IPartitionWork rounds = work(system, registry);
                PartitionTimes times = PartitionTimes.From(system.Settings.Config);
                return id => PartitionKeeper.Props(int.Parse(id, NumberStyles.None, CultureInfo.InvariantCulture), rounds, times);
            },
            new PartitionProtocol.Extractor(),
            // Role, store and the rest stand in hocon/predastore.conf, under akka.cluster.sharding.
            new ShardOptions());
        return builder.WithActors((system, registry) =>
        {
            TimeSpan interval = system.Settings.Config.GetTimeSpan("predastore.partitions.touch-interval");
            system.ActorOf(PartitionToucher.Props(registry.Get<PartitionRegion>(), interval), "partition-toucher");
        });
    }

    /// <summary>
    /// An actor of which the cluster has one at a time, on the oldest member with the role; for a moment it may be two, or none. Its
    /// proxy is in the registry under <typeparamref name="TKey"/>.
    /// </summary>
    public static AkkaConfigurationBuilder AddClusterSingleton<TKey>(
        this AkkaConfigurationBuilder builder, string name, Func<ActorSystem, IActorRegistry, Props> props, string role = NodeRoles.Storage) =>
        builder.WithSingleton<TKey>(
            name, (system, registry, _) => props(system, registry), new ClusterSingletonOptions { Role = role, BufferSize = 0 });
}
