using System.Collections.Concurrent;
using System.Net;
using System.Net.Quic;
using System.Runtime.Versioning;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Predastore.Shards.Transport;

/// <summary>Accepts QUIC connections of cluster members, and on each the streams it opens, many at a time.</summary>
[SupportedOSPlatform("linux")]
[SupportedOSPlatform("macos")]
[SupportedOSPlatform("windows")]
public sealed class QuicShardListener : ITransportListener
{
    private readonly QuicListener _listener;
    private readonly TransportOptions _options;
    private readonly HandlerSet _handlers;
    private readonly IdleWatch _watch;
    private readonly Action<EndPoint?, string>? _refused;
    private readonly ConcurrentDictionary<QuicConnection, byte> _connections = new();
    private readonly Task _accepting;
    private int _disposed;

    private QuicShardListener(QuicListener listener, StreamHandler handler, TransportOptions options, Action<EndPoint?, string>? refused)
    {
        _listener = listener;
        _options = options;
        _refused = refused;
        _handlers = new HandlerSet(handler, options);
        _watch = new IdleWatch(options);
        Endpoint = listener.LocalEndPoint;
        _accepting = Task.Run(AcceptAsync);
    }

    /// <inheritdoc/>
    public TransportKind Kind => TransportKind.Quic;

    /// <inheritdoc/>
    public IPEndPoint Endpoint { get; }

    /// <summary>As <see cref="TlsListener.Start"/>, on a UDP port.</summary>
    /// <exception cref="PlatformNotSupportedException">The native library is missing; the message says what to install.</exception>
    /// <exception cref="IOException">The address cannot be bound.</exception>
    public static async Task<QuicShardListener> StartAsync(
        IPEndPoint endpoint, ClusterTrust trust, StreamHandler handler, TransportOptions? options = null,
        Action<EndPoint?, string>? refused = null, CancellationToken cancel = default)
    {
        if (!QuicSupport.IsSupported) throw new PlatformNotSupportedException(QuicSupport.MissingLibrary);
        options ??= new TransportOptions();
        QuicListener listener = await QuicListener.ListenAsync(
            new QuicListenerOptions
            {
                ListenEndPoint = endpoint,
                ApplicationProtocols = [ClusterTrust.Alpn],
                ListenBacklog = options.HandshakesPerListenerMax,
                ConnectionOptionsCallback = (_, _, _) => ValueTask.FromResult(ServerOptions(trust, options)),
            },
            cancel).ConfigureAwait(false);
        return new QuicShardListener(listener, handler, options, refused);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await _handlers.StopAsync().ConfigureAwait(false);
        await _listener.DisposeAsync().ConfigureAwait(false);
        await _accepting.ConfigureAwait(false);
        foreach (QuicConnection connection in _connections.Keys) await CloseAsync(connection).ConfigureAwait(false);
        _watch.AbortAll();
        _watch.Dispose();
        _handlers.Dispose();
    }

    private static QuicServerConnectionOptions ServerOptions(ClusterTrust trust, TransportOptions options)
    {
        var server = new QuicServerConnectionOptions
        {
            ServerAuthenticationOptions = trust.ServerOptions(),
            MaxInboundBidirectionalStreams = options.QuicStreamsPerConnectionMax,
            HandshakeTimeout = options.HandshakeTimeout,
        };
        QuicLink.Common(server, options);
        return server;
    }

    private async Task AcceptAsync()
    {
        while (Volatile.Read(ref _disposed) == 0)
        {
            try
            {
                QuicConnection connection = await _listener.AcceptConnectionAsync(_handlers.Stopping).ConfigureAwait(false);
                if (_connections.Count >= _options.ConnectionsPerListenerMax) _ = CloseAsync(connection);
                else _ = Task.Run(() => ServeAsync(connection));
            }
            catch (Exception e) when (e is QuicException or AuthenticationException or IOException)
            {
                // A handshake that failed: the listener lives on.
                _refused?.Invoke(null, $"refused a connection: {e.Message}");
            }
            catch (Exception e)
            {
                if (Volatile.Read(ref _disposed) != 0) return;
                _refused?.Invoke(null, $"no connection could be accepted: {e.Message}");
                // Of whatever kind it is, it may come again at once: accepting would spin.
                await Task.Delay(TimeSpan.FromMilliseconds(50), _options.Time).ConfigureAwait(false);
            }
        }
    }

    private async Task ServeAsync(QuicConnection connection)
    {
        try
        {
            if (connection.NegotiatedApplicationProtocol != ClusterTrust.Alpn
                || connection.RemoteCertificate is not X509Certificate2 cert || !NodeName.TryRead(cert, out uint node))
            {
                _refused?.Invoke(connection.RemoteEndPoint, "refused a connection: no certificate of this cluster");
                return;
            }
            _connections.TryAdd(connection, 0);
            var peer = new PeerIdentity(node, TransportKind.Quic, connection.RemoteEndPoint);
            while (true)
            {
                QuicStream stream = await connection.AcceptInboundStreamAsync(_handlers.Stopping).ConfigureAwait(false);
                var exchange = new QuicExchangeStream(_watch, stream, reused: false, static () => { }, static () => { });
                if (_handlers.TryEnter(node)) _ = Task.Run(() => _handlers.RunEnteredAsync(exchange, peer));
                else await exchange.DisposeAsync().ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is QuicException or OperationCanceledException or ObjectDisposedException)
        {
            // The peer has closed, was silent for too long, or this listener stops.
        }
        finally
        {
            // Streams still under way keep the connection until their handlers have ended.
            if (Volatile.Read(ref _disposed) == 0)
            {
                _connections.TryRemove(connection, out _);
                await CloseAsync(connection).ConfigureAwait(false);
            }
        }
    }

    private static async Task CloseAsync(QuicConnection connection)
    {
        try
        {
            await connection.DisposeAsync().ConfigureAwait(false);
        }
        catch (QuicException)
        {
            // It was closed already.
        }
    }
}
