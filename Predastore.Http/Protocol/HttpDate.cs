using System.Globalization;

namespace Predastore.Http.Protocol;

/// <summary>The date forms of HTTP (RFC 9110 section 5.6.7) and of S3. Times are Unix milliseconds, UTC.</summary>
public static class HttpDate
{
    private static readonly string[] HttpForms =
    [
        "ddd, dd MMM yyyy HH:mm:ss 'GMT'", "ddd, dd MMM yyyy HH:mm:ss 'UTC'", "ddd, dd MMM yyyy HH:mm:ss zzz", "ddd, d MMM yyyy HH:mm:ss 'GMT'",
        "dddd, dd-MMM-yy HH:mm:ss 'GMT'", "ddd MMM d HH:mm:ss yyyy",
    ];

    private static readonly string[] IsoForms =
    [
        "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyyMMdd'T'HHmmss'Z'", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd",
    ];

    /// <summary><c>Tue, 24 Nov 2026 04:00:00 GMT</c>; fractions of a second are cut.</summary>
    public static string Format(long unixMs) => DateTimeOffset.FromUnixTimeMilliseconds(unixMs).ToString("R", CultureInfo.InvariantCulture);

    /// <summary><c>2026-11-24T04:00:00.000Z</c>: whole seconds, the same as headers say, so that clients may compare them.</summary>
    public static string FormatIso(long unixMs)
        => DateTimeOffset.FromUnixTimeMilliseconds(unixMs).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'.000Z'", CultureInfo.InvariantCulture);

    /// <summary><c>2026-11-24T04:00:00.123Z</c>, for retention dates, which clients set to the millisecond.</summary>
    public static string FormatIsoExact(long unixMs)
        => DateTimeOffset.FromUnixTimeMilliseconds(unixMs).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>Reads any HTTP date. False for everything else: a condition with a broken date is ignored.</summary>
    public static bool TryParse(string? text, out long unixMs)
    {
        unixMs = 0;
        const DateTimeStyles styles = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal | DateTimeStyles.AllowWhiteSpaces;
        if (!DateTimeOffset.TryParseExact(text, HttpForms, CultureInfo.InvariantCulture, styles, out DateTimeOffset time)
            && !TryParseIsoTime(text, out time))
            return false;
        unixMs = time.ToUnixTimeMilliseconds();
        return true;
    }

    /// <summary>Reads ISO 8601 with any number of fraction digits: clients send nanoseconds.</summary>
    public static bool TryParseIso(string? text, out long unixMs)
    {
        bool parsed = TryParseIsoTime(text, out DateTimeOffset time);
        unixMs = parsed ? time.ToUnixTimeMilliseconds() : 0;
        return parsed;
    }

    private static bool TryParseIsoTime(string? text, out DateTimeOffset time)
    {
        time = default;
        if (text is null || text.Length > 64)
            return false;
        int dot = text.IndexOf('.');
        if (dot >= 0)
        {
            int end = dot + 1;
            while (end < text.Length && char.IsAsciiDigit(text[end]))
                end++;
            if (end - dot > 8)
                text = string.Concat(text.AsSpan(0, dot + 8), text.AsSpan(end));
        }

        return DateTimeOffset.TryParseExact(text, IsoForms, CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);
    }
}
