using Predastore.Actors.Nodes;
using Predastore.Host.Config;
using Predastore.Http.Admin;
using Predastore.Http.Admin.Census;
using Predastore.Http.Admin.Replicas;
using Predastore.Http.Admin.Storages;

namespace Predastore.Host.Nodes;

/// <summary>Every action that a node serves to its operator: one line for each area.</summary>
internal static class NodeAdmin
{
    public static AdminActions Of(ClusterFile file, ClusterNode node) => new(
    [
        .. ReplicaActions.Of(new ReplicaAdmin(file, node)),
        .. StorageActions.Of(new RingAdmin(file, node)),
        .. CensusActions.Of(cancel => CensusAdmin.RunAsync(node, cancel)),
    ]);
}
