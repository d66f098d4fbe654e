using Akka.Actor;

namespace Predastore.Actors.Topology;

/// <summary>
/// Which nodes and disks are worth a request now, and where their actors are. Every method is thread-safe, takes no lock that waits
/// for I/O and never blocks; the answers are hints and decide nothing about safety.
/// </summary>
public interface ITopology
{
    /// <summary>The picture of this moment.</summary>
    TopologyView View { get; }

    /// <summary>The node is up, reachable, and not suspect to this node.</summary>
    bool IsUsable(uint node);

    /// <summary>The node of the storage id is usable and the storage id itself is not suspect. Unknown ids are not usable.</summary>
    bool IsStorageUsable(uint storageId);

    /// <summary>The node of a storage id.</summary>
    bool TryNodeOf(uint storageId, out uint node);

    /// <summary>Avoids a node for 10 s: a request to it failed or was silent.</summary>
    void SuspectNode(uint node);

    /// <summary>Avoids a storage id for 10 s, and not the node's other disks.</summary>
    void SuspectStorage(uint storageId);

    /// <summary>Time at which the suspicion of a node ends, or null if there is none.</summary>
    DateTimeOffset? SuspectUntil(uint node);

    /// <summary>Replaces the storage ids' nodes, when Raft has a new ring epoch.</summary>
    void PlaceStorage(IReadOnlyDictionary<uint, uint> storageNodes);

    /// <summary>
    /// The actor at a fixed path of a node (<c>user/store-7</c>), by a cached reference that reaches whichever actor lives there.
    /// Null if the node is not usable or unknown: fail at once instead of waiting for an answer that will not come.
    /// The actor must live as long as its system (a <c>BackoffSupervisor</c> over the one that may stop): Akka.Remote goes on
    /// delivering to a stopped actor when another has taken its path.
    /// </summary>
    IActorRef? Find(uint node, string path);

    /// <summary>Calls back after every change of <see cref="View"/>, in order, on a thread of the actor system; must not block.
    /// Dispose the result to stop.</summary>
    IDisposable OnChange(Action<TopologyView> changed);
}
