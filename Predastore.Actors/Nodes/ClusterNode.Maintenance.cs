using Akka.Hosting;
using Predastore.Actors.Streams;

namespace Predastore.Actors.Nodes;

/// <content>Background work of this node.</content>
public sealed partial class ClusterNode
{
    private void ComposeMaintenance(AkkaConfigurationBuilder builder) { }
    private void OnFault(ShardFault fault) { }
}
