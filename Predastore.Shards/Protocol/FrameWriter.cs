using System.Buffers;
using Predastore.Shards.Transport;

namespace Predastore.Shards.Protocol;

/// <summary>
/// Writes the frames of one direction of one exchange. Small frames gather in a pooled buffer until it is full, flushed, or the
/// last frame is written, so that a small shard travels in one piece. One caller at a time.
/// </summary>
internal sealed class FrameWriter(ITransportStream stream) : IDisposable
{
    /// <summary>Room that <see cref="WriteInPlaceAsync"/> needs before the body.</summary>
    public const int InPlaceRoom = 64;

    // A write to a QUIC stream returns only when the peer has acknowledged it: small ones would each cost a round trip.
    private const int QuicBufferBytes = 256 << 10;
    private const int OtherBufferBytes = 64 << 10;

    private readonly int _bufferBytes = stream.Kind == TransportKind.Quic ? QuicBufferBytes : OtherBufferBytes;
    private byte[]? _buffer;
    private int _pending;
    private uint _sequence;
    private bool _faulted;
    private bool _disposed;

    /// <summary>True once the last frame has been written.</summary>
    public bool Ended { get; private set; }

    /// <summary>Writes a frame. With <paramref name="last"/> everything leaves and this direction is ended.</summary>
    public async ValueTask WriteAsync(FrameType type, ReadOnlyMemory<byte> body, bool last, CancellationToken cancel)
    {
        byte[] buffer = Buffer();
        if (_pending + FrameHeader.Size > _bufferBytes) await FlushAsync(cancel).ConfigureAwait(false);
        NextHeader(type, body.Length, last).Write(buffer.AsSpan(_pending));
        _pending += FrameHeader.Size;
        while (body.Length > 0)
        {
            // What fills the buffer goes with the header; a long rest is sent from where it stands.
            int part = Math.Min(body.Length, _bufferBytes - _pending);
            body[..part].CopyTo(buffer.AsMemory(_pending));
            _pending += part;
            body = body[part..];
            if (_pending == _bufferBytes) await FlushAsync(last && body.IsEmpty, cancel).ConfigureAwait(false);
            if (body.Length < _bufferBytes) continue;
            await SendAsync(body, last, cancel).ConfigureAwait(false);
            body = default;
        }
        if (last) await FlushAsync(last, cancel).ConfigureAwait(false);
    }

    /// <summary>
    /// Writes a frame whose body already stands at <see cref="InPlaceRoom"/> in <paramref name="buffer"/>, in one piece with what
    /// was pending where that fits into the room.
    /// </summary>
    public async ValueTask WriteInPlaceAsync(FrameType type, byte[] buffer, int bodyLength, bool last, CancellationToken cancel)
    {
        if (_pending > InPlaceRoom - FrameHeader.Size) await FlushAsync(cancel).ConfigureAwait(false);
        int header = InPlaceRoom - FrameHeader.Size, start = header - _pending;
        Buffer().AsSpan(0, _pending).CopyTo(buffer.AsSpan(start));
        _pending = 0;
        NextHeader(type, bodyLength, last).Write(buffer.AsSpan(header));
        await SendAsync(buffer.AsMemory(start, InPlaceRoom - start + bodyLength), last, cancel).ConfigureAwait(false);
    }

    /// <summary>Sends what is pending.</summary>
    public ValueTask FlushAsync(CancellationToken cancel) => FlushAsync(last: false, cancel);

    /// <summary>Gives the buffer back. No write may be under way.</summary>
    public void Dispose()
    {
        _disposed = true;
        byte[]? buffer = Interlocked.Exchange(ref _buffer, null);
        // After a failed write the transport may still hold the bytes: such a buffer must not reach another owner.
        if (buffer is not null && !_faulted) ArrayPool<byte>.Shared.Return(buffer);
    }

    private byte[] Buffer()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _buffer ??= ArrayPool<byte>.Shared.Rent(_bufferBytes);
    }

    private FrameHeader NextHeader(FrameType type, int length, bool last)
    {
        if (Ended) throw new InvalidOperationException("a frame after the last one");
        if (length > ProtocolLimits.FrameBodyBytesMax) throw new ArgumentOutOfRangeException(nameof(length), length, "a frame's body is too long");
        Ended = last;
        return new FrameHeader(type, last, length, _sequence++);
    }

    private async ValueTask FlushAsync(bool last, CancellationToken cancel)
    {
        if (_pending == 0) return;
        int length = _pending;
        _pending = 0;
        await SendAsync(Buffer().AsMemory(0, length), last, cancel).ConfigureAwait(false);
    }

    private async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, bool last, CancellationToken cancel)
    {
        try
        {
            await stream.WriteAsync(bytes, last, cancel).ConfigureAwait(false);
        }
        catch
        {
            _faulted = true;
            throw;
        }
    }
}
