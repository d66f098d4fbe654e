using Predastore.Actors.Raft.Core;

namespace Predastore.Actors.Raft.Bootstrap;

/// <summary>Who the replica of this node is, as its folder says durably.</summary>
/// <param name="ClusterId">The cluster.</param>
/// <param name="Id">Node number and incarnation.</param>
/// <param name="Initial">
/// The first configuration of the cluster, empty for a replica that came later; the log is what counts afterwards.
/// </param>
/// <param name="Boots">Starts of this replica so far, this one included.</param>
public sealed record ReplicaIdentity(Guid ClusterId, ReplicaId Id, Membership Initial, ulong Boots);

/// <summary>This replica may not take part. The message is one line that says why and what to do; the program ends with it.</summary>
public sealed class ReplicaRefusedException(string message) : Exception(message);
