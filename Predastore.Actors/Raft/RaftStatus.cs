using Predastore.Actors.Raft.Core;

namespace Predastore.Actors.Raft;

/// <summary>How far a replica is in becoming part of its group.</summary>
public enum RaftPhase
{
    /// <summary>Reading its journal, or being restarted after a failure.</summary>
    Recovering,

    /// <summary>Empty; asks the other configured replicas whether there is a cluster.</summary>
    Bootstrapping,

    /// <summary>Empty, and the cluster exists without it: waits to be added. <see cref="RaftStatus.Reason"/> says what to do.</summary>
    Refused,

    /// <summary>Part of the group.</summary>
    Running,

    /// <summary>Stopped for good; <see cref="RaftStatus.Reason"/> says why.</summary>
    Halted,
}

/// <summary>What a replica knows. Immutable.</summary>
public sealed record RaftStatus
{
    /// <summary>Before anything is known.</summary>
    public static readonly RaftStatus Initial = new();

    /// <summary>How far it is.</summary>
    public RaftPhase Phase { get; init; }

    /// <summary>Why it does not run; empty if it does.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The cluster; empty until there is one.</summary>
    public Guid ClusterId { get; init; }

    /// <summary>Who this replica is.</summary>
    public ReplicaId Id { get; init; }

    /// <summary>Starts of this replica so far, this one included: behind what the group recorded, the disk is an old copy.</summary>
    public ulong Boots { get; init; }

    /// <summary>What it does.</summary>
    public RaftRole Role { get; init; }

    /// <summary>The leader's node, or null.</summary>
    public uint? Leader { get; init; }

    /// <summary>Newest term seen.</summary>
    public ulong Term { get; init; }

    /// <summary>Commit index.</summary>
    public ulong Commit { get; init; }

    /// <summary>Applied index.</summary>
    public ulong Applied { get; init; }

    /// <summary>Last index of the log.</summary>
    public ulong LastIndex { get; init; }

    /// <summary>True if the state machine can be read once <see cref="IRaftGroup.ReadIndex"/> has answered.</summary>
    public bool Readable { get; init; }

    /// <summary>
    /// True if the group goes on without this replica: it waits to be added, or was removed. Only advice: it decides who is asked, never
    /// who votes.
    /// </summary>
    public bool Outside { get; init; }

    /// <summary>Voters and learners.</summary>
    public Membership Members { get; init; } = Membership.Empty;

    /// <summary>Match index by replica, on the leader; else empty.</summary>
    public IReadOnlyDictionary<ReplicaId, ulong> Matches { get; init; } = new Dictionary<ReplicaId, ulong>();
}
