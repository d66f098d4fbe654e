using System.Buffers;
using Predastore.Shards.Transport;

namespace Predastore.Shards.Protocol;

/// <summary>
/// Reads the frames of one direction of one exchange, strictly: header, sequence and length are checked before a byte of the body
/// is taken, and never more than the frame's own bytes are read. One caller at a time.
/// </summary>
internal sealed class FrameReader(ITransportStream stream) : IDisposable
{
    private readonly byte[] _header = new byte[FrameHeader.Size];
    private byte[]? _control;
    private uint _sequence;
    private bool _last;
    private bool _faulted;

    /// <summary>Bytes of the current frame's body not yet read.</summary>
    public int BodyLeft { get; private set; }

    /// <summary>True once the last frame has been read to its end.</summary>
    public bool Ended => _last && BodyLeft == 0;

    /// <summary>True after a fault: what follows cannot be told apart any more.</summary>
    public bool Faulted => _faulted;

    /// <summary>Reads the next header. The body before must have been read.</summary>
    /// <exception cref="FrameException">It is not a frame, not the next one, or the stream has ended.</exception>
    public async ValueTask<FrameHeader> NextAsync(CancellationToken cancel)
    {
        if (BodyLeft != 0) throw new InvalidOperationException("the body before has not been read");
        if (_last) throw Fault(new FrameException(FrameFault.Unexpected, "a frame is wanted after the last one"));
        await FillAsync(_header, cancel).ConfigureAwait(false);
        FrameHeader header;
        try
        {
            header = FrameHeader.Read(_header);
        }
        catch (FrameException)
        {
            _faulted = true;
            throw;
        }
        if (header.Sequence != _sequence)
            throw Fault(new FrameException(FrameFault.OutOfSequence, $"frame {header.Sequence} arrived where {_sequence} was due"));
        _sequence++;
        _last = header.Last;
        BodyLeft = header.Length;
        EndIfDone();
        return header;
    }

    /// <summary>Reads some of the current body; 0 where it is read to its end.</summary>
    public async ValueTask<int> ReadBodyAsync(Memory<byte> target, CancellationToken cancel)
    {
        int wanted = Math.Min(target.Length, BodyLeft);
        if (wanted == 0) return 0;
        int read = await stream.ReadAsync(target[..wanted], cancel).ConfigureAwait(false);
        if (read == 0) throw Fault(new FrameException(FrameFault.Truncated, $"the stream ended {BodyLeft} bytes before the end of a frame"));
        BodyLeft -= read;
        EndIfDone();
        return read;
    }

    /// <summary>Reads all of <paramref name="target"/> out of the current body.</summary>
    public async ValueTask ReadExactlyAsync(Memory<byte> target, CancellationToken cancel)
    {
        while (target.Length > 0) target = target[await ReadBodyAsync(target, cancel).ConfigureAwait(false)..];
    }

    /// <summary>Reads a whole control body; valid until the next call. A longer one than allowed is refused unread.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ReadControlAsync(int bytesMax, CancellationToken cancel)
    {
        int length = BodyLeft;
        if (length > bytesMax) throw Fault(new FrameException(FrameFault.TooLong, $"a body of {length} bytes exceeds the limit of {bytesMax}"));
        if (length == 0) return default;
        if (_control is null || _control.Length < length)
        {
            if (_control is not null) ArrayPool<byte>.Shared.Return(_control);
            _control = ArrayPool<byte>.Shared.Rent(length);
        }
        Memory<byte> body = _control.AsMemory(0, length);
        await ReadExactlyAsync(body, cancel).ConfigureAwait(false);
        return body;
    }

    /// <summary>A frame that may not stand here.</summary>
    public FrameException Unexpected(FrameType type) =>
        Fault(new FrameException(FrameFault.Unexpected, $"a frame of type 0x{(byte)type:x2} may not stand here"));

    /// <summary>Gives the buffer back. No read may be under way.</summary>
    public void Dispose()
    {
        byte[]? control = Interlocked.Exchange(ref _control, null);
        if (control is not null && !_faulted) ArrayPool<byte>.Shared.Return(control);
    }

    private async ValueTask FillAsync(Memory<byte> target, CancellationToken cancel)
    {
        while (target.Length > 0)
        {
            int read = await stream.ReadAsync(target, cancel).ConfigureAwait(false);
            if (read == 0) throw Fault(new FrameException(FrameFault.Truncated, "the stream ended where a frame was due"));
            target = target[read..];
        }
    }

    private void EndIfDone()
    {
        if (Ended) stream.CompleteReads();
    }

    private FrameException Fault(FrameException fault)
    {
        _faulted = true;
        return fault;
    }
}
