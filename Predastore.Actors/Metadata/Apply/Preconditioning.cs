namespace Predastore.Actors.Metadata.Apply;

/// <summary>Decides <see cref="Preconditions"/> against the row that stands when the command is applied.</summary>
internal static class Preconditioning
{
    /// <summary>For writes: a delete marker counts as absent, and If-Match on an absent key is NO_SUCH_KEY.</summary>
    public static ResultCode ForWrite(Preconditions? wanted, VersionRow? newest)
    {
        if (wanted is null) return ResultCode.ResultOk;
        VersionRow? current = newest is { DeleteMarker: false } ? newest : null;
        if (wanted.IfNoneMatchAny && current is not null) return ResultCode.ResultPreconditionFailed;
        if (current is not null && wanted.IfNoneMatch.Any(etag => SameEtag(etag, current.Etag)))
            return ResultCode.ResultPreconditionFailed;
        if (!NamesExisting(wanted)) return ResultCode.ResultOk;
        if (current is null) return ResultCode.ResultNoSuchKey;
        return Matches(wanted, current) ? ResultCode.ResultOk : ResultCode.ResultPreconditionFailed;
    }

    /// <summary>For deletes of a row that exists: a delete marker matches "*" and no ETag, and has size 0.</summary>
    public static ResultCode ForDelete(Preconditions? wanted, VersionRow row) =>
        wanted is null || Matches(wanted, row) ? ResultCode.ResultOk : ResultCode.ResultPreconditionFailed;

    /// <summary>True if a condition names something that must exist.</summary>
    public static bool NamesExisting(Preconditions? wanted) =>
        wanted is not null && (wanted.IfMatch.Count > 0 || wanted.HasIfMatchSize || wanted.HasIfMatchModifiedMs);

    private static bool Matches(Preconditions wanted, VersionRow row)
    {
        if (wanted.IfMatch.Count > 0 && !wanted.IfMatch.Any(etag => etag == "*" || (row.Etag.Length > 0 && SameEtag(etag, row.Etag))))
            return false;
        if (wanted.HasIfMatchSize && wanted.IfMatchSize != row.Size) return false;
        return !wanted.HasIfMatchModifiedMs || Seconds(wanted.IfMatchModifiedMs) == Seconds(row.ModifiedMs);
    }

    /// <summary>Equality of ETags, quoted or not.</summary>
    public static bool SameEtag(string left, string right) =>
        left.AsSpan().Trim('"').Equals(right.AsSpan().Trim('"'), StringComparison.OrdinalIgnoreCase);

    private static long Seconds(long ms) => ms >= 0 ? ms / 1000 : -((999 - ms) / 1000);
}
