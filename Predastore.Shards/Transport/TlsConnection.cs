using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Predastore.Shards.Transport;

/// <summary>One authenticated TLS 1.3 connection.</summary>
internal sealed class TlsConnection : IDisposable
{
    private const int KeepAliveSeconds = 8;
    private const int KeepAliveProbes = 3;

    private readonly Socket _socket;

    private TlsConnection(Socket socket, SslStream stream, uint node)
    {
        _socket = socket;
        Stream = stream;
        Node = node;
        Remote = socket.RemoteEndPoint;
    }

    public SslStream Stream { get; }

    /// <summary>Who the certificate at the other end is bound to.</summary>
    public uint Node { get; }

    public EndPoint? Remote { get; }

    /// <summary>Timestamp of the last exchange's end; 0 before the first.</summary>
    public long UsedAt { get; set; }

    /// <summary>
    /// True if the peer has closed, or sent something nobody asked for: between two exchanges nothing may arrive.
    /// </summary>
    public bool IsStale
    {
        get
        {
            try
            {
                return _socket.Poll(0, SelectMode.SelectRead);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return true;
            }
        }
    }

    /// <summary>Dials, authenticates, and makes sure that it is the node that was meant.</summary>
    /// <exception cref="TransportException">It cannot be reached in time, or is somebody else.</exception>
    public static async Task<TlsConnection> DialAsync(
        Peer peer, ClusterTrust trust, SslApplicationProtocol protocol, TransportOptions options, CancellationToken cancel)
    {
        string? distrust = null;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(options.DialTimeout);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        KeepAlive(socket);
        SslStream? stream = null;
        try
        {
            await socket.ConnectAsync(peer.Host, peer.Port, limit.Token).ConfigureAwait(false);
            stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
            await stream.AuthenticateAsClientAsync(trust.ClientOptions(peer.Node, protocol, reason => distrust = reason), limit.Token).ConfigureAwait(false);
            return Checked(socket, stream, protocol);
        }
        catch (Exception e)
        {
            stream?.Dispose();
            socket.Dispose();
            if (cancel.IsCancellationRequested) throw new OperationCanceledException(e.Message, e, cancel);
            throw new TransportException($"{peer} cannot be reached over TLS: {distrust ?? Reason(e, options.DialTimeout)}", e) { Distrusted = distrust is not null };
        }
    }

    /// <summary>Authenticates a peer that has connected. The socket is closed on failure.</summary>
    /// <exception cref="TransportException">It shows no certificate of this cluster, speaks another protocol, or is too slow.</exception>
    public static async Task<TlsConnection> AcceptAsync(
        Socket socket, ClusterTrust trust, SslApplicationProtocol protocol, TransportOptions options, CancellationToken cancel)
    {
        string? distrust = null;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(options.HandshakeTimeout);
        SslStream? stream = null;
        try
        {
            socket.NoDelay = true;
            KeepAlive(socket);
            stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
            await stream.AuthenticateAsServerAsync(trust.ServerOptions(protocol, reason => distrust = reason), limit.Token).ConfigureAwait(false);
            return Checked(socket, stream, protocol);
        }
        catch (Exception e)
        {
            stream?.Dispose();
            socket.Dispose();
            throw new TransportException($"refused a connection: {distrust ?? Reason(e, options.HandshakeTimeout)}", e);
        }
    }

    /// <summary>Closes the socket from any thread; pending operations fail.</summary>
    public void Cut() => _socket.Dispose();

    /// <inheritdoc/>
    public void Dispose()
    {
        Stream.Dispose();
        _socket.Dispose();
    }

    // A host that is gone says nothing: an exchange that may stand still for minutes must not wait that long for it.
    private static void KeepAlive(Socket socket)
    {
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, KeepAliveProbes);
    }

    private static TlsConnection Checked(Socket socket, SslStream stream, SslApplicationProtocol protocol)
    {
        // A peer that offers no protocol at all gets through the negotiation; it must not get further.
        if (stream.NegotiatedApplicationProtocol != protocol)
            throw new AuthenticationException($"the peer does not speak {protocol}");
        if (!stream.IsMutuallyAuthenticated || stream.RemoteCertificate is not System.Security.Cryptography.X509Certificates.X509Certificate2 cert
            || !NodeName.TryRead(cert, out uint node))
            throw new AuthenticationException("the peer has no certificate of this cluster");
        return new TlsConnection(socket, stream, node);
    }

    private static string Reason(Exception e, TimeSpan limit) =>
        e is OperationCanceledException ? $"no handshake within {limit.TotalSeconds:0.#} s" : e.Message;
}
