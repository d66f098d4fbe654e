using System.Text;

namespace Predastore.Http.Protocol;

/// <summary>Percent-encoding as SigV4 and S3 use it (RFC 3986 unreserved characters, upper-case hex, space as %20).</summary>
public static class PercentCoding
{
    private const string HexDigits = "0123456789ABCDEF";

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Encodes text as UTF-8; <paramref name="keepSlash"/> leaves '/' as it is.</summary>
    public static string Encode(string text, bool keepSlash)
    {
        bool plain = true;
        foreach (char c in text)
            plain &= IsUnreserved(c) || (keepSlash && c == '/');
        if (plain)
            return text;
        var result = new StringBuilder(text.Length + 16);
        foreach (byte b in Encoding.UTF8.GetBytes(text))
            Append(result, b, keepSlash);
        return result.ToString();
    }

    /// <summary>
    /// Decodes once. False for a broken escape, or for bytes that are not UTF-8: such a key could not be listed.
    /// </summary>
    /// <param name="plusIsSpace">True in queries, as HTML forms write them.</param>
    public static bool TryDecode(ReadOnlySpan<char> text, bool plusIsSpace, out string decoded)
    {
        decoded = "";
        if (!text.Contains('%') && !(plusIsSpace && text.Contains('+')) && System.Text.Ascii.IsValid(text))
        {
            decoded = text.ToString();
            return true;
        }

        byte[] bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        int length = 0;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '%')
            {
                if (!TryHex(text, i, out byte value))
                    return false;
                bytes[length++] = value;
                i += 2;
            }
            else if (c == '+' && plusIsSpace)
            {
                bytes[length++] = (byte)' ';
            }
            else if (c < 0x80)
            {
                bytes[length++] = (byte)c;
            }
            else
            {
                // A lone surrogate becomes bytes that the strict decoder below refuses.
                int width = char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]) ? 2 : 1;
                length += Encoding.UTF8.GetBytes(text.Slice(i, width), bytes.AsSpan(length));
                i += width - 1;
            }
        }

        try
        {
            decoded = StrictUtf8.GetString(bytes, 0, length);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }

    /// <summary>
    /// The canonical form of text that is already percent-encoded by somebody: escapes of unreserved characters are undone,
    /// the others written in upper case, raw characters encoded. An escaped slash stays escaped. Broken escapes stay as text.
    /// </summary>
    /// <param name="keepSlash">True for paths.</param>
    /// <param name="plus">What a raw '+' stands for: itself or, in a form-encoded query, a space.</param>
    public static string Canonicalize(ReadOnlySpan<char> raw, bool keepSlash, char plus = '+')
    {
        var result = new StringBuilder(raw.Length + 16);
        Span<byte> utf8 = stackalloc byte[4];
        for (int i = 0; i < raw.Length; i++)
        {
            char c = raw[i];
            if (c == '%' && TryHex(raw, i, out byte value))
            {
                Append(result, value, keepSlash: false);
                i += 2;
            }
            else if (c < 0x80)
            {
                Append(result, (byte)(c == '+' ? plus : c), keepSlash);
            }
            else
            {
                int width = char.IsHighSurrogate(c) && i + 1 < raw.Length ? 2 : 1;
                int length = Encoding.UTF8.GetBytes(raw.Slice(i, width), utf8);
                foreach (byte b in utf8[..length])
                    Append(result, b, keepSlash);
                i += width - 1;
            }
        }

        return result.ToString();
    }

    private static bool TryHex(ReadOnlySpan<char> text, int at, out byte value)
    {
        value = 0;
        if (at + 2 >= text.Length || !char.IsAsciiHexDigit(text[at + 1]) || !char.IsAsciiHexDigit(text[at + 2]))
            return false;
        value = byte.Parse(text.Slice(at + 1, 2), System.Globalization.NumberStyles.AllowHexSpecifier, null);
        return true;
    }

    private static void Append(StringBuilder result, byte value, bool keepSlash)
    {
        if (IsUnreserved((char)value) || (keepSlash && value == '/'))
            result.Append((char)value);
        else
            result.Append('%').Append(HexDigits[value >> 4]).Append(HexDigits[value & 15]);
    }

    private static bool IsUnreserved(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '~';
}
