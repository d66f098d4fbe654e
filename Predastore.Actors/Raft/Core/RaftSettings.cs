namespace Predastore.Actors.Raft.Core;

/// <summary>Timings in ticks and bounds of a replica.</summary>
public sealed record RaftSettings
{
    /// <summary>Ticks without a leader before a replica campaigns; it adds up to as many again at random.</summary>
    public int ElectionTicks { get; init; } = 10;

    /// <summary>Ticks between heartbeats.</summary>
    public int HeartbeatTicks { get; init; } = 1;

    /// <summary>Entry bytes in one message.</summary>
    public int MessageBytesMax { get; init; } = 1 << 20;

    /// <summary>Bytes of one entry.</summary>
    public int EntryBytesMax { get; init; } = 256 << 10;

    /// <summary>Appends sent ahead of their replies, for each follower.</summary>
    public int InflightMax { get; init; } = 64;

    /// <summary>Entries proposed and not committed; more are refused.</summary>
    public int UncommittedMax { get; init; } = 8192;

    /// <summary>Bytes of those entries; more are refused, or clients faster than the disks would fill the memory.</summary>
    public long UncommittedBytesMax { get; init; } = 64L << 20;

    /// <summary>A bug to plant, for the proof that the simulation finds it.</summary>
    internal RaftFault Fault { get; init; }
}

/// <summary>What a replica does now.</summary>
public enum RaftRole
{
    /// <summary>Follows, or knows nobody to follow.</summary>
    Follower,

    /// <summary>Asks whether it could win, without disturbing anybody.</summary>
    PreCandidate,

    /// <summary>Asks for votes.</summary>
    Candidate,

    /// <summary>Leads its term.</summary>
    Leader,
}
