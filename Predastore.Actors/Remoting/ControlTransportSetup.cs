using System.Net;
using Akka.Actor.Setup;
using Predastore.Actors.Hosting;
using Predastore.Shards.Transport;

namespace Predastore.Actors.Remoting;

/// <summary>What an actor system's <see cref="ControlTransport"/> needs beyond HOCON.</summary>
/// <param name="trust">Who this node is, and whom it trusts. Stays the caller's.</param>
/// <param name="nodes">The nodes of the cluster file and where their control planes listen.</param>
/// <param name="bindHost">Address or host name to listen on; null for the one that <paramref name="nodes"/> has for this node.</param>
internal sealed class ControlTransportSetup(ClusterTrust trust, IReadOnlyDictionary<uint, ControlAddress> nodes, string? bindHost) : Setup
{
    private readonly Dictionary<ControlAddress, uint> _nodeAt = nodes.ToDictionary(pair => pair.Value, pair => pair.Key);

    /// <summary>Who this node is, and whom it trusts.</summary>
    public ClusterTrust Trust => trust;

    /// <summary>Where others find this node.</summary>
    public ControlAddress Own => nodes[trust.Node];

    /// <summary>The node that an address of the cluster file belongs to; null for any other address.</summary>
    public Peer? PeerAt(string host, int port) => _nodeAt.TryGetValue(new ControlAddress(host, port), out uint node) ? new Peer(node, host, port) : null;

    /// <summary>Where to listen.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">The host name is not known.</exception>
    public async Task<IPEndPoint> ListenAtAsync(CancellationToken cancellation)
    {
        IPAddress[] addresses = await Dns.GetHostAddressesAsync(bindHost ?? Own.Host, cancellation);
        return new IPEndPoint(addresses[0], Own.Port);
    }
}
