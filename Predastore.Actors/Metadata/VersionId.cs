using System.Globalization;

namespace Predastore.Actors.Metadata;

/// <summary>
/// The text of a version id: 24 lower-case hexadecimal digits of the position (log index 8, place 4), so that text order is the
/// order of writing; or "null" for the version written while versioning was off or suspended.
/// </summary>
public static class VersionId
{
    /// <summary>The id of the null version.</summary>
    public const string Null = "null";

    private const int Digits = 24;

    /// <summary>The id by which clients know a version.</summary>
    public static string Format(VersionRow version) => version.IsNull ? Null : Format(version.Position);

    /// <summary>The text of a position.</summary>
    public static string Format(Position position) =>
        string.Create(CultureInfo.InvariantCulture, $"{position.Index:x16}{position.Place:x8}");

    /// <summary>Reads the text of a position; false for anything else, "null" included.</summary>
    public static bool TryParse(string text, out Position position)
    {
        position = new Position();
        if (text.Length != Digits) return false;
        foreach (char c in text)
            if (!char.IsAsciiDigit(c) && c is < 'a' or > 'f') return false;
        position.Index = ulong.Parse(text.AsSpan(0, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        position.Place = uint.Parse(text.AsSpan(16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        return true;
    }
}
