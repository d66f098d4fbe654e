using Akka.Actor;
using Akka.Hosting;
using Akka.Streams;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Client;
using Predastore.Actors.Hosting;
using Predastore.Actors.Maintenance;
using Predastore.Actors.Metadata;
using Predastore.Actors.Metadata.Replica;
using Predastore.Actors.Raft;
using Predastore.Actors.Stores;
using Predastore.Actors.Streams;
using Predastore.Actors.Topology;
using Predastore.Shards.Crypto;
using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;
using Predastore.Shards.Transport;

namespace Predastore.Actors.Nodes;

/// <summary>
/// One node without its S3 door: data plane, actor system, metadata replica, disks, and the object store over them. Listeners are
/// open when <see cref="StartAsync"/> returns; joining the cluster goes on behind it and shows in <see cref="IsReady"/> and
/// <see cref="Completion"/>. Thread-safe.
/// </summary>
public sealed partial class ClusterNode : IAsyncDisposable
{
    private readonly ClusterNodeSettings _settings;
    private readonly ILogger _log;
    private readonly MasterKeys _masters;
    private readonly KeyCache _keys;
    private readonly FileDisk _disk = new();
    private readonly RocksKvFactory _databases = new();
    private readonly ShardService _service = new();
    private readonly ClusterTransport _transport;
    private readonly ShardClient _client;
    private readonly ActorSystemKeeper _keeper;
    private readonly RaftReplica? _replica;
    private readonly MetadataEndpoint? _endpoint;
    private readonly MetadataMachine? _machine;
    private readonly RemoteMetadata _others;
    private readonly NodeMetadata _metadata;
    private readonly SessionHolder _sessions = new();
    private readonly SessionHolder _maintenanceSessions = new();
    private readonly ClusterViewHolder _cluster = new();
    private readonly Proposer _proposer;
    private readonly Proposer _maintenanceProposer;
    private readonly MaintenanceParts _maintenance;
    private readonly HealReporter _reporter;
    private readonly ShardAccess _shards;
    private readonly HedgeDelay _hedge = new();
    private readonly DiskSight _disksSeen = new(TimeProvider.System);
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ClusterListener? _listener;
    private Task _joining = Task.CompletedTask;
    private volatile bool _joined;

    private ClusterNode(ClusterNodeSettings settings, ILoggerFactory loggers)
    {
        _settings = settings with
        {
            System = settings.System with { Protocols = Protocols, ProbeAside = (node, cancel) => BulkAsync(node, TopologyMessageKind, default, cancel) },
        };
        _log = loggers.CreateLogger<ClusterNode>();
        _masters = MasterKeys.Load(settings.MasterKeyFiles);
        _keys = new KeyCache(_masters);
        _transport = new ClusterTransport(settings.System.Trust, settings.Transport, settings.Hub, null, OnFellBack);
        _client = new ShardClient(_transport);
        _keeper = new ActorSystemKeeper(_settings.System, Compose, loggers);
        _others = new RemoteMetadata(Topology, BulkAsync);
        if (settings.ReplicaFolder is { } folder)
        {
            _machine = new MetadataMachine(Path.Combine(folder, "state"), _disk, _databases);
            _replica = OpenReplica(folder, _machine);
            var local = new MetadataReplica(_replica.Group, _machine);
            _endpoint = new MetadataEndpoint(local, _replica.Group);
            _metadata = new NodeMetadata(local, ReplicaAnswers, _others, TimeProvider.System);
        }
        else
        {
            _metadata = new NodeMetadata(null, ReplicaAnswers, _others, TimeProvider.System);
        }

        _proposer = new Proposer(_metadata, _sessions, TimeProvider.System);
        _shards = new ShardAccess(
            Node, settings.StorageFolders.Count > 0 ? _service : null, _client, Topology, settings.Peers);
        _maintenanceProposer = new Proposer(_metadata, _maintenanceSessions, TimeProvider.System);
        _maintenance = MakeMaintenance();
        _reporter = new HealReporter(_proposer, _log);
        ServeReports();
        ServeScrubs();
        Store = MakeStore();
    }

    /// <summary>Protocols of the control plane.</summary>
    public static IReadOnlyList<Serialization.WireProtocol> Protocols { get; } =
        [RaftProtocol.Messages, MetadataEndpointActor.Messages];

    /// <summary>This node's number.</summary>
    public uint Node => _settings.System.Node;

    /// <summary>Buckets and objects.</summary>
    public IObjectStore Store { get; }

    /// <summary>What this node knows of the others.</summary>
    public ITopology Topology => _keeper.Topology;

    /// <summary>Faulted when the node cannot go on; the message is for the operator.</summary>
    public Task Completion => _ended.Task;

    /// <summary>True while this node serves: joined, a member, with a leader, a write session and its disks.</summary>
    public bool IsReady => _joined && _keeper.IsUp && HasSeenDisks() && _sessions.Current is { Closed: false } && HasMetadata();

