using System.Globalization;
using Microsoft.AspNetCore.Http;
using Predastore.Http.Protocol;

namespace Predastore.Http.Auth;

/// <content>SigV4 in the query.</content>
public sealed partial class Authenticator
{
    private const int ExpiresSecondsMax = 604_800;

    private AuthResult Presigned(string method, RawTarget target, IHeaderDictionary headers, bool anyRegion)
    {
        S3Error malformed = S3Error.AuthorizationQueryParametersError;
        foreach (string name in (ReadOnlySpan<string>)["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"])
        {
            if (string.IsNullOrEmpty(target[name]) || target.Parameters.Count(parameter => parameter.Name == name) != 1)
                throw malformed.Because(
                    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.");
        }

        if (target["X-Amz-Algorithm"] != SigV4.Algorithm)
            throw malformed.Because($"X-Amz-Algorithm only supports \"{SigV4.Algorithm}\"");
        if (!CredentialScope.TryParse(target["X-Amz-Credential"]!, out CredentialScope scope))
            throw malformed.Because("Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
        string timeText = target["X-Amz-Date"]!;
        if (!TryParseTime(timeText, out DateTimeOffset time))
            throw malformed.Because("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
        if (!long.TryParse(target["X-Amz-Expires"], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long expires))
            throw malformed.Because("X-Amz-Expires should be a number");
        // Conformance suites look for 403 here, other clients for the code: both get theirs.
        if (expires is <= 0 or > ExpiresSecondsMax)
            throw (malformed with { Status = 403 }).Because($"X-Amz-Expires must be between 1 and {ExpiresSecondsMax} seconds.");
        CheckScope(scope, timeText[..8], anyRegion, malformed);
        string[] signedHeaders = target["X-Amz-SignedHeaders"]!.ToLowerInvariant().Split(';');
        CheckSignedHeaders(headers, signedHeaders);

        string? inQuery = target["X-Amz-Content-Sha256"];
        string inHeader = headers[PayloadHeader.Name].ToString();
        // Whoever holds the URL may add this header: it must not take the place of the hash that was signed.
        if (inQuery is not null && inHeader.Length > 0 && inHeader != inQuery)
            throw NotSigned(PayloadHeader.Name);
        string payload = inQuery
            ?? (inHeader.Length > 0 && signedHeaders.Contains(PayloadHeader.Name) ? inHeader : PayloadHeader.Unsigned);
        PayloadMode mode = PayloadHeader.Parse(inHeader.Length > 0 ? inHeader : payload, out byte[]? sha256);
        string signature = target["X-Amz-Signature"]!;
        (AccessKey key, byte[] signingKey) = Verify(method, target, headers, scope, timeText, signedHeaders, payload, signature);

        DateTimeOffset now = clock.GetUtcNow();
        if (time > now + SkewMax)
            throw S3Error.AccessDenied.Because("Request is not valid yet");
        if (now > time.AddSeconds(expires))
            throw S3Error.AccessDenied.With("Expires",
                time.AddSeconds(expires).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture), "Request has expired");
        return new AuthResult
        {
            Mode = AuthMode.Presigned,
            Account = key.Account,
            Payload = mode,
            PayloadSha256 = sha256,
            Chunks = Chunks(mode, signingKey, timeText, scope, signature),
        };
    }
}
