using System.Reflection;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Actors.Nodes;
using Predastore.Actors.Topology;
using Predastore.Host.Config;
using Predastore.Http.Admin;
using Predastore.Shards.Transport;

namespace Predastore.Host.Nodes;

/// <summary>Builds what <c>GET /_/status</c> answers from this node's view and what the other nodes say of themselves.</summary>
internal sealed class NodeStatusSource(ClusterFile file, ClusterNode node)
{
    private static readonly string Version =
        typeof(NodeStatusSource).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    public async Task<ClusterStatus> GetAsync(CancellationToken cancel)
    {
        QueryResult? rows = await RowsAsync(cancel);
        NodeReport?[] answers = await Task.WhenAll(file.Nodes.Select(number => node.ReportOfAsync(number, cancel)));
        Dictionary<uint, NodeReport> reports = answers.OfType<NodeReport>().ToDictionary(report => report.Node);
        TopologyView view = node.Topology.View;
        RingRow? ring = rows?.Rings.FirstOrDefault();
        return new ClusterStatus
        {
            Cluster = file.Cluster.Name,
            ClusterId = rows?.Cluster is { } cluster ? Convert.ToHexStringLower(cluster.ClusterId.Span) : null,
            AnsweredBy = node.Node,
            Version = Version,
            Raft = Raft(reports),
            Ring = new RingStatus(ring?.Epoch ?? 0, (int)(ring?.DataShards ?? 0), (int)(ring?.ParityShards ?? 0)),
            Nodes = [.. file.Nodes.Select(number => Node(number, view, reports.GetValueOrDefault(number)))],
            Storages = [.. file.Storages.Select(storage => Storage(storage, rows, reports.GetValueOrDefault(storage.Node)))],
            Transports = [.. file.Nodes.Where(number => number != node.Node).Select(Transport)],
            Maintenance = MaintenanceStatusOf.Make(rows, reports),
            Sessions = [.. (rows?.Sessions ?? []).Where(session => !session.Closed)
                .Select(session => new SessionStatus(session.Id, session.Node, session.Low, session.Epoch))],
            Warnings = [.. Warnings(rows, reports)],
        };
    }

    private async Task<QueryResult?> RowsAsync(CancellationToken cancel)
    {
        try
        {
            return await node.ClusterRowsAsync(cancel);
        }
        catch (StoreException)
        {
            return null;
        }
    }

    private RaftStatus Raft(Dictionary<uint, NodeReport> reports)
    {
        KeyValuePair<uint, NodeReport>? leader = reports
            .Where(report => report.Value.Replica?.Role == "leader").OrderByDescending(report => report.Value.Replica.Term)
            .Cast<KeyValuePair<uint, NodeReport>?>().FirstOrDefault();
        ReplicaReport[] replicas = [.. reports.Values.Select(report => report.Replica).OfType<ReplicaReport>()];
        return new RaftStatus(
            leader?.Key, replicas.Select(replica => replica.Term).DefaultIfEmpty().Max(),
            replicas.Select(replica => replica.Commit).DefaultIfEmpty().Max(),
            node.Replica?.Members.Voters.Length ?? file.Dbs.Count, replicas.Length);
    }

    private NodeStatus Node(uint number, TopologyView view, NodeReport? report)
    {
        List<string> roles = [];
        if (file.DbOf(number) is not null)
            roles.Add("db");
        if (file.StoragesOf(number).Count > 0)
            roles.Add("storage");
        roles.Add("gate");
        NodeView? seen = view.Nodes.GetValueOrDefault(number);
        string state = seen is null ? "down" : seen.Alive ? "up" : seen.Up ? "unreachable" : "down";
        ReplicaReport? replica = report?.Replica;
        return new NodeStatus(number, file.ControlOf(number).ToString(), roles, state, replica is null
            ? null
            : new ReplicaStatus(replica.Role, replica.Term, replica.Commit, replica.Applied));
    }

    private static StorageStatus Storage(StorageEntry entry, QueryResult? rows, NodeReport? report)
    {
        StorageReport? disk = report?.Storages.FirstOrDefault(storage => storage.Id == entry.Id);
        StorageState? state = rows?.Storages.FirstOrDefault(storage => storage.Id == entry.Id)?.State;
        string shown = disk is null ? "unreachable"
            : disk.FencedSegments > 0 || disk.Failure.Length > 0 ? "fenced"
            : disk.Space != "normal" ? disk.Space
            : state switch
            {
                StorageState.StorageHealing => "healing",
                StorageState.StorageDraining => "draining",
                StorageState.StorageRemoved => "removed",
                _ => "ok",
            };
        return new StorageStatus(
            entry.Id, entry.Node, shown, disk?.BytesTotal, disk?.BytesFree, disk?.BytesLive, null, entry.Weight, entry.Zone)
        {
            Scrub = MaintenanceStatusOf.Make(disk?.Scrub),
        };
    }

    private PeerTransportStatus Transport(uint number)
    {
        TransportStatus? status = node.Transports.FirstOrDefault(transport => transport.Peer.Node == number);
        string kind = status?.Kind switch
        {
            TransportKind.Quic => "quic",
            TransportKind.Tls => "tls",
            TransportKind.InProcess => "in-process",
            _ => "none",
        };
        return new PeerTransportStatus(number, kind, status?.FellBack == true ? status.LastError : null);
    }

    private IEnumerable<string> Warnings(QueryResult? rows, Dictionary<uint, NodeReport> reports)
    {
        if (rows is null)
            yield return "The metadata group does not answer: nothing can be read or written.";
        foreach (uint silent in file.Nodes.Where(number => !reports.ContainsKey(number)))
            yield return $"Node {silent} does not answer.";
        foreach ((uint number, NodeReport report) in reports.Where(report => report.Value.Replica is not null).OrderBy(report => report.Key))
        {
            if (report.Replica.Reason.Length > 0)
                yield return $"The metadata replica of node {number} is {report.Replica.Role}: {report.Replica.Reason}";
            if (report.Replica.Full)
                yield return $"The disk of the metadata replica of node {number} has only its reserve left: uploads are refused there.";
            if (report.Replica.Role is "waiting" or "removed")
                yield return $"The metadata replica of node {number} is no part of the group: look at 's3d admin replica list'.";
        }

        foreach (StorageReport disk in reports.Values.SelectMany(report => report.Storages))
        {
            if (disk.Failure.Length > 0)
                yield return $"Storage id {disk.Id} has failed: {disk.Failure}";
            else if (disk.FencedSegments > 0)
                yield return $"Storage id {disk.Id} has {disk.FencedSegments} fenced segments: a sync failed; look at its disk.";
            else if (disk.Space != "normal")
                yield return $"Storage id {disk.Id} is {disk.Space} on space.";
        }

        if (rows?.HealBacklog > 0)
            yield return $"{rows.HealBacklog} objects wait for heal.";
    }
}
