using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Predastore.Http.Protocol;

/// <summary>What a request's header section must be before anything is made of it.</summary>
public static class HeaderSection
{
    private const string TransferEncoding = "Transfer-Encoding";

    // Where the server keeps a Content-Length that came together with a Transfer-Encoding.
    private const string OverriddenLength = "X-Content-Length";

    /// <summary>Checks size and framing.</summary>
    /// <exception cref="S3Exception">RequestHeaderSectionTooLarge, InvalidRequest.</exception>
    public static void Check(IHeaderDictionary headers, int bytesMax)
    {
        long bytes = 0;
        foreach ((string name, StringValues values) in headers)
        {
            foreach (string? value in values)
                bytes += name.Length + (value?.Length ?? 0) + ": \r\n".Length;
        }

        if (bytes > bytesMax)
            throw S3Error.RequestHeaderSectionTooLarge.With("MaxSizeAllowed", bytesMax.ToString(System.Globalization.CultureInfo.InvariantCulture));
        if (IsAmbiguous(headers))
            throw S3Error.InvalidRequest.Because("A request has either a Content-Length or a Transfer-Encoding.");
    }

    /// <summary>True for two framings: a proxy in between may have believed the other one, so the connection must end.</summary>
    public static bool IsAmbiguous(IHeaderDictionary headers)
        => headers.ContainsKey(TransferEncoding) && (headers.ContainsKey(OverriddenLength) || headers.ContentLength is not null);
}
