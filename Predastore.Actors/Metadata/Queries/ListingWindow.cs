using Predastore.Actors.Metadata.Storage;

namespace Predastore.Actors.Metadata.Queries;

/// <summary>Prefix, delimiter and marker of a listing, on escaped key bytes (see <see cref="KeySchema"/>).</summary>
internal sealed class ListingWindow(string prefix, string delimiter, string after)
{
    private readonly byte[] _delimiter = KeySchema.Escape(delimiter);

    /// <summary>Escaped prefix.</summary>
    public byte[] Prefix { get; } = KeySchema.Escape(prefix);

    /// <summary>Escaped marker.</summary>
    public byte[] After { get; } = KeySchema.Escape(after);

    /// <summary>True if a marker was given.</summary>
    public bool HasMarker { get; } = after.Length > 0;

    /// <summary>The common prefix that the key falls under, or empty.</summary>
    public ReadOnlySpan<byte> GroupOf(ReadOnlySpan<byte> key)
    {
        if (_delimiter.Length == 0) return [];
        int at = key[Prefix.Length..].IndexOf(_delimiter);
        return at < 0 ? [] : key[..(Prefix.Length + at + _delimiter.Length)];
    }

    /// <summary>
    /// True if the group was shown on an earlier page: it sorts at or before the marker. Escaping keeps byte order, so escaped bytes
    /// compare as the texts do.
    /// </summary>
    public bool Passed(ReadOnlySpan<byte> group) => HasMarker && group.SequenceCompareTo(After) <= 0;
}
