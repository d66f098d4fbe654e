namespace Predastore.Http.Auth;

/// <summary>How a request proved who sent it.</summary>
public enum AuthMode
{
    /// <summary>It did not: only what everybody may do is allowed.</summary>
    Anonymous,

    /// <summary>SigV4 in the Authorization header.</summary>
    Header,

    /// <summary>SigV4 in the query.</summary>
    Presigned,
}

/// <summary>What the payload's framing and proof are, decided by <c>x-amz-content-sha256</c> alone.</summary>
public enum PayloadMode
{
    /// <summary>The signature does not cover the body.</summary>
    Unsigned,

    /// <summary>The header is the body's SHA-256.</summary>
    Signed,

    /// <summary>aws-chunked, every chunk signed.</summary>
    ChunkedSigned,

    /// <summary>aws-chunked, every chunk and the trailers signed.</summary>
    ChunkedSignedTrailer,

    /// <summary>aws-chunked without signatures, with trailers.</summary>
    ChunkedUnsignedTrailer,
}

/// <summary>A request's proven identity and what is needed to check its body.</summary>
public sealed record AuthResult
{
    /// <summary>Nobody.</summary>
    public static readonly AuthResult Anonymous = new() { Mode = AuthMode.Anonymous };

    public required AuthMode Mode { get; init; }

    /// <summary>Null for anonymous requests.</summary>
    public Account? Account { get; init; }

    public PayloadMode Payload { get; init; }

    /// <summary>The declared SHA-256 of the body, 32 B; for <see cref="PayloadMode.Signed"/>.</summary>
    public byte[]? PayloadSha256 { get; init; }

    /// <summary>What chunk signatures continue from; null unless chunks are signed.</summary>
    public ChunkSigner? Chunks { get; init; }
}
