using System.Text;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>
/// Text of headers, one character per byte. What cannot be sent back in a header is refused when it comes in: an object that was
/// stored with it could never be read again.
/// </summary>
internal static class HeaderText
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>A header of a request, "" if there is none.</summary>
    /// <exception cref="S3Exception">InvalidArgument for control characters.</exception>
    public static string Checked(S3Request request, string name)
    {
        string value = request.Header(name) ?? "";
        Check(name, value);
        return value;
    }

    /// <summary>Refuses control characters: a line end would begin a header of the client's choice.</summary>
    /// <exception cref="S3Exception">InvalidArgument.</exception>
    public static void Check(string name, string value)
    {
        foreach (char c in value)
        {
            if (c is < ' ' and not '\t' or '\x7F')
                throw S3Error.InvalidArgument.With("ArgumentName", name, "A header value holds a control character.");
        }
    }

    /// <summary>Text as the bytes of its UTF-8 form, one character each.</summary>
    public static string ToWire(string text)
        => Ascii.IsValid(text) ? text : Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    /// <summary>The text whose UTF-8 form came in a header; as it is if it is no UTF-8.</summary>
    public static string FromWire(string value)
    {
        if (Ascii.IsValid(value) || value.AsSpan().IndexOfAnyExceptInRange('\0', '\xFF') >= 0)
            return value;
        try
        {
            return StrictUtf8.GetString(Encoding.Latin1.GetBytes(value));
        }
        catch (DecoderFallbackException)
        {
            return value;
        }
    }
}
