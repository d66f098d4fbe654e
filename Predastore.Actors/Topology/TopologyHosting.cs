using Akka.Actor;
using Akka.Hosting;

namespace Predastore.Actors.Topology;

internal static class TopologyHosting
{
    /// <summary>Starts the topology actor, before every other actor of the node.</summary>
    public static AkkaConfigurationBuilder WithTopology(this AkkaConfigurationBuilder builder, NodeTopology topology) =>
        builder.WithActors((system, _) => system.ActorOf(TopologyActor.Props(topology), TopologyActor.Name));
}
