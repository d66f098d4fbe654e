namespace Predastore.Http.Hosting;

/// <summary>
/// Every limit of the door on what clients may hold open, send, and let it wait for. Nothing is left to the defaults of the web
/// server: they have no bound on connections and a body of 30 MB.
/// </summary>
public sealed record S3Limits
{
    /// <summary>Connections open at once; more are closed when they come.</summary>
    public int ConnectionsMax { get; init; } = 20_000;

    /// <summary>Connections without a request at once; when there are more, those that have been idle for longest are ended.</summary>
    public int IdleConnectionsMax { get; init; } = 1_000;

    /// <summary>Time for a TLS handshake.</summary>
    public TimeSpan Handshake { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time for a request's line and headers.</summary>
    public TimeSpan Headers { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a connection may stay without a request.</summary>
    public TimeSpan Idle { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>How long a body may stay without a byte while the server waits for one.</summary>
    public TimeSpan BodyIdle { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Least bytes per second of a body, over its whole time, after <see cref="RateGrace"/>. Slow links are served.</summary>
    public double BodyBytesPerSecondMin { get; init; } = 100;

    /// <summary>Least bytes per second that a client takes of an answer.</summary>
    public double AnswerBytesPerSecondMin { get; init; } = 100;

    /// <summary>Time in which the rates are not looked at.</summary>
    public TimeSpan RateGrace { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes of one request's headers, as S3 counts them; more is answered with RequestHeaderSectionTooLarge.</summary>
    public int HeaderBytesMax { get; init; } = 8 << 10;

    /// <summary>Requests of one HTTP/2 connection at once.</summary>
    public int StreamsPerConnectionMax { get; init; } = 128;

    /// <summary>Bytes of headers that are read at all; more is a bare 431.</summary>
    internal const int HeaderBytesReadMax = 32 << 10;

    /// <summary>Headers that are read at all: user metadata may be many small ones.</summary>
    internal const int HeadersReadMax = 300;

    /// <summary>Bytes of a request line: a key, a prefix and two markers of 1,024 B each, percent-encoded, and a signature.</summary>
    internal const int RequestLineBytesMax = 16 << 10;

    /// <summary>Bytes of a body that are buffered before the client must wait.</summary>
    internal const int BodyBufferBytes = 1 << 20;

    /// <summary>Bytes of an answer that are buffered before the server waits.</summary>
    internal const int AnswerBufferBytes = 64 << 10;

    /// <summary>Bytes that an HTTP/2 client may send ahead on one connection.</summary>
    internal const int ConnectionWindowBytes = 4 << 20;

    /// <summary>Bytes that an HTTP/2 client may send ahead in one request.</summary>
    internal const int StreamWindowBytes = 1 << 20;

    /// <summary>Bytes of one HTTP/2 frame.</summary>
    internal const int FrameBytesMax = 64 << 10;
}
