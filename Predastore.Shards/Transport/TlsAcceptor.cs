using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Predastore.Shards.Transport;

/// <summary>
/// Accepts TLS 1.3 connections of cluster members on one port. Strangers cost at most a bounded number of handshakes under way, each bounded
/// in time; nothing of what they send reaches anybody.
/// </summary>
internal sealed class TlsAcceptor : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly ClusterTrust _trust;
    private readonly SslApplicationProtocol _protocol;
    private readonly TransportOptions _options;
    private readonly Func<TlsConnection, Task> _serve;
    private readonly Action<EndPoint?, string>? _refused;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;
    private int _connections;
    private int _handshakes;
    private int _disposed;

    private TlsAcceptor(
        Socket socket, ClusterTrust trust, SslApplicationProtocol protocol, Func<TlsConnection, Task> serve, TransportOptions options,
        Action<EndPoint?, string>? refused)
    {
        _socket = socket;
        _trust = trust;
        _protocol = protocol;
        _serve = serve;
        _options = options;
        _refused = refused;
        Endpoint = (IPEndPoint)socket.LocalEndPoint!;
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Endpoint { get; }

    /// <summary>Binds and accepts.</summary>
    /// <param name="endpoint">Port 0 takes a free one.</param>
    /// <param name="trust">Who this node is, and whom it trusts. Stays the caller's.</param>
    /// <param name="protocol">What peers must speak.</param>
    /// <param name="serve">Gets each connection, which is then its own; the connection counts as open until the task ends.</param>
    /// <param name="options">Limits.</param>
    /// <param name="refused">Hears of peers that failed their handshake: from where, and why. Must be quick, and may be called very often
    /// by an attacker.</param>
    /// <exception cref="SocketException">The address cannot be bound.</exception>
    public static TlsAcceptor Start(
        IPEndPoint endpoint, ClusterTrust trust, SslApplicationProtocol protocol, Func<TlsConnection, Task> serve, TransportOptions options,
        Action<EndPoint?, string>? refused)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(endpoint);
            socket.Listen(512);
            return new TlsAcceptor(socket, trust, protocol, serve, options, refused);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Accepts no more; handshakes under way are cut. Connections that were handed out stay with those who have them.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _socket.Dispose();
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _accepting.ConfigureAwait(false);
    }

    private async Task AcceptAsync()
    {
        while (Volatile.Read(ref _disposed) == 0)
        {
            Socket accepted;
            try
            {
                accepted = await _socket.AcceptAsync(_stopping.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                if (Volatile.Read(ref _disposed) != 0) return;
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
            if (await HandshakeAsync(socket).ConfigureAwait(false) is { } connection) await _serve(connection).ConfigureAwait(false);
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
            return await TlsConnection.AcceptAsync(socket, _trust, _protocol, _options, _stopping.Token).ConfigureAwait(false);
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
}
