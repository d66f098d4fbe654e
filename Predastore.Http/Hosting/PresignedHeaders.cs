using System.Buffers;
using Microsoft.AspNetCore.Http;
using Predastore.Http.Auth;
using Predastore.Http.Operations;
using Predastore.Http.Protocol;

namespace Predastore.Http.Hosting;

/// <summary>
/// SDKs move the <c>x-amz-</c> headers of a presigned request into its query, where they are signed with it. They mean what they
/// would have meant as headers, and are refused where they could not have been one.
/// </summary>
internal static class PresignedHeaders
{
    private const string Prefix = "x-amz-";

    // How an SDK came to its checksum says nothing of the request.
    private const string Sdk = "x-amz-sdk-";

    // What the signature is made of, and not what it signs.
    private static readonly HashSet<string> OfSignature = new(StringComparer.OrdinalIgnoreCase)
    {
        "x-amz-algorithm", "x-amz-content-sha256", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-security-token",
        "x-amz-signature", "x-amz-signedheaders",
    };

    private static readonly SearchValues<char> Token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>Adds them to the headers; a header that came as one stays.</summary>
    /// <exception cref="S3Exception">InvalidArgument for a name or value that no header can have.</exception>
    public static void Apply(AuthResult auth, RawTarget target, IHeaderDictionary headers)
    {
        if (auth.Mode != AuthMode.Presigned)
            return;
        foreach (QueryParameter parameter in target.Parameters)
        {
            string name = parameter.Name;
            if (!name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) || name.StartsWith(Sdk, StringComparison.OrdinalIgnoreCase)
                || OfSignature.Contains(name))
                continue;
            if (name.AsSpan().ContainsAnyExcept(Token))
                throw S3Error.InvalidArgument.With("ArgumentName", name, "No header can have this name.");
            string value = HeaderText.ToWire(parameter.Value);
            HeaderText.Check(name, value);
            headers.TryAdd(name, value);
        }
    }
}
