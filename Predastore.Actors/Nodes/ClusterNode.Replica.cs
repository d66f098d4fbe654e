using Akka.Actor;
using Akka.Hosting;
using Predastore.Actors.Streams;

namespace Predastore.Actors.Nodes;

public sealed partial class ClusterNode
{
    private void ComposeReplica(AkkaConfigurationBuilder builder) { }
    private void StartReplica(ActorSystem system) { }
    private Task<Guid> JoinReplicaAsync(CancellationToken cancel) => LearnClusterAsync(cancel);
    private void ComposeMaintenance(AkkaConfigurationBuilder builder) { }
    private void OnFault(ShardFault fault) { }
}
