using System.Buffers.Binary;
using System.Text;
using Predastore.Shards.Crypto;

namespace Predastore.Shards.Protocol;

/// <summary>Reads a frame's body front to back, big-endian. Every read past the end is a <see cref="FrameException"/>.</summary>
internal ref struct BodyReader(ReadOnlySpan<byte> body)
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private ReadOnlySpan<byte> _left = body;

    public byte U8() => Take(1)[0];

    public ushort U16() => BinaryPrimitives.ReadUInt16BigEndian(Take(2));

    public uint U32() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));

    public ulong U64() => BinaryPrimitives.ReadUInt64BigEndian(Take(8));

    public UInt128 U128() => BinaryPrimitives.ReadUInt128BigEndian(Take(16));

    public ObjectHash Hash() => new(Take(ObjectHash.SizeBytes));

    public Guid Id() => new(Take(16), bigEndian: true);

    /// <summary>A byte count or offset: a 63-bit number.</summary>
    public long Count()
    {
        ulong value = U64();
        return value <= long.MaxValue ? (long)value : throw Bad("a length is out of range");
    }

    /// <summary>As <see cref="Count"/>, and all ones for -1.</summary>
    public long CountOrMinusOne()
    {
        ulong value = U64();
        return value == ulong.MaxValue ? -1 : value <= long.MaxValue ? (long)value : throw Bad("a length is out of range");
    }

    public ReadOnlySpan<byte> Bytes(int length) => Take(length);

    public string Text(int length)
    {
        try
        {
            return Strict.GetString(Take(length));
        }
        catch (DecoderFallbackException)
        {
            throw Bad("a text is not UTF-8");
        }
    }

    /// <summary>
    /// The number of entries of a batch, checked against the bound and the bytes that are really there, so that a lying count
    /// allocates nothing.
    /// </summary>
    public int Batch(int entryBytesMin)
    {
        uint count = U32();
        if (count > ProtocolLimits.BatchMax) throw Bad($"a batch of {count} exceeds the limit of {ProtocolLimits.BatchMax}");
        return count * (long)entryBytesMin <= _left.Length ? (int)count : throw Bad("a batch is shorter than its count says");
    }

    /// <summary>Ends the body: nothing may be left.</summary>
    public readonly void End()
    {
        if (_left.Length != 0) throw Bad($"{_left.Length} bytes too many");
    }

    public static FrameException Bad(string what) => new(FrameFault.BadBody, "a frame's body is malformed: " + what);

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length > _left.Length) throw Bad($"{length - _left.Length} bytes are missing");
        ReadOnlySpan<byte> taken = _left[..length];
        _left = _left[length..];
        return taken;
    }
}
