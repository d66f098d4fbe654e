namespace Predastore.Shards.Protocol;

/// <summary>
/// The payload of a message as a write-only stream. Small writes gather; nothing is complete before <see cref="CompleteAsync"/>.
/// Writing is asynchronous only.
/// </summary>
internal sealed class FrameOutput(FrameWriter writer) : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (buffer.Length > 0)
        {
            int part = Math.Min(buffer.Length, ProtocolLimits.DataFrameBytes);
            await writer.WriteAsync(FrameType.Data, buffer[..part], last: false, cancellationToken).ConfigureAwait(false);
            buffer = buffer[part..];
        }
    }

    /// <summary>Ends the payload; the receiver sees its end only now.</summary>
    public ValueTask CompleteAsync(CancellationToken cancel) =>
        writer.Ended ? default : writer.WriteAsync(FrameType.End, default, last: true, cancel);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => writer.FlushAsync(cancellationToken).AsTask();

    public override void Flush() => throw new NotSupportedException("flush asynchronously");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("write asynchronously");

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
