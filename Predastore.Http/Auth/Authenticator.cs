using System.Globalization;
using Microsoft.AspNetCore.Http;
using Predastore.Http.Protocol;

namespace Predastore.Http.Auth;

/// <summary>
/// Decides once, before anything else looks at the request, who sent it. Whatever it does not understand it refuses. Thread-safe.
/// </summary>
/// <param name="accounts">Who exists.</param>
/// <param name="region">This cluster's region; another one in a signature is answered with this one.</param>
/// <param name="clock">For the window of 15 minutes.</param>
public sealed partial class Authenticator(IAccounts accounts, string region, TimeProvider clock)
{
    /// <summary>Largest difference between the clocks of client and server.</summary>
    public static readonly TimeSpan SkewMax = TimeSpan.FromMinutes(15);

    private static readonly Account Nobody = new("", "", "");

    // An unknown id costs the same HMACs, cached alike, as a wrong signature: timing must not tell which ids exist.
    private static readonly AccessKey UnknownKey = new("", "an unknown key is checked against this", Nobody);

    private readonly SigningKeyCache _signingKeys = new();

    /// <summary>Authenticates.</summary>
    /// <param name="method">HTTP method.</param>
    /// <param name="target">As on the wire.</param>
    /// <param name="headers">As they came, one character per byte.</param>
    /// <param name="anyRegion">True for requests that need not name the region (ListBuckets).</param>
    /// <exception cref="S3Exception">The request is refused.</exception>
    public AuthResult Authenticate(string method, RawTarget target, IHeaderDictionary headers, bool anyRegion = false)
    {
        bool inHeader = headers.ContainsKey("Authorization");
        bool inQuery = target.Has("X-Amz-Algorithm") || target.Has("X-Amz-Credential") || target.Has("X-Amz-Signature");
        if (inHeader && inQuery)
            throw S3Error.InvalidArgument.With("ArgumentName", "Authorization",
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified");
        if (inQuery)
            return Presigned(method, target, headers, anyRegion);
        if (inHeader)
            return Header(method, target, headers, anyRegion);
        if (target.Has("AWSAccessKeyId") && target.Has("Signature"))
            throw Unsupported();
        return AnonymousResult(headers);
    }

    private static AuthResult AnonymousResult(IHeaderDictionary headers)
    {
        string payload = headers[PayloadHeader.Name].ToString();
        if (payload.Length == 0)
            return AuthResult.Anonymous;
        PayloadMode mode = PayloadHeader.Parse(payload, out byte[]? sha256);
        // A signed chunk has no meaning without a signature to continue from.
        if (mode is PayloadMode.ChunkedSigned or PayloadMode.ChunkedSignedTrailer)
            throw new S3Exception(S3Error.AccessDenied);
        return AuthResult.Anonymous with { Payload = mode, PayloadSha256 = sha256 };
    }

    private void CheckScope(in CredentialScope scope, string date, bool anyRegion, S3Error malformed)
    {
        if (scope.Terminator != SigV4.Terminator)
            throw malformed.Because($"The credential is malformed; incorrect terminal \"{Clip(scope.Terminator)}\". This endpoint uses \"{SigV4.Terminator}\".");
        if (scope.Service != SigV4.Service)
            throw malformed.Because($"The credential is malformed; incorrect service \"{Clip(scope.Service)}\". This endpoint belongs to \"{SigV4.Service}\".");
        if (scope.Date != date)
            throw malformed.Because("The date of the credential is not the date of the request.");
        if (!anyRegion && scope.Region != region)
            throw malformed.With("Region", region, $"The credential is malformed; the region '{Clip(scope.Region)}' is wrong; expecting '{region}'");
    }

    /// <summary>Checks the signature of a request and answers its key.</summary>
    private (AccessKey Key, byte[] SigningKey) Verify(
        string method, RawTarget target, IHeaderDictionary headers, in CredentialScope scope, string time,
        IReadOnlyList<string> signedHeaders, string payload, string signature)
    {
        AccessKey? known = accounts.FindKey(scope.AccessKeyId);
        byte[] signingKey = _signingKeys.Get(known ?? UnknownKey, scope);
        bool matches = false;
        bool rawPlus = target.Parameters.Any(parameter => parameter.RawName.Contains('+') || parameter.RawValue.Contains('+'));
        bool nonAscii = CanonicalRequest.HasNonAscii(headers, signedHeaders);
        foreach (char plus in rawPlus ? "+ " : "+")
        {
            for (int utf8 = 0; utf8 <= (nonAscii ? 1 : 0); utf8++)
            {
                string hash = CanonicalRequest.Hash(method, target, headers, signedHeaders, payload, plus, utf8 == 1);
                matches |= SigV4.FixedTimeEquals(SigV4.Sign(signingKey, SigV4.StringToSign(time, scope.Scope, hash)), signature);
            }
        }

        if (known is null)
            throw S3Error.InvalidAccessKeyId.With("AWSAccessKeyId", Clip(scope.AccessKeyId));
        if (!matches)
            throw new S3Exception(S3Error.SignatureDoesNotMatch);
        return (known, signingKey);
    }

    /// <summary>
    /// Every header that changes what a request means must be signed: somebody who only has a presigned URL could otherwise add
    /// an ACL, tags, metadata or a copy source to it.
    /// </summary>
    private static void CheckSignedHeaders(IHeaderDictionary headers, IReadOnlyList<string> signedHeaders)
    {
        if (!signedHeaders.Contains("host"))
            throw NotSigned("host");
        foreach (KeyValuePair<string, Microsoft.Extensions.Primitives.StringValues> header in headers)
        {
            if (!header.Key.StartsWith("x-amz-", StringComparison.OrdinalIgnoreCase)
                || header.Key.Equals(PayloadHeader.Name, StringComparison.OrdinalIgnoreCase)
                || signedHeaders.Contains(header.Key, StringComparer.OrdinalIgnoreCase))
                continue;
            throw NotSigned(header.Key.ToLowerInvariant());
        }
    }

    private static S3Exception NotSigned(string header) => S3Error.AccessDenied.With(
        "HeadersNotSigned", header, "There were headers present in the request which were not signed");

    private static bool TryParseTime(string text, out DateTimeOffset time)
        => DateTimeOffset.TryParseExact(text, SigV4.TimeFormat, CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);

    private static S3Exception Unsupported() => S3Error.InvalidRequest.Because(
        $"The authorization mechanism you have provided is not supported. Please use {SigV4.Algorithm}.");

    private static ChunkSigner? Chunks(PayloadMode mode, byte[] signingKey, string time, in CredentialScope scope, string seed)
        => mode is PayloadMode.ChunkedSigned or PayloadMode.ChunkedSignedTrailer
            ? new ChunkSigner(signingKey, time, scope.Scope, seed)
            : null;

    private static string Clip(string text) => text.Length <= 64 ? text : text[..64];
}
