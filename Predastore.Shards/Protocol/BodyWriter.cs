using System.Buffers.Binary;
using Predastore.Shards.Crypto;

namespace Predastore.Shards.Protocol;

/// <summary>Fills a frame's body of known size front to back, big-endian.</summary>
internal ref struct BodyWriter
{
    private readonly byte[] _body;
    private int _at;

    public BodyWriter(int size) => _body = new byte[size];

    public void U8(byte value) => Take(1)[0] = value;

    public void U16(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Take(2), value);

    public void U32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Take(4), value);

    public void U64(ulong value) => BinaryPrimitives.WriteUInt64BigEndian(Take(8), value);

    public void I64(long value) => BinaryPrimitives.WriteInt64BigEndian(Take(8), value);

    public void U128(UInt128 value) => BinaryPrimitives.WriteUInt128BigEndian(Take(16), value);

    public void Hash(ObjectHash value) => value.CopyTo(Take(ObjectHash.SizeBytes));

    public void Id(Guid value) => value.TryWriteBytes(Take(16), bigEndian: true, out _);

    public void Bytes(ReadOnlySpan<byte> value) => value.CopyTo(Take(value.Length));

    /// <summary>The body; every byte of it must have been written.</summary>
    public readonly byte[] End() =>
        _at == _body.Length ? _body : throw new InvalidOperationException($"{_at} of {_body.Length} bytes written");

    private Span<byte> Take(int length)
    {
        Span<byte> span = _body.AsSpan(_at, length);
        _at += length;
        return span;
    }
}
