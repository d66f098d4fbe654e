using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using Predastore.Actors.Client;
using Predastore.Actors.Hosting;
using Predastore.Actors.Maintenance;
using Predastore.Actors.Metadata;
using Predastore.Actors.Metadata.Replica;
using Predastore.Actors.Nodes;
using Predastore.Actors.Stores;
using Predastore.Actors.Streams;
using Predastore.Actors.Topology;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;
using Predastore.Shards.Transport;

namespace Predastore.Simulation.Tests.Store;

/// <summary>
/// One life of a node: the production parts of a process, put together as <c>ClusterNode</c> does it, over virtual time, network and
/// disks. When it dies nothing of it runs any more: its timers, messages and answers are void.
/// </summary>
internal sealed class SimProcess
{
    private static readonly TimeSpan SessionTimeout = TimeSpan.FromSeconds(5);

    private readonly ClusterSimulation _simulation;
    private readonly VirtualClock _clock;
    private readonly Queue<Action> _frozen = new();
    private readonly Dictionary<uint, long> _heard = [];
    private readonly HashSet<(ByteString Data, int Shard)> _reporting = [];
    private readonly MetadataEndpoint? _endpoint;
    private int _turn;

    public SimProcess(SimHost host, ClusterSimulation simulation, int life)
    {
        (Host, _simulation, _clock, Life) = (host, simulation, simulation.Clock, life);
        host.Process = this;
        Time = new ProcessTime(this, _clock);
        Topology = new NodeTopology(
            new NodeSettings
            {
                Node = host.Node,
                Nodes = simulation.Hosts.ToDictionary(h => h.Node, h => new ControlAddress($"h{h.Node}", 1)),
                DbNodes = [.. simulation.Hosts.Where(h => h.HasReplica).Select(h => h.Node)],
                StorageNodes = simulation.Hosts.SelectMany(h => h.StorageIds.Select(id => (id, h.Node))).ToDictionary(p => p.id, p => p.Node),
                Trust = null!,
            },
            Time);
        Service = new ShardService(Time);
        Server = new ShardServer(Service, new ShardServerOptions { Time = Time });
        var client = new ShardClient(new SimTransport(this, simulation.Network, _clock), Time);
        Shards = new ShardAccess(
            host.Node, Service, client, Topology, simulation.Hosts.ToDictionary(h => h.Node, h => new Peer(h.Node, $"h{h.Node}", 2)), Time);
        foreach (uint id in host.StorageIds)
        {
            var store = new SimStore(this, simulation, id);
            Stores.Add(store);
            Service.Serve(new StoreHandle(id, store.Store, store));
        }

        IMetadata? local = null;
        if (host.HasReplica)
        {
            Replica = new SimReplica(this, simulation, simulation.Raft, simulation.ClockRandom.Next());
            local = new MetadataReplica(Replica.Door, Replica.Machine);
            _endpoint = new MetadataEndpoint(local);
        }

        Metadata = new ObservedMetadata(new NodeMetadata(local, () => true, new Remote(this), Time), this, simulation);
        Keys = new KeyCache(simulation.Masters);
        Proposer = new Proposer(Metadata, Sessions, Time);
        var limits = new UploadLimits { Time = Time };
        var hedge = new HedgeDelay(Time);
        var reads = new ReadContext(Shards, Metadata, Keys, hedge, () => Cluster.Require().ClusterId, Report);
        var uploader = new ObjectUploader(Shards, Sessions, Cluster, Keys, Topology.IsStorageUsable, NoStreams, limits);
        Store = new ObjectStore(new ObjectStoreParts(Metadata, Proposer, Sessions, Cluster, Keys, Shards, uploader, reads, NoStreams));

        MaintenanceProposer = new Proposer(Metadata, MaintenanceSessions, Time);
        var settings = new MaintenanceSettings { RowsAtOnceIdle = 1, OrphanInterval = TimeSpan.Zero };
        Maintenance = new MaintenanceParts(Metadata, MaintenanceProposer, Shards, Cluster, Keys, Topology.IsStorageUsable, Time)
        {
            Settings = settings,
            Pace = new MaintenancePace(settings, static () => false, Time),
            Progress = new MaintenanceProgress(Time),
            Away = new AwayClock(Topology.IsStorageUsable, Time),
        };
        var rewrite = new RewriteWork(
            Maintenance,
            new ObjectUploader(Shards, MaintenanceSessions, Cluster, Keys, Topology.IsStorageUsable, NoStreams, limits),
            reads, NoStreams, NullLogger.Instance);
        var keeper = new RowKeeper(Maintenance, NullLogger.Instance);
        Heal = new HealWork(Maintenance, keeper, rewrite);
        Garbage = new GarbageWork(Maintenance, NullLogger.Instance);
        Orphans = new OrphanWork(Maintenance, NullLogger.Instance);
        if (Replica is not null)
        {
            var silent = new SilentSessions(Metadata, () => Replica.Node.Role == Predastore.Actors.Raft.Core.RaftRole.Leader, Time, static (_, _) => { });
            Every(5_000, silent.LookAsync);
        }

        Watch();
        Every(3_000, ReadClusterAsync);
        KeepSession(new SessionReports(new SessionSettings(Node, SessionKind.SessionGate, Metadata, Sessions, Epoch)));
        KeepSession(new SessionReports(new SessionSettings(Node, SessionKind.SessionMaintenance, Metadata, MaintenanceSessions, Epoch)));
    }

