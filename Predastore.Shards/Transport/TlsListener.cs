using System.Net;
using System.Net.Sockets;

namespace Predastore.Shards.Transport;

/// <summary>
/// Accepts TLS 1.3 connections of cluster members, and on each their exchanges, one at a time. What strangers send never reaches a handler.
/// </summary>
public sealed class TlsListener : ITransportListener
{
    private readonly TransportOptions _options;
    private readonly HandlerSet _handlers;
    private readonly IdleWatch _watch;
    private readonly TlsAcceptor _acceptor;
    private int _disposed;

    private TlsListener(
        IPEndPoint endpoint, ClusterTrust trust, StreamHandler handler, TransportOptions options, Action<EndPoint?, string>? refused)
    {
        _options = options;
        _handlers = new HandlerSet(handler, options);
        _watch = new IdleWatch(options);
        try
        {
            _acceptor = TlsAcceptor.Start(endpoint, trust, ClusterTrust.Alpn, ServeAsync, options, refused);
        }
        catch
        {
            _watch.Dispose();
            _handlers.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public TransportKind Kind => TransportKind.Tls;

    /// <inheritdoc/>
    public IPEndPoint Endpoint => _acceptor.Endpoint;

    /// <summary>
    /// Binds and accepts. Port 0 takes a free one. <paramref name="refused"/> hears of peers that failed their handshake: from
    /// where, and why; it must be quick, and may be called very often by an attacker.
    /// </summary>
    /// <exception cref="SocketException">The address cannot be bound.</exception>
    public static TlsListener Start(
        IPEndPoint endpoint, ClusterTrust trust, StreamHandler handler, TransportOptions? options = null,
        Action<EndPoint?, string>? refused = null) => new(endpoint, trust, handler, options ?? new TransportOptions(), refused);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await _acceptor.DisposeAsync().ConfigureAwait(false);
        await _handlers.StopAsync().ConfigureAwait(false);
        _watch.AbortAll();
        _watch.Dispose();
        _handlers.Dispose();
    }

    private async Task ServeAsync(TlsConnection connection)
    {
        var peer = new PeerIdentity(connection.Node, TransportKind.Tls, connection.Remote);
        while (await ServeOneAsync(connection, peer).ConfigureAwait(false))
        {
        }
    }

    // One exchange; true if the connection may carry another. It closes the connection otherwise.
    private async Task<bool> ServeOneAsync(TlsConnection connection, PeerIdentity peer)
    {
        byte[] first = new byte[1];
        if (!await ArrivesAsync(connection, first).ConfigureAwait(false) || !_handlers.TryEnter(peer.Node))
        {
            connection.Dispose();
            return false;
        }
        bool again = false;
        var stream = new TlsStream(_watch, connection, first, (used, reusable) =>
        {
            again = reusable;
            if (!reusable) used.Dispose();
        });
        await _handlers.RunEnteredAsync(stream, peer).ConfigureAwait(false);
        return again;
    }

    // An exchange begins with its first byte; until then the connection only waits, and may be closed at any time.
    private async Task<bool> ArrivesAsync(TlsConnection connection, byte[] first)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_handlers.Stopping);
        limit.CancelAfter(_options.ConnectionIdle);
        try
        {
            return await connection.Stream.ReadAsync(first, limit.Token).ConfigureAwait(false) == 1;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException)
        {
            return false;
        }
    }
}
