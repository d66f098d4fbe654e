using System.Globalization;

namespace Predastore.Http.Protocol;

/// <summary>
/// One range of bytes as a client asks for it (RFC 9110 section 14): from <paramref name="First"/> to <paramref name="Last"/>
/// inclusive, or to the end, or the last <paramref name="Suffix"/> bytes.
/// </summary>
public readonly record struct ByteRange(long? First, long? Last, long? Suffix)
{
    private const string Unit = "bytes=";

    /// <summary>Reads a Range header. Malformed and multiple ranges are no range at all: the whole object is the answer.</summary>
    public static bool TryParse(string? header, out ByteRange range)
    {
        range = default;
        if (header is null || !header.StartsWith(Unit, StringComparison.OrdinalIgnoreCase))
            return false;
        ReadOnlySpan<char> spec = header.AsSpan(Unit.Length).Trim();
        int dash = spec.IndexOf('-');
        if (dash < 0)
            return false;
        ReadOnlySpan<char> first = spec[..dash].Trim(), last = spec[(dash + 1)..].Trim();
        if (first.IsEmpty)
        {
            if (!TryNumber(last, out long suffix))
                return false;
            range = new ByteRange(null, null, suffix);
            return true;
        }

        if (!TryNumber(first, out long from))
            return false;
        if (last.IsEmpty)
        {
            range = new ByteRange(from, null, null);
            return true;
        }

        if (!TryNumber(last, out long to) || to < from)
            return false;
        range = new ByteRange(from, to, null);
        return true;
    }

    /// <summary>Cuts the range to an object. False if no byte of it is there: 416.</summary>
    public bool TryResolve(long size, out long offset, out long length)
    {
        if (Suffix is { } suffix)
        {
            length = Math.Min(suffix, size);
            offset = size - length;
            return length > 0;
        }

        offset = First!.Value;
        length = Math.Max(0, Math.Min(Last ?? long.MaxValue, size - 1) - offset + 1);
        return offset < size;
    }

    /// <summary>
    /// Reads <c>x-amz-copy-source-range</c>, which must be <c>bytes=first-last</c> and lie within the source.
    /// </summary>
    /// <exception cref="S3Exception">InvalidArgument or InvalidRange.</exception>
    public static (long Offset, long Length) ParseCopyRange(string header, long size)
    {
        if (!header.StartsWith(Unit, StringComparison.Ordinal) || !TryParse(header, out ByteRange range)
            || range.First is not { } first || range.Last is not { } last)
            throw S3Error.InvalidArgument.With("ArgumentName", "x-amz-copy-source-range",
                "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy");
        if (last >= size)
            throw S3Error.InvalidRange.Because($"The copy range is not within the source, whose size is {size}.");
        return (first, last - first + 1);
    }

    private static bool TryNumber(ReadOnlySpan<char> text, out long value)
    {
        value = 0;
        foreach (char c in text)
        {
            if (!char.IsAsciiDigit(c))
                return false;
        }

        if (text.IsEmpty)
            return false;
        // A number too large for any object means "to the end".
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value))
            value = long.MaxValue - 2;
        return true;
    }
}
