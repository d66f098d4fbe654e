using Akka.Actor;
using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;
using Predastore.Shards.Transport;

namespace Predastore.Actors.Raft;

/// <summary>What the metadata replica of a node is made from.</summary>
public sealed record RaftReplicaSettings
{
    /// <summary>This node's number.</summary>
    public required uint Node { get; init; }

    /// <summary>Nodes that the cluster file gives a replica, this one included.</summary>
    public required IReadOnlyCollection<uint> DbNodes { get; init; }

    /// <summary>Address of a node's actor system, as configured: Raft does not ask gossip.</summary>
    public required Func<uint, Address> ControlAddress { get; init; }

    /// <summary>Address of a node's data plane; null if it has none, and then nothing large reaches it.</summary>
    public required Func<uint, Peer?> DataPeer { get; init; }

    /// <summary>The replica's folder; the state machine must live in a folder of its own below it.</summary>
    public required string DataPath { get; init; }

    /// <summary>What entries are applied to. Stays the caller's.</summary>
    public required IStateMachine Machine { get; init; }

    /// <summary>Client of the data plane. Stays the caller's.</summary>
    public required ShardClient Client { get; init; }

    /// <summary>Small files of the folder.</summary>
    public IDisk Disk { get; init; } = new FileDisk();

    /// <summary>Opens the journal's database.</summary>
    public IOrderedKvFactory Databases { get; init; } = new RocksKvFactory();

    /// <summary>Time between two questions to a peer, while the cluster begins.</summary>
    public TimeSpan BootstrapInterval { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>Time before a replica that stopped is started again, at first and at most.</summary>
    public (TimeSpan Min, TimeSpan Max) Backoff { get; init; } = (TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10));

    /// <summary>False while the disk of <see cref="DataPath"/> has only its reserve left.</summary>
    public Func<bool> HasRoom { get; init; } = static () => true;

    /// <summary>
    /// True if an empty folder may become a new replica although the cluster began with another one of this node. Without it such a
    /// replica is refused: a disk that was not mounted looks the same as one that was lost.
    /// </summary>
    public bool AcceptLoss { get; init; }

    /// <summary>Changes the timings and bounds of the shell.</summary>
    public Func<RaftShellSettings, RaftShellSettings> Shell { get; init; } = static shell => shell;
}
