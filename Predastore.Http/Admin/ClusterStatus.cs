namespace Predastore.Http.Admin;

/// <summary>
/// What <c>GET /_/status</c> answers, as JSON with camelCase names (<see cref="ClusterStatusJson"/>). One node gives its view of
/// the whole cluster; what it cannot know now is null. It only ever grows: readers ignore members they do not know.
/// </summary>
public sealed record ClusterStatus
{
    /// <summary>Name of the cluster, for people.</summary>
    public required string Cluster { get; init; }

    /// <summary>Cluster id, 32 hex digits; null before bootstrap.</summary>
    public required string? ClusterId { get; init; }

    /// <summary>The node that answered.</summary>
    public required uint AnsweredBy { get; init; }

    /// <summary>Version of the program that answered.</summary>
    public required string Version { get; init; }

    public required RaftStatus Raft { get; init; }

    public required RingStatus Ring { get; init; }

    /// <summary>By node number.</summary>
    public required IReadOnlyList<NodeStatus> Nodes { get; init; }

    /// <summary>By storage id.</summary>
    public required IReadOnlyList<StorageStatus> Storages { get; init; }

    /// <summary>The data-plane transport the answering node uses to each peer.</summary>
    public required IReadOnlyList<PeerTransportStatus> Transports { get; init; }

    public required MaintenanceStatus Maintenance { get; init; }

    /// <summary>Open sessions by id.</summary>
    public required IReadOnlyList<SessionStatus> Sessions { get; init; }

    /// <summary>What an operator should look at, one sentence each; empty when all is well.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}

/// <summary>The metadata quorum. <see cref="Leader"/> is null while there is none or it is not known.</summary>
public sealed record RaftStatus(uint? Leader, ulong Term, ulong CommitIndex, int Voters, int VotersReachable);

/// <summary>The hash ring: its epoch, and the geometry of new objects at full width.</summary>
public sealed record RingStatus(ulong Epoch, int Data, int Parity);

/// <summary>One node.</summary>
/// <param name="Host">Its control-plane address, host:port.</param>
/// <param name="Roles">Of <c>db</c>, <c>storage</c>, <c>gate</c>.</param>
/// <param name="State"><c>up</c>, <c>joining</c>, <c>unreachable</c>, <c>down</c>.</param>
/// <param name="Replica">Its metadata replica; null for a node without one, or when it cannot be asked.</param>
public sealed record NodeStatus(uint Node, string Host, IReadOnlyList<string> Roles, string State, ReplicaStatus? Replica);

/// <summary>One metadata replica. <paramref name="Role"/> is <c>leader</c>, <c>follower</c>, <c>candidate</c>, <c>learner</c> or <c>halted</c>.</summary>
public sealed record ReplicaStatus(string Role, ulong Term, ulong CommitIndex, ulong AppliedIndex);

/// <summary>One disk.</summary>
/// <param name="State"><c>ok</c>, <c>low</c> (under 15 % free), <c>full</c> (under 5 %), <c>fenced</c>, <c>healing</c>, <c>draining</c>,
/// <c>removed</c>, <c>unreachable</c>.</param>
/// <param name="BytesTotal">Size of its file system; null when it cannot be asked.</param>
/// <param name="BytesFree">Free bytes of its file system.</param>
/// <param name="BytesLive">Bytes of live extents.</param>
/// <param name="Shards">Shards it has.</param>
public sealed record StorageStatus(
    uint Id, uint Node, string State, long? BytesTotal, long? BytesFree, long? BytesLive, long? Shards, int Weight, string Zone)
{
    /// <summary>Its scrub; null when it cannot be asked.</summary>
    public ScrubStatus? Scrub { get; init; }
}

/// <summary><paramref name="Kind"/> is <c>quic</c>, <c>tls</c>, <c>in-process</c> or <c>none</c> (no connection yet).</summary>
/// <param name="Why">Why it is not what was preferred; null where it is.</param>
public sealed record PeerTransportStatus(uint Peer, string Kind, string? Why);

/// <summary>Work that waits.</summary>
/// <param name="HealBacklog">Objects in the heal queue.</param>
/// <param name="GarbageBacklog">Data rows whose shards are still to be deleted.</param>
/// <param name="OpenUploads">Multipart uploads that are neither complete nor aborted.</param>
public sealed record MaintenanceStatus(long HealBacklog, long GarbageBacklog, long OpenUploads)
{
    /// <summary>What each node that answers has done since it started, and does now; by node number.</summary>
    public IReadOnlyList<NodeMaintenance> Nodes { get; init; } = [];

    /// <summary>Disks whose shards are being rebuilt, or that are being emptied; by storage id.</summary>
    public IReadOnlyList<StorageProgress> Storages { get; init; } = [];
}

/// <summary>Background work of one node. Counts are since it started, rates are bytes a second.</summary>
/// <param name="Rate">Written by heal and moves, over the last ten seconds.</param>
/// <param name="RateMax">The bound in force on what is read and written; null where there is none.</param>
/// <param name="Yields">True while the bound is the lower one, because a gate serves requests.</param>
public sealed record NodeMaintenance(
    uint Node, long HealedShards, long HealedBytes, long MovedShards, long MovedBytes, long Rewritten, long Orphans, long Collected,
    long Failures, long Rate, long? RateMax, bool Yields);

/// <summary>How far one storage id is.</summary>
/// <param name="Work"><c>healing</c> or <c>draining</c>.</param>
/// <param name="Percent">Of the hash space whose shards are all there; null while draining.</param>
/// <param name="DataRows">Data rows that name it: what is left to move while draining.</param>
public sealed record StorageProgress(uint Storage, string Work, int? Percent, long DataRows);

/// <summary>Scrub of one disk.</summary>
/// <param name="Percent">Of the pass under way; null between passes.</param>
/// <param name="Began">When the pass under way began, or the last one.</param>
/// <param name="Ended">When the last whole pass ended; null before the first.</param>
/// <param name="Faults">Bad or missing shards found in the pass under way, else in the last one.</param>
/// <param name="RateMax">Bound of the pass under way, in bytes a second.</param>
public sealed record ScrubStatus(int? Percent, DateTimeOffset? Began, DateTimeOffset? Ended, long Faults, long? RateMax);

/// <summary>One writer's registration in Raft.</summary>
/// <param name="Low">Every write id below it is decided.</param>
public sealed record SessionStatus(uint Id, uint Node, ulong Low, ulong RingEpoch);
