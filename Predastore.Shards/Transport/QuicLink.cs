using System.Net;
using System.Net.Quic;
using System.Runtime.Versioning;

namespace Predastore.Shards.Transport;

/// <summary>One dialled QUIC connection and the streams on it. Thread-safe.</summary>
[SupportedOSPlatform("linux")]
[SupportedOSPlatform("macos")]
[SupportedOSPlatform("windows")]
internal sealed class QuicLink
{
    // A dead host answers nothing at all, and the library gives up only after many seconds: a connection that owes an answer and
    // was silent for this long gets no new streams.
    private static readonly TimeSpan SuspectAfter = TimeSpan.FromSeconds(2);

    private readonly QuicConnection _connection;
    private readonly TransportOptions _options;
    private readonly IdleWatch _watch;
    private readonly Lock _lock = new();
    private long _sign;
    private int _active;
    private bool _used;
    private bool _retired;
    private bool _closing;

    private QuicLink(QuicConnection connection, TransportOptions options, IdleWatch watch)
    {
        _connection = connection;
        _options = options;
        _watch = watch;
        _sign = options.Time.GetTimestamp();
    }

    /// <summary>Dials, authenticates, and makes sure that it is the node that was meant.</summary>
    /// <exception cref="TransportException">It cannot be reached in time, or is somebody else.</exception>
    public static async Task<QuicLink> DialAsync(Peer peer, ClusterTrust trust, TransportOptions options, IdleWatch watch, CancellationToken cancel)
    {
        var dial = new QuicClientConnectionOptions
        {
            RemoteEndPoint = IPAddress.TryParse(peer.Host, out IPAddress? ip) ? new IPEndPoint(ip, peer.Port) : new DnsEndPoint(peer.Host, peer.Port),
            ClientAuthenticationOptions = trust.ClientOptions(peer.Node),
            HandshakeTimeout = options.DialTimeout,
        };
        Common(dial, options);
        // The peer opens no streams: every exchange is the dialer's.
        dial.MaxInboundBidirectionalStreams = 0;
        try
        {
            QuicConnection connection = await QuicConnection.ConnectAsync(dial, cancel).ConfigureAwait(false);
            return new QuicLink(connection, options, watch);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancel.IsCancellationRequested)
        {
            throw new TransportException($"{peer} cannot be reached over QUIC: {e.Message}", e);
        }
    }

    /// <summary>What both sides of a connection agree on.</summary>
    public static void Common(QuicConnectionOptions connection, TransportOptions options)
    {
        connection.DefaultStreamErrorCode = QuicSupport.AbortCode;
        connection.DefaultCloseErrorCode = QuicSupport.AbortCode;
        connection.MaxInboundUnidirectionalStreams = 0;
        connection.IdleTimeout = options.StreamIdle > TimeSpan.FromSeconds(5) ? options.StreamIdle : TimeSpan.FromSeconds(5);
        connection.KeepAliveInterval = connection.IdleTimeout / 3;
        connection.InitialReceiveWindowSizes = new QuicReceiveWindowSizes
        {
            // What a sender may have on its way before the reader takes it: it bounds both speed and memory.
            LocallyInitiatedBidirectionalStream = 1 << 20,
            RemotelyInitiatedBidirectionalStream = 1 << 20,
            UnidirectionalStream = 64 << 10,
            Connection = 16 << 20,
        };
    }

    /// <summary>Takes a place for a stream; false if the connection should not be used any more.</summary>
    public bool TryEnter()
    {
        lock (_lock)
        {
            if (_retired) return false;
            if (_active > 0 && _options.Time.GetElapsedTime(Volatile.Read(ref _sign)) > SuspectAfter) return false;
            if (_active == 0) Heard();
            _active++;
            return true;
        }
    }

    /// <summary>Opens a stream in the place taken.</summary>
    /// <exception cref="TransportException">The connection is gone or has no room for streams.</exception>
    public async Task<ITransportStream> OpenEnteredAsync(Action closed, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(_options.DialTimeout);
        try
        {
            QuicStream stream = await _connection.OpenOutboundStreamAsync(QuicStreamType.Bidirectional, limit.Token).ConfigureAwait(false);
            bool reused = _used;
            _used = true;
            return new QuicExchangeStream(_watch, stream, reused, Heard, () =>
            {
                Leave();
                closed();
            });
        }
        catch (Exception e)
        {
            Leave();
            if (cancel.IsCancellationRequested) throw;
            throw new TransportException($"no stream could be opened: {e.Message}", e);
        }
    }

    /// <summary>Gives the connection no new streams, and closes it once it has none.</summary>
    public void Retire()
    {
        bool close;
        lock (_lock)
        {
            _retired = true;
            close = _active == 0 && !_closing;
            _closing |= close;
        }
        if (close) _ = CloseAsync();
    }

    /// <summary>Closes it at once.</summary>
    public async Task CloseAsync()
    {
        lock (_lock) _retired = _closing = true;
        try
        {
            await _connection.DisposeAsync().ConfigureAwait(false);
        }
        catch (QuicException)
        {
            // The peer was faster.
        }
    }

    private void Heard() => Volatile.Write(ref _sign, _options.Time.GetTimestamp());

    private void Leave()
    {
        bool close;
        lock (_lock)
        {
            _active--;
            close = _retired && _active == 0 && !_closing;
            _closing |= close;
        }
        if (close) _ = CloseAsync();
    }
}
