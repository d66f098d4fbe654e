namespace Predastore.Shards.Protocol;

/// <summary>Why a request was not carried out. The numbers are on the wire and never change.</summary>
public enum ShardError : ushort
{
    /// <summary>The other side failed in a way it does not explain (a disk error, a bug). It may be asked again.</summary>
    Failed = 1,

    /// <summary>The disk is too full to take it.</summary>
    Full = 2,

    /// <summary>The request is understood and not allowed: no live reservation, a closed session, a taken attempt id.</summary>
    Refused = 3,

    /// <summary>The node does not serve that storage id.</summary>
    WrongStorage = 4,

    /// <summary>The disk is starting, fenced, or going away: try another, or later.</summary>
    Unavailable = 5,

    /// <summary>What was asked for is not there.</summary>
    NotFound = 6,

    /// <summary>The bytes of the request make no sense; sending them again will not help.</summary>
    Malformed = 7,

    /// <summary>A bound of the protocol was exceeded.</summary>
    TooLarge = 8,

    /// <summary>Too much is under way on this node or connection: try later.</summary>
    Busy = 9,

    /// <summary>The node does not know this kind of request or message.</summary>
    Unsupported = 10,

    /// <summary>The committed length or digest is not that of the bytes received.</summary>
    Mismatch = 11,
}

/// <summary>
/// A typed refusal. A service throws it to answer the peer; a client throws it with what the peer answered. The message crosses
/// the wire: it must hold no path, key or secret.
/// </summary>
public sealed class ShardException(ShardError error, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Why.</summary>
    public ShardError Error { get; } = error;
}
