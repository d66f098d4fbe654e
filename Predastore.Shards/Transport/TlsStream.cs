using System.Net.Security;

namespace Predastore.Shards.Transport;

/// <summary>
/// One exchange on a TLS connection. TLS cannot be half-closed and used again, so an end is only noted: where an exchange ends is
/// told by the protocol's own last frame.
/// </summary>
internal sealed class TlsStream : TransportStream
{
    private readonly TlsConnection _connection;
    private readonly Action<TlsConnection, bool> _release;
    private ReadOnlyMemory<byte> _ahead;

    /// <param name="watch">Watches for stalls.</param>
    /// <param name="connection">The connection, owned until released.</param>
    /// <param name="ahead">Bytes of this exchange that were read already.</param>
    /// <param name="release">Takes the connection back; true if it may be used again.</param>
    public TlsStream(IdleWatch watch, TlsConnection connection, ReadOnlyMemory<byte> ahead, Action<TlsConnection, bool> release)
        : base(watch)
    {
        _connection = connection;
        _release = release;
        _ahead = ahead;
    }

    public override TransportKind Kind => TransportKind.Tls;

    public override bool Reused => _connection.UsedAt != 0;

    private SslStream Stream => _connection.Stream;

    protected override ValueTask<int> ReadCoreAsync(Memory<byte> buffer, CancellationToken cancel)
    {
        if (_ahead.IsEmpty) return Stream.ReadAsync(buffer, cancel);
        int length = Math.Min(buffer.Length, _ahead.Length);
        _ahead[..length].CopyTo(buffer);
        _ahead = _ahead[length..];
        return new ValueTask<int>(length);
    }

    protected override ValueTask WriteCoreAsync(ReadOnlyMemory<byte> bytes, bool last, CancellationToken cancel) =>
        Stream.WriteAsync(bytes, cancel);

    protected override void AbortCore() => _connection.Cut();

    protected override ValueTask CloseCoreAsync(bool clean)
    {
        _release(_connection, clean && _ahead.IsEmpty);
        return default;
    }
}