    /// <summary>Opens the listeners and starts to join.</summary>
    /// <exception cref="NodeRefusedException">A key file, port or folder is not as it must be.</exception>
    public static async Task<ClusterNode> StartAsync(
        ClusterNodeSettings settings, ILoggerFactory loggers, CancellationToken cancel)
    {
        ClusterNode node;
        try
        {
            node = new ClusterNode(settings, loggers);
        }
        catch (Exception error) when (error is IOException or MasterKeyException or ArgumentException)
        {
            throw new NodeRefusedException(error.Message, error);
        }

        try
        {
            await node.OpenAsync(cancel).ConfigureAwait(false);
            return node;
        }
        catch
        {
            await node.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        using (var limit = new CancellationTokenSource(TimeSpan.FromSeconds(25)))
            await _keeper.StopAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _keeper.DisposeAsync().ConfigureAwait(false);
        await _joining.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _reporter.DisposeAsync().ConfigureAwait(false);
        _proposer.Dispose();
        _maintenanceProposer.Dispose();
        if (_replica is not null)
            await _replica.DisposeAsync().ConfigureAwait(false);
        if (_listener is not null)
            await _listener.DisposeAsync().ConfigureAwait(false);
        await _transport.DisposeAsync().ConfigureAwait(false);
        await CloseDisksAsync().ConfigureAwait(false);
        _machine?.Dispose();
        _keys.Dispose();
        _masters.Dispose();
        _stopping.Dispose();
        _ended.TrySetResult();
    }

    private async Task OpenAsync(CancellationToken cancel)
    {
        try
        {
            var server = new ShardServer(_service, new ShardServerOptions { Failed = OnPeerFailed });
            _listener = await ClusterListener.StartAsync(
                _settings.DataEndpoint, _settings.System.Trust, _settings.Transport, server.HandleAsync, _settings.Hub, _settings.DataHost,
                null, OnRefusedPeer).ConfigureAwait(false);
            await _keeper.StartAsync(cancel).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or System.Net.Sockets.SocketException or PlatformNotSupportedException)
        {
            throw new NodeRefusedException(error.Message, error);
        }

        _joining = Task.Run(JoinAndReportAsync, CancellationToken.None);
    }

    private async Task JoinAndReportAsync()
    {
        try
        {
            await JoinAsync(_stopping.Token).ConfigureAwait(false);
            _joined = true;
            Log.Joined(_log, Node);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            _ended.TrySetResult();
        }
        catch (Exception error)
        {
            Log.NotJoined(_log, Node, error.Message);
            _ended.TrySetException(error as NodeRefusedException ?? new NodeRefusedException(error.Message, error));
        }
    }

    // Called for every actor system: the first one, and those that follow when the cluster has removed this node.
    private void Compose(AkkaConfigurationBuilder builder)
    {
        if (_replica is not null)
            builder.WithRaft(_replica);
        builder.WithActors((system, _) =>
        {
            StartEndpoint(system);
            StartDisks(system);
            system.ActorOf(ClusterWatch.Props(_metadata, _cluster, Topology), "cluster-watch");
            system.ActorOf(
                SessionActor.Props(new SessionSettings(Node, SessionKind.SessionGate, _metadata, _sessions, Epoch)), "gate-session");
        });
        ComposeMaintenance(builder);
    }

    private ObjectStore MakeStore()
    {
        var uploader = new ObjectUploader(
            _shards, _sessions, _cluster, _keys, IsWorthWriting, Materializer, new UploadLimits());
        return new ObjectStore(new ObjectStoreParts(
            _metadata, _proposer, _sessions, _cluster, _keys, _shards, uploader, Reads(), Materializer));
    }

    // Suspicion chooses among disks that are there. Where too few are left for any write it is no reason to refuse one: it may rest on a
    // handshake that was slow while everything started.
    private bool IsWorthWriting(uint storageId)
        => Topology.IsStorageUsable(storageId)
            || (_cluster.Current is { } cluster
                && UsableDisks(cluster) <= cluster.Geometry.M
                && Topology.TryNodeOf(storageId, out uint node) && Topology.View.IsAlive(node));

    private bool HasSeenDisks() => _disksSeen.Seen
        || (_cluster.Current is { } cluster && _disksSeen.Look(UsableDisks(cluster), cluster.Ring.Members.Count, cluster.Geometry.M));

    private int UsableDisks(ClusterView cluster) => cluster.Ring.Members.Count(member => Topology.IsStorageUsable(member.StorageId));

    private ulong Epoch() => _cluster.Current?.Epoch ?? 0;

    private IMaterializer Materializer() => _keeper.Current?.Materializer()
        ?? throw new StoreException(StoreFailure.Unavailable, "This node is between two actor systems.");

    private async Task<byte[]> BulkAsync(uint node, uint kind, ReadOnlyMemory<byte> payload, CancellationToken cancel)
    {
        if (!_settings.Peers.TryGetValue(node, out Peer? peer))
            throw new TransportException($"node {node} has no data plane");
        return (await _client.SendMessageAsync(peer, kind, payload, cancel).ConfigureAwait(false)).ToArray();
    }

    private void OnFellBack(Peer peer, string why) => Log.FellBack(_log, peer.ToString(), why);

    private void OnRefusedPeer(System.Net.EndPoint? from, string why) => Log.RefusedPeer(_log, from?.ToString() ?? "?", why);

    private void OnPeerFailed(PeerIdentity peer, Exception error) => Log.PeerFailed(_log, peer.Node, error.Message);
}
