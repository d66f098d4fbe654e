using System.Net;
using System.Net.Sockets;

namespace Predastore.Shards.Transport;

/// <summary>
/// Accepts TLS 1.3 connections of cluster members. Strangers cost at most a bounded number of handshakes under way, each bounded
/// in time; what they send never reaches a handler.
/// </summary>
public sealed class TlsListener : ITransportListener
{
    private readonly Socket _socket;
    private readonly ClusterTrust _trust;
    private readonly TransportOptions _options;
    private readonly HandlerSet _handlers;
    private readonly IdleWatch _watch;
    private readonly Action<EndPoint?, string>? _refused;
    private readonly Task _accepting;
    private int _connections;
    private int _handshakes;
    private int _disposed;

    private TlsListener(
        Socket socket, ClusterTrust trust, StreamHandler handler, TransportOptions options, Action<EndPoint?, string>? refused)
    {
        _socket = socket;
        _trust = trust;
        _options = options;
        _refused = refused;
        _handlers = new HandlerSet(handler, options);
        _watch = new IdleWatch(options);
        Endpoint = (IPEndPoint)socket.LocalEndPoint!;
        _accepting = Task.Run(AcceptAsync);
    }

    /// <inheritdoc/>
    public TransportKind Kind => TransportKind.Tls;

    /// <inheritdoc/>
    public IPEndPoint Endpoint { get; }

    /// <summary>
    /// Binds and accepts. Port 0 takes a free one. <paramref name="refused"/> hears of peers that failed their handshake: from
    /// where, and why; it must be quick, and may be called very often by an attacker.
    /// </summary>
    /// <exception cref="SocketException">The address cannot be bound.</exception>
    public static TlsListener Start(
        IPEndPoint endpoint, ClusterTrust trust, StreamHandler handler, TransportOptions? options = null,
        Action<EndPoint?, string>? refused = null)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(endpoint);
            socket.Listen(512);
            return new TlsListener(socket, trust, handler, options ?? new TransportOptions(), refused);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _socket.Dispose();
        await _handlers.StopAsync().ConfigureAwait(false);
        await _accepting.ConfigureAwait(false);
        _watch.AbortAll();
        _watch.Dispose();
        _handlers.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_handlers.Stopping.IsCancellationRequested)
        {
            Socket accepted;
            try
            {
                accepted = await _socket.AcceptAsync(_handlers.Stopping).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                if (_handlers.Stopping.IsCancellationRequested || Volatile.Read(ref _disposed) != 0) return;
                // Out of file descriptors, most likely: accepting again at once would spin.
                await Task.Delay(TimeSpan.FromMilliseconds(50), _options.Time).ConfigureAwait(false);
                continue;
            }
            if (Volatile.Read(ref _connections) >= _options.ConnectionsPerListenerMax
                || Volatile.Read(ref _handshakes) >= _options.HandshakesPerListenerMax)
            {
                accepted.Dispose();
                continue;
            }
            Interlocked.Increment(ref _connections);
            Interlocked.Increment(ref _handshakes);
            _ = Task.Run(() => ServeAsync(accepted));
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            TlsConnection? connection = await HandshakeAsync(socket).ConfigureAwait(false);
            if (connection is null) return;
            var peer = new PeerIdentity(connection.Node, TransportKind.Tls, connection.Remote);
            while (await ServeOneAsync(connection, peer).ConfigureAwait(false))
            {
            }
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
        }
    }

    private async Task<TlsConnection?> HandshakeAsync(Socket socket)
    {
        EndPoint? remote = null;
        try
        {
            remote = socket.RemoteEndPoint;
            return await TlsConnection.AcceptAsync(socket, _trust, _options, _handlers.Stopping).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            socket.Dispose();
            _refused?.Invoke(remote, e.Message);
            return null;
        }
        finally
        {
            Interlocked.Decrement(ref _handshakes);
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
