using Google.Protobuf;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;
using Predastore.Shards.Transport;

namespace Predastore.Actors.Nodes;

/// <content>How the cluster looks from here.</content>
public sealed partial class ClusterNode
{
    /// <summary>Kind of the data plane's messages that ask for a <see cref="NodeReport"/>.</summary>
    public const uint ReportMessageKind = 4;

    /// <summary>Kind of the data plane's messages that ask what a node believes of the cluster.</summary>
    public const uint TopologyMessageKind = 16;

    private static readonly TimeSpan ReportTimeout = TimeSpan.FromSeconds(2);

    /// <summary>How this node's replica stands; null without one.</summary>
    public RaftStatus? Replica => _replica?.Group.Status;

    /// <summary>How bytes travel to each peer now.</summary>
    public IReadOnlyList<TransportStatus> Transports => _transport.Status();

    /// <summary>The cluster's rows.</summary>
    public Task<QueryResult> ClusterRowsAsync(CancellationToken cancel)
        => _metadata.QueryAsync(new Query { GetCluster = new GetCluster { RingHistory = 1 } }, ReportTimeout, cancel);

    /// <summary>What this node says of itself.</summary>
    public NodeReport Report()
    {
        var report = new NodeReport
        {
            Node = Node, Serving = _load.IsServing, Maintenance = MaintenanceReport(),
            ClockMs = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(),
        };
        if (Replica is { } replica)
        {
            report.Replica = ReportOf(replica);
            report.Replica.Full = _space is { HasRoom: false };
        }

        lock (_opened)
        {
            foreach ((uint id, OpenDisk disk) in _opened)
            {
                StoreStats stats = disk.Store.Stats();
                report.Storages.Add(new StorageReport
                {
                    Id = id,
                    Space = stats.Space.ToString().ToLowerInvariant(),
                    BytesTotal = stats.Disk.TotalBytes,
                    BytesFree = stats.Disk.FreeBytes,
                    BytesLive = stats.LiveBytes,
                    Shards = stats.Shards,
                    FencedSegments = (uint)stats.FencedSegments,
                    Failure = stats.Failure ?? "",
                    Scrub = ScrubReport(id),
                });
            }
        }

        return report;
    }

    /// <summary>What another node says of itself; null if it does not answer within two seconds.</summary>
    public async Task<NodeReport?> ReportOfAsync(uint node, CancellationToken cancel)
    {
        if (node == Node)
            return Report();
        if (!Topology.View.IsAlive(node))
            return null;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(ReportTimeout);
        try
        {
            return NodeReport.Parser.ParseFrom(
                await BulkAsync(node, ReportMessageKind, ReadOnlyMemory<byte>.Empty, limit.Token).ConfigureAwait(false));
        }
        catch (Exception error) when (error is IOException or ShardException or InvalidProtocolBufferException
            || (error is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return null;
        }
    }

    private void ServeReports()
    {
        _service.Handle(ReportMessageKind, async (_, output, _, cancel)
            => await output.WriteAsync(Report().ToByteArray(), cancel).ConfigureAwait(false));
        _service.Handle(TopologyMessageKind, async (_, output, _, cancel)
            => await output.WriteAsync(_keeper.DescribeTopology(), cancel).ConfigureAwait(false));
    }

    private static ReplicaReport ReportOf(RaftStatus replica)
    {
        var report = new ReplicaReport
        {
            Role = RoleOf(replica), Term = replica.Term, Commit = replica.Commit, Applied = replica.Applied,
            Incarnation = replica.Id.Incarnation, Reason = replica.Reason, LastIndex = replica.LastIndex,
            Members = replica.Members.ToWire(), Readable = replica.Readable,
        };
        if (replica.ClusterId != Guid.Empty)
            report.ClusterId = ByteString.CopyFrom(replica.ClusterId.ToByteArray(bigEndian: true));
        report.Matches.AddRange(replica.Matches.Select(match => new ReplicaMatch { Replica = match.Key.ToWire(), Index = match.Value }));
        return report;
    }

    private static string RoleOf(RaftStatus replica) => replica.Phase switch
    {
        RaftPhase.Halted => "halted",
        RaftPhase.Running when replica.Outside => replica.Members.Voters.IsEmpty ? "waiting" : "removed",
        RaftPhase.Running when replica.Members.Learners.Contains(replica.Id) => "learner",
        RaftPhase.Running when replica.Role is RaftRole.PreCandidate or RaftRole.Candidate => "candidate",
        RaftPhase.Running => replica.Role.ToString().ToLowerInvariant(),
        _ => replica.Phase.ToString().ToLowerInvariant(),
    };
}
