namespace Predastore.Shards.Protocol;

/// <summary>Bounds of the shard protocol. A peer that exceeds one is refused before anything is allocated for it.</summary>
public static class ProtocolLimits
{
    /// <summary>Largest body of any frame.</summary>
    public const int FrameBodyBytesMax = 1 << 20;

    /// <summary>Largest body of a Data frame that we send: what one stream pins at the receiver.</summary>
    public const int DataFrameBytes = 256 << 10;

    /// <summary>Largest body of a control frame that carries no batch.</summary>
    public const int ControlBytesMax = 4 << 10;

    /// <summary>Most entries of a delete, stat or list batch: the rows of a full page fit into one frame.</summary>
    public const int BatchMax = 8192;

    /// <summary>Largest cursor of a listing.</summary>
    public const int CursorBytesMax = 128;

    /// <summary>Largest text of an error, in UTF-8.</summary>
    public const int ErrorTextBytesMax = 1024;

    /// <summary>Largest message that is held in memory as a whole; longer ones are streamed.</summary>
    public const int MessageBytesMax = 64 << 20;

    /// <summary>
    /// How long an upload may stand still between two batches: they are filled by a client that may be very slow, and a dead peer
    /// shows earlier, in its connection.
    /// </summary>
    public static readonly TimeSpan UploadSilenceMax = TimeSpan.FromMinutes(10);

    /// <summary>Most bytes a server reads and drops after it has refused a request, so that the refusal arrives.</summary>
    public const int DrainBytesMax = 8 << 20;
}
