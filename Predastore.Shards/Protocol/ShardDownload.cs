using Predastore.Shards.Transport;

namespace Predastore.Shards.Protocol;

/// <summary>
/// A range of a shard's sealed bytes on its way from a peer. It is complete only when <see cref="ReadAsync"/> has returned 0; a
/// peer that sends fewer or more bytes than it announced is an error. One caller at a time. Disposed early, it drops its
/// connection.
/// </summary>
public sealed class ShardDownload : IAsyncDisposable
{
    private readonly ClientExchange _exchange;
    private long _left;

    internal ShardDownload(ClientExchange exchange, (long ShardLength, long RangeLength, Guid AttemptId) found)
    {
        _exchange = exchange;
        _left = found.RangeLength;
        ShardLength = found.ShardLength;
        Length = found.RangeLength;
        AttemptId = found.AttemptId;
        if (_left == 0 && !exchange.Reader.Ended) throw new FrameException(FrameFault.Unexpected, "an empty range goes on");
    }

    /// <summary>How it travels.</summary>
    public TransportKind Transport => _exchange.Stream.Kind;

    /// <summary>Sealed bytes of the whole shard.</summary>
    public long ShardLength { get; }

    /// <summary>Bytes of the range: what will be read.</summary>
    public long Length { get; }

    /// <summary>The attempt that stored the shard.</summary>
    public Guid AttemptId { get; }

    /// <summary>Reads some of the range; 0 once all of it has been read.</summary>
    /// <exception cref="ShardException">The peer failed on the way.</exception>
    /// <exception cref="IOException">The peer is gone, stalled, or sent another number of bytes than it announced.</exception>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancel = default)
    {
        if (buffer.Length == 0 || _left == 0) return 0;
        while (_exchange.Reader.BodyLeft == 0)
        {
            if (_exchange.Reader.Ended) throw new FrameException(FrameFault.Truncated, $"the range ended {_left} bytes early");
            FrameHeader header = await _exchange.NextAsync(cancel).ConfigureAwait(false);
            if (header.Type != FrameType.Data) throw _exchange.Reader.Unexpected(header.Type);
            if (header.Length > _left || header.Last != (header.Length == _left))
                throw new FrameException(FrameFault.Unexpected, $"a frame of {header.Length} bytes where {_left} were left");
        }
        int read = await _exchange.Reader.ReadBodyAsync(buffer, cancel).ConfigureAwait(false);
        _left -= read;
        return read;
    }

    /// <summary>Fills the buffer; it must not be longer than what is left of the range.</summary>
    public async ValueTask ReadExactlyAsync(Memory<byte> buffer, CancellationToken cancel = default)
    {
        while (buffer.Length > 0)
        {
            int read = await ReadAsync(buffer, cancel).ConfigureAwait(false);
            if (read == 0) throw new EndOfStreamException($"the range ended {buffer.Length} bytes before the buffer was full");
            buffer = buffer[read..];
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _exchange.DisposeAsync();
}
