namespace Predastore.Shards.Protocol;

/// <summary>What is wrong with a frame.</summary>
public enum FrameFault
{
    /// <summary>The stream ended inside a frame, or where one had to follow.</summary>
    Truncated,

    /// <summary>The first two bytes are not the magic: this is not our protocol.</summary>
    BadMagic,

    /// <summary>A version that this program does not speak.</summary>
    BadVersion,

    /// <summary>The header's checksum does not fit.</summary>
    BadChecksum,

    /// <summary>A flag that must be zero is set.</summary>
    BadFlags,

    /// <summary>The body is longer than this type of frame may be.</summary>
    TooLong,

    /// <summary>The sequence number is not the next one: a frame was lost, repeated or comes from another exchange.</summary>
    OutOfSequence,

    /// <summary>A known frame at a place where it may not stand, or an unknown one.</summary>
    Unexpected,

    /// <summary>The body does not have the layout of its type.</summary>
    BadBody,
}

/// <summary>The peer broke the protocol. The exchange is over and its connection is not used again.</summary>
public sealed class FrameException(FrameFault fault, string message) : IOException(message)
{
    /// <summary>What is wrong.</summary>
    public FrameFault Fault { get; } = fault;
}
