using System.Buffers.Binary;

namespace Predastore.Cluster.Tests.Harness;

/// <summary>Bytes that differ everywhere and need no memory: every 8 of them are their own position, mixed.</summary>
public sealed class PatternStream(long length) : Stream
{
    private const ulong Mixer = 0x9E37_79B9_7F4A_7C15;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position { get; set; }

    public override int Read(Span<byte> buffer)
    {
        int count = (int)Math.Min(buffer.Length, length - Position);
        Span<byte> word = stackalloc byte[8];
        for (int filled = 0; filled < count;)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(word, (ulong)(Position >> 3) * Mixer);
            int skip = (int)(Position & 7);
            int part = Math.Min(8 - skip, count - filled);
            word.Slice(skip, part).CopyTo(buffer[filled..]);
            filled += part;
            Position += part;
        }
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => Position + offset,
        _ => length + offset,
    };

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
