namespace Predastore.Actors.Raft.Core;

/// <summary>
/// What the caller has to do, in this order: send <see cref="SendNow"/>; make <see cref="Persist"/> durable as one write; tell
/// <see cref="RaftNode.Persisted"/>; send <see cref="SendAfterPersist"/>; apply <see cref="Committed"/>. At most one is out at a time.
/// </summary>
public sealed class Ready
{
    /// <summary>What must be durable before the replies leave; null if nothing.</summary>
    public JournalEvent? Persist { get; init; }

    /// <summary>A leader's appends: they may overtake its own write, for it does not count itself before that.</summary>
    public required IReadOnlyList<RaftMessage> SendNow { get; init; }

    /// <summary>Votes and every reply: they promise what <see cref="Persist"/> holds.</summary>
    public required IReadOnlyList<RaftMessage> SendAfterPersist { get; init; }

    /// <summary>Entries committed and durable here, not handed out before.</summary>
    public required IReadOnlyList<Entry> Committed { get; init; }

    /// <summary>Reads confirmed: serve each when its index is applied.</summary>
    public required IReadOnlyList<ReadState> Reads { get; init; }

    /// <summary>Followers that need a snapshot of at least the log's base.</summary>
    public required IReadOnlyList<ReplicaId> SnapshotsWanted { get; init; }

    /// <summary>A snapshot to put in the place of the state machine once <see cref="Persist"/> is durable.</summary>
    public SnapshotMeta? Install { get; init; }

    internal ulong LastIndex { get; init; }

    internal ulong LastTerm { get; init; }
}

/// <summary>A read that the group has confirmed.</summary>
/// <param name="Context">Given to <see cref="RaftNode.ReadIndex"/>.</param>
/// <param name="Index">Serve it at this applied index or later; 0 if leadership was lost and it must be asked again.</param>
public readonly record struct ReadState(ulong Context, ulong Index);
