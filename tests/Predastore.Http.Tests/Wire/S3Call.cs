using System.Globalization;
using System.Net;
using System.Text;
using Predastore.Http.Auth;

namespace Predastore.Http.Tests.Wire;

/// <summary>How a call proves itself.</summary>
public enum Proof
{
    None,
    Header,
    Query,
}

/// <summary>
/// One request, byte by byte as a test wants it, signed as a client would unless the test bends it. Path and query are written as
/// they go over the wire.
/// </summary>
public sealed record S3Call(IPEndPoint Door, string Method, string Path, byte[] Body)
{
    private const string TimeFormat = "yyyyMMdd'T'HHmmss'Z'";

    public AccessKey? Key { get; init; }

    public Proof Proof { get; init; } = Proof.Header;

    /// <summary>Encoded <c>name=value</c> pairs.</summary>
    public IReadOnlyList<string> Query { get; init; } = [];

    /// <summary>Signed headers besides host, date and payload.</summary>
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>Headers that are sent and not signed.</summary>
    public IReadOnlyList<(string Name, string Value)> Unsigned { get; init; } = [];

    /// <summary>x-amz-content-sha256; the body's hash if null.</summary>
    public string? Payload { get; init; }

    /// <summary>What the signature takes for the payload's hash without a header that says so.</summary>
    public string? SignedPayload { get; init; }

    public DateTimeOffset Time { get; init; } = DateTimeOffset.UtcNow;

    public string Expires { get; init; } = "60";

    public string Host { get; init; } = "127.0.0.1";

    /// <summary>Content-Length; the body's if null, none if negative.</summary>
    public long? Length { get; init; }

    /// <summary>Last of all, on the signed head and the body: for what only an attacker would do.</summary>
    public Func<string, string> BendHead { get; init; } = head => head;

    public string Date => Time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);

    public string Scope => $"{Date[..8]}/{WireDoor.Region}/s3/aws4_request";

    public byte[] SigningKey => TestSigner.Key(Key!.Secret, Date[..8], WireDoor.Region);

    /// <summary>The signature of the headers.</summary>
    public string Signature => TestSigner.Sign(SigningKey, Date, Scope, Method, Path, CanonicalQuery, Signed, PayloadHash);

    private string PayloadHash => Payload ?? SignedPayload ?? (Proof == Proof.Query ? "UNSIGNED-PAYLOAD" : TestSigner.Sha256(Body));

    private IEnumerable<string> CanonicalQuery => WireQuery.Select(pair => pair.Contains('=') ? pair : pair + "=");

    private IReadOnlyList<string> WireQuery => Proof != Proof.Query || Key is null ? Query :
    [
        .. Query, "X-Amz-Algorithm=AWS4-HMAC-SHA256", $"X-Amz-Credential={Uri.EscapeDataString($"{Key.Id}/{Scope}")}", $"X-Amz-Date={Date}",
        $"X-Amz-Expires={Expires}", $"X-Amz-SignedHeaders={Uri.EscapeDataString(string.Join(';', Signed.Select(header => header.Name)))}",
    ];

    private IReadOnlyList<(string Name, string Value)> Signed =>
    [
        .. (Proof == Proof.Query
                ? Payload is null ? [.. Headers, ("host", Host)] : [.. Headers, ("host", Host), ("x-amz-content-sha256", PayloadHash)]
                : (IEnumerable<(string Name, string Value)>)[.. Headers, ("host", Host), ("x-amz-content-sha256", PayloadHash), ("x-amz-date", Date)])
            .Select(header => (header.Name.ToLowerInvariant(), header.Value)).OrderBy(header => header.Item1, StringComparer.Ordinal),
    ];

    /// <summary>The request's head, signed.</summary>
    public string Head
    {
        get
        {
            IReadOnlyList<string> query = WireQuery;
            if (Proof == Proof.Query && Key is not null)
                query = [.. query, $"X-Amz-Signature={Signature}"];
            var text = new StringBuilder();
            text.Append(Method).Append(' ').Append(Path).Append(query.Count > 0 ? "?" : "").AppendJoin('&', query).Append(" HTTP/1.1\r\nHost: ")
                .Append(Host).Append("\r\nConnection: close\r\n");
            foreach ((string name, string value) in Headers.Concat(Unsigned))
                text.Append(name).Append(": ").Append(value).Append("\r\n");
            if (Proof == Proof.Header && Key is not null)
            {
                text.Append(CultureInfo.InvariantCulture, $"x-amz-date: {Date}\r\nAuthorization: AWS4-HMAC-SHA256 Credential={Key.Id}/{Scope},SignedHeaders=")
                    .AppendJoin(';', Signed.Select(header => header.Name)).Append(",Signature=").Append(Signature).Append("\r\n");
            }

            if (Proof != Proof.Query || Payload is not null)
                text.Append("x-amz-content-sha256: ").Append(PayloadHash).Append("\r\n");
            long length = Length ?? Body.Length;
            if (length >= 0 && (Length is not null || Body.Length > 0 || Method is "PUT" or "POST"))
                text.Append(CultureInfo.InvariantCulture, $"Content-Length: {length}\r\n");
            return BendHead(text.Append("\r\n").ToString());
        }
    }

    public Task<RawAnswer> SendAsync() => RawHttp.SendAsync(Door, Head, Body);
}
