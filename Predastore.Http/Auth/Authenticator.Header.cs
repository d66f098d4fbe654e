using System.Globalization;
using Microsoft.AspNetCore.Http;
using Predastore.Http.Protocol;

namespace Predastore.Http.Auth;

/// <content>SigV4 in the Authorization header.</content>
public sealed partial class Authenticator
{
    private AuthResult Header(string method, RawTarget target, IHeaderDictionary headers, bool anyRegion)
    {
        string header = headers.Authorization.ToString().Trim();
        if (header.Length == 0)
            throw new S3Exception(S3Error.AccessDenied);
        if (header.StartsWith("AWS ", StringComparison.Ordinal) || header.StartsWith("AWS4-ECDSA", StringComparison.Ordinal))
            throw Unsupported();
        if (!header.StartsWith(SigV4.Algorithm, StringComparison.Ordinal)
            || (header.Length > SigV4.Algorithm.Length && header[SigV4.Algorithm.Length] != ' '))
            throw S3Error.InvalidArgument.With("ArgumentName", "Authorization", "Unsupported Authorization Type");
        (CredentialScope scope, string[] signedHeaders, string signature) = ParseHeader(header[SigV4.Algorithm.Length..]);

        string payload = headers[PayloadHeader.Name].ToString();
        if (payload.Length == 0)
            throw S3Error.InvalidRequest.Because($"Missing required header for this request: {PayloadHeader.Name}");
        PayloadMode mode = PayloadHeader.Parse(payload, out byte[]? sha256);

        DateTimeOffset time = RequestTime(headers, out string timeText);
        CheckScope(scope, timeText[..8], anyRegion, S3Error.AuthorizationHeaderMalformed);
        CheckSignedHeaders(headers, signedHeaders);
        (AccessKey key, byte[] signingKey) = Verify(method, target, headers, scope, timeText, signedHeaders, payload, signature);

        // After the signature: the answer names the server's time only to those who have a key.
        DateTimeOffset now = clock.GetUtcNow();
        if ((now - time).Duration() > SkewMax)
            throw S3Error.RequestTimeTooSkewed.With("ServerTime", now.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        return new AuthResult
        {
            Mode = AuthMode.Header,
            Account = key.Account,
            Payload = mode,
            PayloadSha256 = sha256,
            Chunks = Chunks(mode, signingKey, timeText, scope, signature),
        };
    }

    private static (CredentialScope Scope, string[] SignedHeaders, string Signature) ParseHeader(string fields)
    {
        string? credential = null, signedHeaders = null, signature = null;
        foreach (string field in fields.Split(',', StringSplitOptions.TrimEntries))
        {
            int equals = field.IndexOf('=');
            string name = equals < 0 ? field : field[..equals].Trim();
            string value = equals < 0 ? "" : field[(equals + 1)..].Trim();
            switch (name)
            {
                case "Credential" when credential is null:
                    credential = value;
                    break;
                case "SignedHeaders" when signedHeaders is null:
                    signedHeaders = value;
                    break;
                case "Signature" when signature is null:
                    signature = value;
                    break;
                default:
                    throw Malformed("it has an unknown or repeated component");
            }
        }

        if (string.IsNullOrEmpty(credential) || string.IsNullOrEmpty(signedHeaders) || string.IsNullOrEmpty(signature))
            throw Malformed("it must have Credential, SignedHeaders and Signature");
        if (!CredentialScope.TryParse(credential, out CredentialScope scope))
            throw Malformed("the Credential is not of the form <access key id>/<yyyymmdd>/<region>/s3/aws4_request");
        return (scope, signedHeaders.ToLowerInvariant().Split(';'), signature);

        static S3Exception Malformed(string why) => S3Error.AuthorizationHeaderMalformed.Because($"The authorization header is malformed; {why}.");
    }

    private static DateTimeOffset RequestTime(IHeaderDictionary headers, out string text)
    {
        text = headers["x-amz-date"].ToString();
        if (text.Length > 0)
        {
            if (TryParseTime(text, out DateTimeOffset time))
                return time;
        }
        else if (HttpDate.TryParse(headers.Date.ToString(), out long unixMs))
        {
            DateTimeOffset time = DateTimeOffset.FromUnixTimeMilliseconds(unixMs);
            text = time.ToString(SigV4.TimeFormat, CultureInfo.InvariantCulture);
            return time;
        }
        else if (TryParseTime(headers.Date.ToString(), out DateTimeOffset basic))
        {
            text = headers.Date.ToString();
            return basic;
        }

        throw S3Error.AccessDenied.Because("AWS authentication requires a valid Date or x-amz-date header");
    }
}
