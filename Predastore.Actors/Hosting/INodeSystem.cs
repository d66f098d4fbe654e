using Akka.Actor;

namespace Predastore.Actors.Hosting;

/// <summary>
/// The node's actor system of the moment. A node that the cluster removed while it was frozen or cut off comes back with a new one,
/// so nobody keeps an <see cref="ActorSystem"/> or an <see cref="IActorRef"/> beyond one request. Thread-safe.
/// </summary>
public interface INodeSystem
{
    /// <summary>The node's number.</summary>
    uint Node { get; }

    /// <summary>The running actor system; null before the start, between two systems and after the end.</summary>
    ActorSystem? Current { get; }

    /// <summary>True while <see cref="Current"/> is an Up member of its cluster. False: S3 answers 503.</summary>
    bool IsUp { get; }

    /// <summary>How many actor systems this node has had, the running one included.</summary>
    int Incarnation { get; }

    /// <summary>The running system as soon as the node is up.</summary>
    /// <exception cref="OperationCanceledException">The token ended first.</exception>
    Task<ActorSystem> WhenUpAsync(CancellationToken cancellation);
}
