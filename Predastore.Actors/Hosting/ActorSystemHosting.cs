using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.Configuration;
using Akka.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Hosting.Partitions;
using Predastore.Actors.Remoting;
using Predastore.Actors.Serialization;
using Predastore.Actors.Topology;

namespace Predastore.Actors.Hosting;

/// <summary>How a node's actor system is put together.</summary>
public static class ActorSystemHosting
{
    /// <summary>
    /// Registers the <see cref="ActorSystemKeeper"/> of one node (as <see cref="INodeSystem"/>, <see cref="ITopology"/> and hosted
    /// service). For several nodes in one process, give each a service provider of its own.
    /// </summary>
    /// <param name="services">The node's services.</param>
    /// <param name="settings">Asked once, when the keeper is first needed.</param>
    /// <param name="compose">Adds the node's actors. Called for every actor system that the keeper builds, so it must not keep
    /// anything of an earlier one.</param>
    public static IServiceCollection AddPredastoreActorSystem(
        this IServiceCollection services,
        Func<IServiceProvider, NodeSettings> settings,
        Action<AkkaConfigurationBuilder, IServiceProvider> compose)
    {
        services.AddSingleton(provider => new ActorSystemKeeper(
            settings(provider),
            builder => compose(builder, provider),
            provider.GetRequiredService<ILoggerFactory>(),
            provider.GetService<TimeProvider>()));
        services.AddSingleton<INodeSystem>(provider => provider.GetRequiredService<ActorSystemKeeper>());
        services.AddSingleton<ITopology>(provider => provider.GetRequiredService<ActorSystemKeeper>().Topology);
        services.AddHostedService(provider => provider.GetRequiredService<ActorSystemKeeper>());
        return services;
    }

    /// <summary>Configures remoting with mutual TLS, the cluster, serializers and values; starts no actor and joins nobody.</summary>
    /// <param name="builder">The actor system.</param>
    /// <param name="settings">The node.</param>
    /// <exception cref="ArgumentException">The settings contradict each other.</exception>
    public static AkkaConfigurationBuilder WithPredastoreNode(this AkkaConfigurationBuilder builder, NodeSettings settings)
    {
        settings.Validate();
        Config values = NodeConfiguration.Load(settings.Timing);
        builder.AddHocon(settings.Overrides is { } over ? over.WithFallback(values) : values, HoconAddMode.Prepend);
        builder.AddSetup(ProtobufSerializer.Setup(
            settings.Protocols.Append(TopologyProtocol.Messages).Append(PartitionProtocol.Messages)));
        builder.AddSetup(new ControlTransportSetup(settings));
        builder.WithActorRefProvider(ProviderSelection.Cluster.Instance);
        builder.WithClustering(new ClusterOptions { Roles = [.. settings.Roles] });
        return builder;
    }

    /// <summary>Address of a node's actor system.</summary>
    public static Address AkkaAddress(this NodeSettings settings, uint node)
    {
        ControlAddress at = settings.Nodes[node];
        return new Address($"akka.{ControlTransport.Scheme}", NodeConfiguration.SystemName, at.Host, at.Port);
    }

    /// <summary>
    /// Adds work that must end before the node leaves the cluster: uploads in flight. It is cut after
    /// <c>akka.coordinated-shutdown.phases.service-requests-done.timeout</c>, and skipped where the cluster has already removed this
    /// node, because then nothing in flight can commit through it.
    /// </summary>
    public static AkkaConfigurationBuilder WithDrain(this AkkaConfigurationBuilder builder, string name, Func<CancellationToken, Task> drain) =>
        builder.AddStartup((system, _) =>
        {
            var shutdown = CoordinatedShutdown.Get(system);
            TimeSpan limit = shutdown.Timeout(CoordinatedShutdown.PhaseServiceRequestsDone);
            shutdown.AddTask(CoordinatedShutdown.PhaseServiceRequestsDone, name, async () =>
            {
                if (shutdown.ShutdownReason is CoordinatedShutdown.ClusterDowningReason) return Akka.Done.Instance;
                using var cut = new CancellationTokenSource(limit);
                await drain(cut.Token);
                return Akka.Done.Instance;
            });
        });
}
