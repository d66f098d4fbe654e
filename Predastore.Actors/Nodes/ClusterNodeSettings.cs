using System.Net;
using Predastore.Actors.Hosting;
using Predastore.Shards.Placement;
using Predastore.Shards.Transport;

namespace Predastore.Actors.Nodes;

/// <summary>Everything that the actor side of one node is built from.</summary>
public sealed record ClusterNodeSettings
{
    /// <summary>Control plane and membership; <see cref="NodeSettings.Protocols"/> is filled in by the node.</summary>
    public required NodeSettings System { get; init; }

    /// <summary>Where this node's data plane listens.</summary>
    public required IPEndPoint DataEndpoint { get; init; }

    /// <summary>Host under which peers of this process find the data plane.</summary>
    public required string DataHost { get; init; }

    /// <summary>Data plane of every node.</summary>
    public required IReadOnlyDictionary<uint, Peer> Peers { get; init; }

    /// <summary>QUIC, TLS, or whichever is there.</summary>
    public required TransportPreference Transport { get; init; }

    /// <summary>Joins the nodes of one process; null where there is one node.</summary>
    public InProcessHub? Hub { get; init; }

    /// <summary>Master key files, the current one first.</summary>
    public required IReadOnlyList<string> MasterKeyFiles { get; init; }

    /// <summary>Folder of the metadata replica; null on a node without one.</summary>
    public required string? ReplicaFolder { get; init; }

    /// <summary>True if the metadata replica that was in the folder is known to be lost: <see cref="Raft.RaftReplicaSettings.AcceptLoss"/>.</summary>
    public bool NewReplica { get; init; }

    /// <summary>Folders of this node's disks by storage id.</summary>
    public required IReadOnlyDictionary<uint, string> StorageFolders { get; init; }

    /// <summary>Region, written into the cluster's row when it is made.</summary>
    public required string Region { get; init; }

    /// <summary>K of the first ring.</summary>
    public required int DataShards { get; init; }

    /// <summary>M of the first ring.</summary>
    public required int ParityShards { get; init; }

    /// <summary>Members of the first ring.</summary>
    public required IReadOnlyList<RingMember> RingMembers { get; init; }

    /// <summary>Digest of what all nodes' cluster files must agree on.</summary>
    public required byte[] FileDigest { get; init; }
}

/// <summary>The node cannot be part of the cluster. One line that says why and what to do.</summary>
public sealed class NodeRefusedException(string message, Exception? inner = null) : Exception(message, inner);
