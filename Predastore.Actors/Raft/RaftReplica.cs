using System.Buffers.Binary;
using System.Security.Cryptography;
using Akka.Actor;
using Akka.Pattern;
using Google.Protobuf;
using Predastore.Actors.Raft.Bootstrap;
using Predastore.Actors.Raft.Core;
using Predastore.Actors.Raft.Journal;
using Predastore.Actors.Stores;

namespace Predastore.Actors.Raft;

/// <summary>
/// The metadata replica of a node, for the life of the process: it outlives the actor systems that a node may go through, so that a
/// start is counted once. Thread-safe.
/// </summary>
public sealed class RaftReplica : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly ReplicaFolder _folder;
    private readonly TaskCompletionSource<ReplicaIdentity> _identified = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _refused = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ActorSystem? _system;
    private IActorRef _actor = ActorRefs.Nobody;

    private RaftReplica(RaftReplicaSettings settings, ReplicaFolder folder)
    {
        Settings = settings;
        _folder = folder;
        Bulk = new RaftBulk(settings.Client, settings.DataPeer, settings.Machine, Group);
        Group.Publish(RaftStatus.Initial with
        {
            Phase = folder.Identity is null ? RaftPhase.Bootstrapping : RaftPhase.Recovering,
            ClusterId = folder.Identity?.ClusterId ?? Guid.Empty,
            Id = folder.Self,
            Boots = folder.Identity?.Boots ?? 0,
        });
        if (folder.Identity is { } identity)
            _identified.SetResult(identity);
    }

    /// <summary>What it was made from.</summary>
    public RaftReplicaSettings Settings { get; }

    /// <summary>The group as this replica sees it; usable at once, answering NotProposed until the replica runs.</summary>
    public RaftGroup Group { get; } = new();

    /// <summary>Node number and incarnation.</summary>
    public ReplicaId Self => _folder.Self;

    /// <summary>Who this replica is; null before the cluster exists.</summary>
    public ReplicaIdentity? Identity => _identified.Task.IsCompletedSuccessfully ? _identified.Task.Result : null;

    /// <summary>Ends when the replica belongs to a cluster; at once after the first start.</summary>
    /// <exception cref="ReplicaRefusedException">It may not take part; the program ends with this message.</exception>
    public Task<ReplicaIdentity> Identified => _identified.Task;

    /// <summary>Ends, at any time in the life of the process, if the replica may not take part: the reason, one line.</summary>
    public Task<string> Refused => _refused.Task;

    /// <summary>The setup that its actor systems need.</summary>
    public JournalSetup Journal => new(Settings.Databases, _folder.JournalPath, Settings.Disk);

    /// <summary>Names this start of the program, 16 B: two starts with one boot count are two copies of a folder.</summary>
    public byte[] Nonce { get; } = RandomNumberGenerator.GetBytes(16);

    internal RaftBulk Bulk { get; }

    /// <summary>The number of a start that messages carry, from its nonce; 0 if it has none.</summary>
    public static ulong ProcessOf(ReadOnlySpan<byte> nonce) => nonce.Length < 8 ? 0 : Math.Max(1, BinaryPrimitives.ReadUInt64BigEndian(nonce));

    /// <summary>Opens the replica's folder and counts this start.</summary>
    /// <exception cref="Predastore.Shards.Disk.IdentityException">The folder is another's, damaged, or has lost a part.</exception>
    /// <exception cref="IOException">The disk fails.</exception>
    /// <exception cref="ArgumentException">This node is not among those with a replica.</exception>
    public static RaftReplica Open(RaftReplicaSettings settings)
    {
        if (!settings.DbNodes.Contains(settings.Node))
            throw new ArgumentException($"node {settings.Node} has no metadata replica");
        return new RaftReplica(settings, ReplicaFolder.Open(settings.Disk, settings.Databases, settings.DataPath, settings.Node));
    }

    /// <summary>Takes messages of peers that are too large for the control plane, and snapshots.</summary>
    public void Serve(ShardService service)
    {
        service.Handle(RaftBulk.MessageKind, Bulk.HandleMessageAsync);
        service.Handle(RaftBulk.SnapshotKind, Bulk.HandleSnapshotAsync);
    }

    /// <summary>
    /// Starts <c>/user/bootstrap</c> in an actor system that has <see cref="Journal"/>, and <c>/user/raft</c> when the replica belongs
    /// to a cluster. The system before must have ended.
    /// </summary>
    public void Attach(ActorSystem system)
    {
        lock (_gate)
        {
            _system = system;
            _actor = ActorRefs.Nobody;
        }

        if (!_refused.Task.IsCompleted)
            system.ActorOf(BootstrapActor.Props(this), BootstrapActor.Name);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Bulk.DisposeAsync();

    internal void Join(Guid clusterId, Membership initial)
    {
        ReplicaIdentity identity = _folder.Join(clusterId, initial);
        Group.Publish(Group.Status with { Phase = RaftPhase.Recovering, ClusterId = clusterId, Boots = identity.Boots });
        _identified.TrySetResult(identity);
    }

    internal void Refuse(string reason)
    {
        lock (_gate)
            _system?.Stop(_actor);
        Group.Refuse(reason);
        _refused.TrySetResult(reason);

        // Whoever only watches Refused must not be told again by the finalizer of an exception that nobody looked at.
        if (_identified.TrySetException(new ReplicaRefusedException(reason)))
            _ = _identified.Task.Exception;
    }

    /// <summary>Starts <c>/user/raft</c>, once in each actor system.</summary>
    internal void Start(ActorSystem system)
    {
        ReplicaIdentity identity = Identity ?? throw new InvalidOperationException("The replica belongs to no cluster yet.");
        lock (_gate)
        {
            if (_system != system || !_actor.IsNobody())
                return;
            RaftShellSettings shell = Settings.Shell(new RaftShellSettings(
                identity.Id,
                ByteString.CopyFrom(identity.ClusterId.ToByteArray(bigEndian: true)),
                identity.Initial,
                new ReplicaStart(identity.Boots, ProcessOf(Nonce)),
                Settings.Machine,
                new ActorRaftPeers(system, Settings.ControlAddress, Bulk),
                BinaryPrimitives.ReadUInt64BigEndian(RandomNumberGenerator.GetBytes(8)))
            {
                Nodes = Settings.DbNodes,
                HasRoom = Settings.HasRoom,
            });

            // The supervisor keeps the path and forwards to its child, which is another one after each failure.
            Props child = RaftActor.Props(shell, Group).WithDispatcher(RaftHosting.Dispatcher);
            _actor = system.ActorOf(
                BackoffSupervisor.Props(Backoff.OnStop(child, "replica", Settings.Backoff.Min, Settings.Backoff.Max, 0.2, -1)
                    .WithSupervisorStrategy(new OneForOneStrategy(_ => Directive.Stop))),
                RaftActor.Name);
        }
    }
}
