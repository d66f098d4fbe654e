namespace Predastore.Shards.Protocol;

/// <summary>
/// The payload of a message as a read-only stream: the bytes of its Data frames, to the last one. It fails, and never ends, where
/// the other side gives up or answers with an error. Reading is asynchronous only.
/// </summary>
internal sealed class FrameInput(FrameReader reader) : ForwardStream
{
    private bool _ended;

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
}