    public SimHost Host { get; }

    public uint Node => Host.Node;

    public int Life { get; }

    public bool Alive { get; private set; } = true;

    public bool Frozen { get; private set; }

    /// <summary>False once the power is off, even in the middle of a step.</summary>
    public bool Acts => Alive && !Host.Power.Crashed;

    public ProcessTime Time { get; }

    public NodeTopology Topology { get; }

    public ShardService Service { get; }

    public ShardServer Server { get; }

    public ShardAccess Shards { get; }

    public List<SimStore> Stores { get; } = [];

    public List<SimStream> Streams { get; } = [];

    public SimReplica? Replica { get; }

    /// <summary>True while a round of maintenance runs here.</summary>
    public bool Keeps { get; set; }

    public IMetadata Metadata { get; }

    public KeyCache Keys { get; }

    public SessionHolder Sessions { get; } = new();

    public SessionHolder MaintenanceSessions { get; } = new();

    public ClusterViewHolder Cluster { get; } = new();

    public Proposer Proposer { get; }

    public Proposer MaintenanceProposer { get; }

    public ObjectStore Store { get; }

    public MaintenanceParts Maintenance { get; }

    public HealWork Heal { get; }

    public GarbageWork Garbage { get; }

    public OrphanWork Orphans { get; }

    /// <summary>Ends when the process does.</summary>
    public TaskCompletionSource Died { get; } = new();

    /// <summary>Does something in this process: not if it is dead, and later if it is frozen.</summary>
    public void Do(Action action)
    {
        if (!Acts)
            return;
        if (Frozen)
            _frozen.Enqueue(action);
        else
            action();
    }

    public void After(long milliseconds, Action action) => _clock.After(milliseconds, () => Do(action));

    public void Freeze() => Frozen = true;

    public void Thaw()
    {
        Frozen = false;
        while (!Frozen && _frozen.TryDequeue(out Action? action))
            Do(action);
    }

    /// <summary>The process is gone.</summary>
    public void Die(bool reset)
    {
        Alive = false;
        Host.Process = null;
        foreach (SimStream stream in Streams.ToArray())
            stream.OwnerDied(reset);
        _clock.After(0, () => Died.TrySetResult());
    }

    /// <summary>A message of the control plane.</summary>
    public void Receive(IMessage message) => Replica?.Receive(message);

    private ulong Epoch() => Cluster.Current?.Epoch ?? 0;

    private static Akka.Streams.IMaterializer NoStreams() => throw new NotSupportedException("objects of one batch need no stream");

    // Membership as gossip would have it: late by a failure detector's time.
    private void Watch()
    {
        foreach (SimHost other in _simulation.Hosts)
        {
            if (other == Host || (other.Process is { Frozen: false } && !_simulation.Network.IsCut(Node, other.Node)
                && !_simulation.Network.IsCut(other.Node, Node)))
                _heard[other.Node] = _clock.Now;
        }

        Topology.Update(_simulation.Hosts.Select(other => Topology.Absent(other.Node) with
        {
            Up = true,
            Reachable = _heard.TryGetValue(other.Node, out long heard) && _clock.Now - heard < 2_500,
            Uid = 1,
        }));
        After(500, Watch);
    }

    private void Every(int milliseconds, Func<Task> work)
    {
        bool running = false;
        void Tick()
        {
            if (!running)
            {
                running = true;
                _ = RunAsync();
            }

            After(milliseconds, Tick);
        }

        async Task RunAsync()
        {
            try
            {
                await work();
            }
            catch (StoreException)
            {
                // Asked again at the next tick.
            }
            finally
            {
                running = false;
            }
        }

        After(1 + (Node * 7), Tick);
    }

    private async Task ReadClusterAsync()
    {
        QueryResult answer = await Metadata.QueryAsync(
            new Query { GetCluster = new GetCluster { RingHistory = 1 } }, SessionTimeout, CancellationToken.None);
        if (ClusterView.From(answer) is { } view)
            Cluster.Current = view;
    }

