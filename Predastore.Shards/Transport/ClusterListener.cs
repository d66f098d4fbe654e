using System.Net;
using System.Net.Sockets;

namespace Predastore.Shards.Transport;

/// <summary>
/// A node's door for all others, at one port number: TLS on TCP, QUIC on UDP, and the hub for nodes of the same process, as the
/// preference says.
/// </summary>
public sealed class ClusterListener : IAsyncDisposable
{
    // A free TCP port may be taken on UDP; another free one is tried that often.
    private const int FreePortTriesMax = 16;

    private readonly List<ITransportListener> _listeners;

    private ClusterListener(IPEndPoint endpoint, List<ITransportListener> listeners)
    {
        Endpoint = endpoint;
        _listeners = listeners;
    }

    /// <summary>Where it listens, with the port really bound.</summary>
    public IPEndPoint Endpoint { get; }

    /// <summary>What it accepts.</summary>
    public IReadOnlyList<TransportKind> Kinds => [.. _listeners.Select(l => l.Kind)];

    /// <summary>Binds and accepts.</summary>
    /// <param name="endpoint">Address and port; port 0 takes one that is free on TCP and UDP.</param>
    /// <param name="trust">Who this node is, and whom it trusts. Stays the caller's.</param>
    /// <param name="preference">What to listen on.</param>
    /// <param name="handler">Handles every accepted stream.</param>
    /// <param name="hub">Where nodes of the same process find this one; null where there are none.</param>
    /// <param name="hubHost">Host by which they know it, as the cluster file has it; null for the endpoint's address.</param>
    /// <param name="options">Limits.</param>
    /// <param name="refused">Hears of peers that failed their handshake: from where, and why.</param>
    /// <exception cref="PlatformNotSupportedException">QUIC is demanded and its library is missing.</exception>
    /// <exception cref="IOException">The address cannot be bound; the message names it.</exception>
    public static async Task<ClusterListener> StartAsync(
        IPEndPoint endpoint, ClusterTrust trust, TransportPreference preference, StreamHandler handler,
        InProcessHub? hub = null, string? hubHost = null, TransportOptions? options = null, Action<EndPoint?, string>? refused = null)
    {
        if (preference == TransportPreference.Quic && !QuicSupport.IsSupported) throw new PlatformNotSupportedException(QuicSupport.MissingLibrary);
        for (int attempt = 1; ; attempt++)
        {
            var listeners = new List<ITransportListener>();
            try
            {
                IPEndPoint bound = endpoint;
                if (preference != TransportPreference.Quic)
                {
                    var tls = TlsListener.Start(endpoint, trust, handler, options, refused);
                    listeners.Add(tls);
                    bound = tls.Endpoint;
                }
                if (preference != TransportPreference.Tls && QuicSupport.IsSupported)
                {
                    QuicShardListener quic = await QuicShardListener.StartAsync(bound, trust, handler, options, refused).ConfigureAwait(false);
                    listeners.Add(quic);
                    bound = quic.Endpoint;
                }
                if (hub is not null) listeners.Add(hub.Listen(hubHost ?? bound.Address.ToString(), bound.Port, trust.Node, handler));
                return new ClusterListener(bound, listeners);
            }
            catch (Exception e)
            {
                foreach (ITransportListener listener in listeners) await listener.DisposeAsync().ConfigureAwait(false);
                bool busy = e is SocketException or System.Net.Quic.QuicException;
                if (busy && endpoint.Port == 0 && listeners.Count > 0 && attempt < FreePortTriesMax) continue;
                if (!busy) throw;
                throw new IOException($"the shard port {endpoint} cannot be bound: {e.Message}", e);
            }
        }
    }

    /// <summary>Stops accepting, gives running handlers a while, and cuts the rest.</summary>
    public async ValueTask DisposeAsync() =>
        await Task.WhenAll(_listeners.Select(l => l.DisposeAsync().AsTask())).ConfigureAwait(false);
}
