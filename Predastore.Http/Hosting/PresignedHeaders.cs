using Microsoft.AspNetCore.Http;
using Predastore.Http.Auth;
using Predastore.Http.Protocol;

namespace Predastore.Http.Hosting;

/// <summary>
/// SDKs move the <c>x-amz-</c> headers of a presigned request into its query, where they are signed with it. They mean what they
/// would have meant as headers.
/// </summary>
internal static class PresignedHeaders
{
    private const string Prefix = "x-amz-";

    // Read where they are: a checksum in the query is that of the body the URL was made with.
    private static readonly string[] Elsewhere = ["x-amz-checksum-", "x-amz-sdk-", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"];

    /// <summary>Adds them to the headers; a header that came as one stays.</summary>
    public static void Apply(AuthResult auth, RawTarget target, IHeaderDictionary headers)
    {
        if (auth.Mode != AuthMode.Presigned)
            return;
        foreach (QueryParameter parameter in target.Parameters)
        {
            if (parameter.Name.StartsWith(Prefix, StringComparison.Ordinal)
                && !Elsewhere.Any(name => parameter.Name.StartsWith(name, StringComparison.Ordinal)))
                headers.TryAdd(parameter.Name, parameter.Value);
        }
    }
}
