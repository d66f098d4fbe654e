using Akka.Actor;
using Google.Protobuf;

namespace Predastore.Actors.Raft;

/// <summary>
/// The way to the other replicas in one actor system: small messages to <c>/user/raft</c> at the configured address, whatever gossip
/// says of that node; large ones and snapshots over the data plane. Thread-safe.
/// </summary>
public sealed class ActorRaftPeers(ActorSystem system, Func<uint, Address> controlAddress, RaftBulk bulk) : IRaftPeers
{
    /// <summary>Largest message on the control plane, in bytes: a larger one would hold up heartbeats there.</summary>
    public const int ControlBytesMax = 32 << 10;

    private readonly System.Collections.Concurrent.ConcurrentDictionary<uint, ActorSelection> _replicas = [];

    /// <inheritdoc/>
    public void Send(uint node, IMessage message)
    {
        // An append that overtakes a larger one before it is refused, and the leader starts to probe: it waits in the same queue.
        bool append = message is RaftMessage { Type: MessageType.MessageAppend };
        if (message.CalculateSize() > ControlBytesMax || (append && bulk.HasPending(node)))
            bulk.Send(node, message);
        else
            Replica(node).Tell(message);
    }

    /// <inheritdoc/>
    public Task<bool> SendSnapshotAsync(uint node, RaftMessage message, ISnapshotSource snapshot, CancellationToken cancel)
        => bulk.SendSnapshotAsync(node, message, snapshot, cancel);

    private ActorSelection Replica(uint node) => _replicas.GetOrAdd(node, static (node, peers) =>
        peers.system.ActorSelection(new RootActorPath(peers.controlAddress(node)) / "user" / RaftActor.Name), (system, controlAddress));
}
