using Akka.Actor;
using Google.Protobuf;
using Predastore.Actors.Client;
using Predastore.Actors.Hosting;
using Predastore.Actors.Maintenance;
using Predastore.Actors.Metadata;
using Predastore.Actors.Metadata.Replica;
using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Bootstrap;
using Predastore.Actors.Raft.Core;
using Predastore.Actors.Serialization;

namespace Predastore.Actors.Nodes;

/// <content>The metadata replica of this node, if it has one.</content>
public sealed partial class ClusterNode
{
    /// <summary>A command of 256 KiB, with room for what surrounds it.</summary>
    private const int MetadataRequestBytesMax = 512 << 10;

    private MetadataSpace? _space;

    private bool ReplicaAnswers() => _replica?.Group.Status is { Phase: RaftPhase.Running, Readable: true, Leader: not null };

    // A replica that only starts will answer soon; one that cannot run is done without, and the others are asked.
    private bool HasMetadata() => _replica?.Group.Status is not { } replica || replica.Phase switch
    {
        RaftPhase.Running => replica.Leader is not null || replica.Outside,
        RaftPhase.Recovering => replica.Reason.Length > 0,
        _ => false,
    };

    /// <summary>Changes the part of one replica in the metadata group, at the leader wherever it is.</summary>
    public async Task<ChangeResult> ChangeReplicaAsync(MembershipChange change, TimeSpan timeout, CancellationToken cancel)
        => _replica is { Group.Status: { Phase: RaftPhase.Running, Outside: false } }
            ? await _replica.Group.Change(change, timeout).WaitAsync(cancel).ConfigureAwait(false)
            : await _others.ChangeAsync(change, timeout, cancel).ConfigureAwait(false);

    private RaftReplica OpenReplica(string folder, MetadataMachine machine)
    {
        _space = new MetadataSpace(_disk, folder, TimeProvider.System);
        RaftReplica replica = RaftReplica.Open(new RaftReplicaSettings
        {
            Node = Node,
            DbNodes = _settings.System.DbNodes,
            ControlAddress = node => _settings.System.AkkaAddress(node),
            DataPeer = node => _settings.Peers.GetValueOrDefault(node),
            DataPath = folder,
            Machine = machine,
            Client = _client,
            Disk = _disk,
            Databases = _databases,
            AcceptLoss = _settings.NewReplica,
            HasRoom = () => _space!.HasRoom,
        });
        machine.Damaged += replica.Group.Fail;
        replica.Serve(_service);
        _service.Handle(MetadataEndpoint.MessageKind, async (input, output, _, cancel) =>
        {
            ReadOnlyMemory<byte> request = await MessageBody.ReadAsync(input, MetadataRequestBytesMax, "metadata request", cancel)
                .ConfigureAwait(false);
            await output.WriteAsync(await _endpoint!.HandleAsync(request, cancel).ConfigureAwait(false), cancel)
                .ConfigureAwait(false);
        });
        return replica;
    }

    private void StartEndpoint(ActorSystem system)
    {
        if (_replica is null)
            return;
        system.ActorOf(MetadataEndpointActor.Props(_endpoint!), MetadataEndpointActor.Name);
        system.ActorOf(
            SessionReaper.Props(_metadata, () => _replica.Group.Status.Role == RaftRole.Leader, TimeProvider.System), "session-reaper");
    }

    private async Task<Guid> JoinReplicaAsync(CancellationToken cancel)
    {
        if (_replica is null)
            return await LearnClusterAsync(cancel).ConfigureAwait(false);

        // It may also be refused later, when the peers that know better come up.
        _ = _replica.Refused.ContinueWith(
            refused => _ended.TrySetException(new NodeRefusedException(refused.Result)),
            cancel, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
        ReplicaIdentity identity = await _replica.Identified.WaitAsync(cancel).ConfigureAwait(false);
        await InitClusterAsync(identity.ClusterId, cancel).ConfigureAwait(false);
        await RegisterAsync(
            new Command
            {
                RegisterReplica = new RegisterReplica
                {
                    Node = Node,
                    Incarnation = identity.Id.Incarnation,
                    Boots = identity.Boots,
                    Nonce = ByteString.CopyFrom(_replica.Nonce),
                },
            },
            $"the metadata replica in {_settings.ReplicaFolder}",
            cancel).ConfigureAwait(false);
        return identity.ClusterId;
    }
}
