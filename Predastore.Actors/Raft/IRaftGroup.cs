using Google.Protobuf;
using Predastore.Actors.Raft.Core;

namespace Predastore.Actors.Raft;

/// <summary>The group as seen from one of its replicas. Thread-safe. Members throw <c>StoreException</c>.</summary>
public interface IRaftGroup
{
    /// <summary>
    /// Proposes a command, here or through the leader, and returns the result of applying it on this replica.
    /// </summary>
    /// <exception cref="Client.StoreException">
    /// Unavailable: certainly not proposed, or overwritten by a later leader. Unknown: it may still be applied.
    /// </exception>
    Task<byte[]> ProposeAsync(ByteString command, TimeSpan timeout, CancellationToken cancel);

    /// <summary>
    /// Returns when this replica has applied everything that was committed when this was called, as a quorum confirmed.
    /// </summary>
    /// <returns>The index reached.</returns>
    Task<ulong> ReadIndexAsync(TimeSpan timeout, CancellationToken cancel);

    /// <summary>How this replica stands now.</summary>
    RaftStatus Status { get; }
}

/// <summary>How a replica stands.</summary>
/// <param name="Replica">Who it is.</param>
/// <param name="Role">What it does.</param>
/// <param name="Term">Newest term seen.</param>
/// <param name="Leader">The leader it knows, or none.</param>
/// <param name="Commit">Commit index.</param>
/// <param name="Applied">Applied index.</param>
/// <param name="LastIndex">Last index of the log.</param>
/// <param name="BaseIndex">The log holds what is after it.</param>
/// <param name="Members">Configuration.</param>
/// <param name="Matches">On the leader: match index of every replica.</param>
public sealed record RaftStatus(
    ReplicaId Replica, RaftRole Role, ulong Term, ReplicaId Leader, ulong Commit, ulong Applied, ulong LastIndex,
    ulong BaseIndex, Membership Members, IReadOnlyDictionary<ReplicaId, ulong> Matches)
{
    /// <summary>True while it leads.</summary>
    public bool IsLeader => Role == RaftRole.Leader;
}
