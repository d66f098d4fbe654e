using System.Net;

namespace Predastore.Shards.Transport;

/// <summary>How bytes travel between two nodes.</summary>
public enum TransportKind
{
    /// <summary>A pipe in memory, between nodes of one process.</summary>
    InProcess = 0,

    /// <summary>QUIC: one connection per peer, one stream per exchange.</summary>
    Quic = 1,

    /// <summary>TLS 1.3 over TCP: one exchange at a time on a pooled connection.</summary>
    Tls = 2,
}

/// <summary>A node to dial.</summary>
/// <param name="Node">Its number; the certificate it shows must be bound to it.</param>
/// <param name="Host">IP address or host name.</param>
/// <param name="Port">UDP (QUIC) and TCP (TLS) port.</param>
public sealed record Peer(uint Node, string Host, int Port)
{
    /// <summary><c>node N (host:port)</c>, for logs and errors.</summary>
    public override string ToString() => $"node {Node} ({Host}:{Port})";
}

/// <summary>Who is at the other end of an accepted stream, as its certificate proves.</summary>
/// <param name="Node">The node number its certificate is bound to.</param>
/// <param name="Kind">How it came.</param>
/// <param name="Remote">From where; null in process.</param>
public sealed record PeerIdentity(uint Node, TransportKind Kind, EndPoint? Remote);

/// <summary>Opens streams to peers. Thread-safe.</summary>
public interface ITransport : IAsyncDisposable
{
    /// <summary>What is used for a peer that was not dialled yet.</summary>
    TransportKind Kind { get; }

    /// <summary>
    /// Opens a stream for one exchange, on a pooled connection where there is one. The caller disposes it.
    /// </summary>
    /// <exception cref="TransportException">The peer cannot be reached in time, or is not the node that was dialled.</exception>
    ValueTask<ITransportStream> OpenAsync(Peer peer, CancellationToken cancel);
}

/// <summary>
/// One exchange between two nodes: bytes in both directions. One reader and one writer at a time. Every read and write fails with
/// <see cref="TransportException"/> once it has made no progress for the idle limit. Disposing it aborts both directions that have
/// not been ended, so the other side notices; ended cleanly, the connection is used again.
/// </summary>
public interface ITransportStream : IAsyncDisposable
{
    /// <summary>How these bytes travel.</summary>
    TransportKind Kind { get; }

    /// <summary>True if its connection carried an exchange before: it may have died since, unnoticed.</summary>
    bool Reused { get; }

    /// <summary>Reads what there is, up to the buffer's length; 0 only where the other side has ended.</summary>
    ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancel);

    /// <summary>
    /// Writes all bytes, waiting while the other side does not read. With <paramref name="last"/> nothing more will be written;
    /// what was written still arrives.
    /// </summary>
    ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, bool last, CancellationToken cancel);

    /// <summary>Says that the protocol has read the other side's last byte.</summary>
    void CompleteReads();

    /// <summary>
    /// Sets another idle limit for reads of this exchange than its transport's, or that one again: for a sender who waits for somebody
    /// else, who may be slow.
    /// </summary>
    void AllowSilence(TimeSpan? limit);

    /// <summary>Gives both directions up at once, from any thread; pending reads and writes fail.</summary>
    void Abort();
}

/// <summary>Handles one accepted stream. The stream is disposed by the listener when the handler returns.</summary>
public delegate Task StreamHandler(ITransportStream stream, PeerIdentity peer, CancellationToken cancel);

/// <summary>Accepts streams until it is disposed; then it waits for running handlers up to a limit and cuts the rest.</summary>
public interface ITransportListener : IAsyncDisposable
{
    /// <summary>What it accepts.</summary>
    TransportKind Kind { get; }

    /// <summary>Where it listens, with the port really bound; null in process.</summary>
    IPEndPoint? Endpoint { get; }
}

/// <summary>A stream could not be opened, or broke. What was under way has an unknown outcome at the other side.</summary>
public sealed class TransportException(string message, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>The peer is there, as far as anybody knows, and made no progress for the idle limit.</summary>
    public bool Stalled { get; init; }

    /// <summary>Too much is under way with the peer already: nothing was sent, and nothing is known of the peer.</summary>
    public bool Busy { get; init; }

    /// <summary>The peer's certificate was refused: it is not the node that it should be.</summary>
    public bool Distrusted { get; init; }
}