    private void KeepSession(SessionReports reports)
    {
        bool busy = false;
        async Task StepAsync()
        {
            if (busy)
                return;
            busy = true;
            (Command command, WriteSession? session) = reports.Next();
            CommandResult? result = null;
            try
            {
                result = await Metadata.ProposeAsync(command, SessionTimeout, CancellationToken.None);
            }
            catch (StoreException)
            {
                // Told again soon.
            }

            busy = false;
            SessionStep? step = result is null ? null : reports.Take(session, result);
            if (step is null or SessionStep.Closed or SessionStep.Refused)
                After(step == SessionStep.Closed ? 0 : 500, () => _ = StepAsync());
        }

        void Tick()
        {
            _ = StepAsync();
            After((long)SessionActor.ReportInterval.TotalMilliseconds, Tick);
        }

        After(3, Tick);
    }

    // In the place of the reporter's channel: one report of a shard at a time, the same command.
    private void Report(ShardFault fault)
    {
        if (_reporting.Add((fault.Row.DataId, fault.Shard)))
            _ = ReportAsync(fault);
    }

    private async Task ReportAsync(ShardFault fault)
    {
        try
        {
            var queue = new QueueHeal { DataId = fault.Row.DataId, Reason = fault.Fragment < 0 ? "missing" : "damaged" };
            queue.Places.Add(new ShardPlace { Shard = (uint)fault.Shard, StorageId = fault.StorageId });
            await Proposer.RunAsync(new Command { QueueHeal = queue }, CancellationToken.None);
        }
        catch (StoreException)
        {
            // The next read that meets it reports it again.
        }
        finally
        {
            _reporting.Remove((fault.Row.DataId, fault.Shard));
        }
    }

    /// <summary>The metadata group as a process without a replica reaches it.</summary>
    private sealed class Remote(SimProcess process) : IMetadata
    {
        private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(500);

        public async Task<CommandResult> ProposeAsync(Command command, TimeSpan timeout, CancellationToken cancel)
        {
            MetadataReply reply = await AskAsync(new MetadataRequest { Command = command }, timeout);
            return reply.Result ?? throw Failed(reply);
        }

        public async Task<QueryResult> QueryAsync(Query query, TimeSpan timeout, CancellationToken cancel)
        {
            MetadataReply reply = await AskAsync(new MetadataRequest { Query = query }, timeout);
            return reply.Answer ?? throw Failed(reply);
        }

        private async Task<MetadataReply> AskAsync(MetadataRequest request, TimeSpan timeout)
        {
            request.TimeoutMs = (long)timeout.TotalMilliseconds;
            uint[] usable = [.. process.Topology.View.DbNodes.Where(process.Topology.IsUsable)];
            MetadataReply? last = null;
            for (int i = 0; i < usable.Length; i++)
            {
                last = await AskAsync(usable[(process._turn + i) % usable.Length], request, timeout);

                // Only what was certainly not proposed may go to another replica within this attempt.
                if (last.Outcome != MetadataReply.Types.Outcome.Unavailable)
                    return last;
            }

            process._turn++;
            return last ?? throw new StoreException(StoreFailure.Unavailable, "No node with a metadata replica is reachable.");
        }

        private Task<MetadataReply> AskAsync(uint node, MetadataRequest request, TimeSpan timeout)
        {
            var answer = new TaskCompletionSource<MetadataReply>();
            process._simulation.Network.Ask(process, node, request.ToByteArray(), ServeAsync, bytes => answer.TrySetResult(MetadataReply.Parser.ParseFrom(bytes)));
            process.After((long)(timeout + Grace).TotalMilliseconds, () => answer.TrySetResult(new MetadataReply
            {
                // A query may be asked again anywhere; a command that may have arrived may not.
                Outcome = request.WhatCase == MetadataRequest.WhatOneofCase.Query
                    ? MetadataReply.Types.Outcome.Unavailable
                    : MetadataReply.Types.Outcome.Unknown,
                Message = $"node {node} did not answer",
            }));
            return answer.Task;
        }

        private static async Task ServeAsync(SimProcess target, byte[] request, Action<byte[]> reply)
        {
            if (target._endpoint is { } endpoint)
                reply((await endpoint.HandleAsync(MetadataRequest.Parser.ParseFrom(request), CancellationToken.None)).ToByteArray());
        }

        private static StoreException Failed(MetadataReply reply) => new(
            reply.Outcome == MetadataReply.Types.Outcome.Unavailable ? StoreFailure.Unavailable : StoreFailure.Unknown, reply.Message);
    }
}
