using Akka.Actor.Setup;
using Predastore.Actors.Hosting;
using Predastore.Shards.Transport;

namespace Predastore.Actors.Remoting;

/// <summary>What an actor system's <see cref="ControlTransport"/> needs beyond HOCON.</summary>
internal sealed class ControlTransportSetup(NodeSettings settings) : Setup
{
    private readonly Dictionary<ControlAddress, uint> _nodeAt = settings.Nodes.ToDictionary(pair => pair.Value, pair => pair.Key);

    /// <summary>The node: who it is, whom it trusts, where it listens.</summary>
    public NodeSettings Node => settings;

    /// <summary>The node that an address of the cluster file belongs to; null for any other address.</summary>
    public Peer? PeerAt(string host, int port) => _nodeAt.TryGetValue(new ControlAddress(host, port), out uint node) ? new Peer(node, host, port) : null;
}
