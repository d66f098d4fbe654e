using Google.Protobuf;
using Predastore.Actors.Raft.Core;

namespace Predastore.Actors.Raft;

/// <summary>What a <see cref="RaftActor"/> is made from.</summary>
/// <param name="Self">Who this replica is.</param>
/// <param name="ClusterId">16 B.</param>
/// <param name="Initial">First configuration; used only while the journal is empty.</param>
/// <param name="Start">This start of it.</param>
/// <param name="Machine">What entries are applied to; stays the caller's.</param>
/// <param name="Peers">Way to the others.</param>
/// <param name="Seed">Of the election timeouts.</param>
public sealed record RaftShellSettings(
    ReplicaId Self, ByteString ClusterId, Membership Initial, ReplicaStart Start, IStateMachine Machine, IRaftPeers Peers, ulong Seed)
{
    /// <summary>Nodes that may have a replica: asked for the group by one that hears no leader.</summary>
    public IReadOnlyCollection<uint> Nodes { get; init; } = [];

    /// <summary>False while this replica's disk has only its reserve left. Quick, and asked by the replica's thread.</summary>
    public Func<bool> HasRoom { get; init; } = static () => true;

    /// <summary>Time of one tick.</summary>
    public TimeSpan TickInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Timings in ticks and bounds of the core.</summary>
    public RaftSettings Core { get; init; } = new();

    /// <summary>When the journal is compacted, and what is kept for followers that are a little behind.</summary>
    public Compaction Compaction { get; init; } = new(Entries: 10_000, Tail: 1_000, Bytes: 32L << 20, BytesMax: 256L << 20);

    /// <summary>Proposals and reads waiting on this replica; more are refused.</summary>
    public int PendingMax { get; init; } = 16_384;
}
