namespace Predastore.Actors.Raft;

/// <summary>The way to other replicas. Sending never blocks and never fails: what is lost is sent again by the protocol.</summary>
public interface IRaftPeers
{
    /// <summary>Sends a protocol message, or a message between shells, to the replica on a node.</summary>
    void Send(uint node, Google.Protobuf.IMessage message);

    /// <summary>Sends a snapshot: its message first, then its bytes. True if the other side has received and verified it.</summary>
    Task<bool> SendSnapshotAsync(uint node, RaftMessage message, ISnapshotSource snapshot, CancellationToken cancel);
}
