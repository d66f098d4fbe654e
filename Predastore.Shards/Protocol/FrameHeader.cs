using System.Buffers.Binary;
using System.Numerics;

namespace Predastore.Shards.Protocol;

/// <summary>Types of frames. The numbers are on the wire and never change.</summary>
public enum FrameType : byte
{
    /// <summary>Client: store a shard; Data frames and Commit or Abort follow.</summary>
    PutShard = 0x01,

    /// <summary>Client: read a range of a shard.</summary>
    GetShard = 0x02,

    /// <summary>Client: delete shards.</summary>
    DeleteShards = 0x03,

    /// <summary>Client: ask what is there.</summary>
    StatShards = 0x04,

    /// <summary>Client: list a disk's index.</summary>
    ListShards = 0x05,

    /// <summary>Client: an opaque message; Data frames and End follow.</summary>
    Message = 0x06,

    /// <summary>Client: is anybody there?</summary>
    Ping = 0x07,

    /// <summary>Both: payload bytes.</summary>
    Data = 0x10,

    /// <summary>Both: the payload is complete.</summary>
    End = 0x11,

    /// <summary>Client: make the shard durable and readable.</summary>
    Commit = 0x12,

    /// <summary>Both: what was begun is given up.</summary>
    Abort = 0x13,

    /// <summary>Server: the put may go on.</summary>
    Accepted = 0x20,

    /// <summary>Server: the shard is durable and readable.</summary>
    Committed = 0x21,

    /// <summary>Server: the shard is there; Data frames and End follow.</summary>
    Found = 0x22,

    /// <summary>Server: outcomes of a delete.</summary>
    Deleted = 0x23,

    /// <summary>Server: answer to StatShards.</summary>
    Stats = 0x24,

    /// <summary>Server: answer to ListShards.</summary>
    Rows = 0x25,

    /// <summary>Server: reply to a message; Data frames and End follow.</summary>
    Reply = 0x26,

    /// <summary>Server: answer to Ping.</summary>
    Pong = 0x27,

    /// <summary>Server: refused or failed.</summary>
    Error = 0x2F,
}

/// <summary>
/// The 16 bytes before every frame's body. Big-endian.
/// <code>
/// offset size
///  0      2   magic 0x5053 ("PS")
///  2      1   version, 1
///  3      1   type
///  4      1   flags: bit 0 = last frame of its direction in this exchange; the others are zero
///  5      3   length of the body, 0 to 1 MiB
///  8      4   sequence: 0 for the first frame of its direction in this exchange, then one more each
/// 12      4   CRC-32C of bytes 0 to 11
/// </code>
/// The body has no checksum: TLS and QUIC authenticate it, and each fragment in it carries its own tag. The header has one so that
/// a reader that lost its place stops instead of taking a length from the middle of somebody's data.
/// </summary>
public readonly record struct FrameHeader(FrameType Type, bool Last, int Length, uint Sequence)
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 16;

    private const ushort Magic = 0x5053;
    private const byte Version = 1;
    private const byte LastFlag = 1;

    /// <summary>Writes the 16 bytes.</summary>
    public void Write(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt16BigEndian(target, Magic);
        target[2] = Version;
        target[3] = (byte)Type;
        BinaryPrimitives.WriteUInt32BigEndian(target[4..], (uint)Length);
        target[4] = Last ? LastFlag : (byte)0;
        BinaryPrimitives.WriteUInt32BigEndian(target[8..], Sequence);
        BinaryPrimitives.WriteUInt32BigEndian(target[12..], Checksum(target));
    }

    /// <summary>Reads and checks 16 bytes; the length is within <see cref="ProtocolLimits.FrameBodyBytesMax"/> afterwards.</summary>
    /// <exception cref="FrameException">A field is not as it must be. The type is not judged here.</exception>
    public static FrameHeader Read(ReadOnlySpan<byte> source)
    {
        if (BinaryPrimitives.ReadUInt16BigEndian(source) != Magic)
            throw new FrameException(FrameFault.BadMagic, "the peer does not speak the shard protocol");
        if (source[2] != Version)
            throw new FrameException(FrameFault.BadVersion, $"the peer speaks version {source[2]} of the shard protocol, this node speaks {Version}");
        if (BinaryPrimitives.ReadUInt32BigEndian(source[12..]) != Checksum(source))
            throw new FrameException(FrameFault.BadChecksum, "a frame header is damaged");
        if ((source[4] & ~LastFlag) != 0)
            throw new FrameException(FrameFault.BadFlags, $"a frame carries unknown flags 0x{source[4]:x2}");
        int length = (int)(BinaryPrimitives.ReadUInt32BigEndian(source[4..]) & 0x00FF_FFFF);
        if (length > ProtocolLimits.FrameBodyBytesMax)
            throw new FrameException(FrameFault.TooLong, $"a frame of {length} bytes exceeds the limit of {ProtocolLimits.FrameBodyBytesMax}");
        return new FrameHeader(
            (FrameType)source[3], source[4] == LastFlag, length, BinaryPrimitives.ReadUInt32BigEndian(source[8..]));
    }

    // CRC-32C (Castagnoli), initial value and final xor all ones, as in RFC 3720, appendix B.4.
    private static uint Checksum(ReadOnlySpan<byte> header)
    {
        // The instruction takes its operand little-endian, whatever this machine is.
        uint crc = BitOperations.Crc32C(uint.MaxValue, BinaryPrimitives.ReadUInt64LittleEndian(header));
        return ~BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt32LittleEndian(header[8..]));
    }
}
