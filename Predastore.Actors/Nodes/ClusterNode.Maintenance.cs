using Akka.Actor;
using Akka.Hosting;
using Predastore.Actors.Client;
using Predastore.Actors.Hosting.Partitions;
using Predastore.Actors.Maintenance;
using Predastore.Actors.Metadata;
using Predastore.Actors.Streams;

namespace Predastore.Actors.Nodes;

/// <content>Background work of this node, under a write session of its own.</content>
public sealed partial class ClusterNode
{
    private void ComposeMaintenance(AkkaConfigurationBuilder builder)
    {
        if (_settings.StorageFolders.Count == 0)
            return;
        builder.AddPartitionKeepers((_, _) => new PartitionWork(_maintenance, MakeRewrite(), _log, TimeProvider.System));
        builder.AddClusterSingleton<UploadReaper>(
            "upload-reaper", (_, _) => Props.Create(() => new UploadReaper(_maintenance, _log, TimeProvider.System)));
        builder.WithActors((system, _) => system.ActorOf(
            SessionActor.Props(new SessionSettings(
                Node, SessionKind.SessionMaintenance, _metadata, _maintenanceSessions, Epoch)),
            "maintenance-session"));
    }

    private RewriteWork MakeRewrite() => new(
        _maintenance,
        new ObjectUploader(
            _shards, _maintenanceSessions, _cluster, _keys, Topology.IsStorageUsable, Materializer, new UploadLimits()),
        Reads(), Materializer, _log);

    private ReadContext Reads() => new(_shards, _metadata, _keys, _hedge, () => _cluster.Require().ClusterId, OnFault);

    private void OnFault(ShardFault fault) => _reporter.Report(fault);
}
