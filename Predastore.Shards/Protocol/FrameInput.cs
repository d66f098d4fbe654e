namespace Predastore.Shards.Protocol;

/// <summary>
/// The payload of a message as a read-only stream: the bytes of its Data frames, to the last one. It fails, and never ends, where
/// the other side gives up or answers with an error. Reading is asynchronous only.
/// </summary>
internal sealed class FrameInput(FrameReader reader) : Stream
{
    private bool _ended;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!_ended && buffer.Length > 0)
        {
            int read = await reader.ReadBodyAsync(buffer, cancellationToken).ConfigureAwait(false);
            if (read > 0) return read;
            if (reader.Ended)
            {
                _ended = true;
                break;
            }
            FrameHeader header = await reader.NextAsync(cancellationToken).ConfigureAwait(false);
            switch (header.Type)
            {
                case FrameType.Data:
                    break;
                case FrameType.End when header.Last && header.Length == 0:
                    _ended = true;
                    break;
                case FrameType.Abort when header.Last && header.Length == 0:
                    throw new IOException("the sender has given the message up");
                case FrameType.Error when header.Last:
                    ReadOnlyMemory<byte> body = await reader.ReadControlAsync(ProtocolLimits.ControlBytesMax, cancellationToken).ConfigureAwait(false);
                    throw Wire.DecodeError(body.Span);
                default:
                    throw reader.Unexpected(header.Type);
            }
        }
        return 0;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("read asynchronously");

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
