namespace Predastore.Http.Auth;

/// <summary>
/// The chain of chunk signatures of one body: each is made from the one before, so chunks cannot be dropped, swapped or replayed.
/// Not thread-safe.
/// </summary>
/// <param name="signingKey">Key of the scope, 32 B.</param>
/// <param name="time">The request's time as signed.</param>
/// <param name="scope">date/region/service/aws4_request.</param>
/// <param name="seed">Signature of the request's headers.</param>
public sealed class ChunkSigner(byte[] signingKey, string time, string scope, string seed)
{
    private string _previous = seed;

    /// <summary>Checks the signature of the next chunk and moves on.</summary>
    /// <param name="sha256Hex">Lower-case hex SHA-256 of the chunk's data.</param>
    /// <param name="signature">As given.</param>
    public bool TryChunk(string sha256Hex, string signature)
        => Check(string.Join('\n', "AWS4-HMAC-SHA256-PAYLOAD", time, scope, _previous, SigV4.EmptySha256, sha256Hex), signature);

    /// <summary>Checks the signature over the trailers.</summary>
    /// <param name="sha256Hex">Lower-case hex SHA-256 of <c>name:value\n</c> of every trailer.</param>
    /// <param name="signature">As given.</param>
    public bool TryTrailer(string sha256Hex, string signature)
        => Check(string.Join('\n', "AWS4-HMAC-SHA256-TRAILER", time, scope, _previous, sha256Hex), signature);

    private bool Check(string stringToSign, string given)
    {
        string expected = SigV4.Sign(signingKey, stringToSign);
        _previous = expected;
        return SigV4.FixedTimeEquals(expected, given);
    }
}
