namespace Predastore.Http.Protocol;

/// <summary>What the conditions of a read say.</summary>
public enum ConditionOutcome
{
    Proceed,
    NotModified,
    Failed,
}

/// <summary>
/// The conditional headers of GET, HEAD and copy sources, in the order of RFC 9110 section 13.2.2: If-Match hides
/// If-Unmodified-Since, If-None-Match hides If-Modified-Since. Dates compare in whole seconds.
/// </summary>
public readonly record struct ReadConditions(string? IfMatch, string? IfNoneMatch, string? IfModifiedSince, string? IfUnmodifiedSince)
{
    /// <summary>True if there is none.</summary>
    public bool IsEmpty => IfMatch is null && IfNoneMatch is null && IfModifiedSince is null && IfUnmodifiedSince is null;

    /// <summary>Decides for a version.</summary>
    /// <param name="etag">Without quotes.</param>
    /// <param name="modifiedMs">Its time.</param>
    /// <param name="nowMs">A date in the future is no condition.</param>
    public ConditionOutcome Evaluate(string etag, long modifiedMs, long nowMs)
    {
        long modified = modifiedMs / 1000;
        if (IfMatch is not null)
        {
            if (!Matches(IfMatch, etag))
                return ConditionOutcome.Failed;
        }
        else if (HttpDate.TryParse(IfUnmodifiedSince, out long unmodifiedMs) && modified > unmodifiedMs / 1000)
        {
            return ConditionOutcome.Failed;
        }

        if (IfNoneMatch is not null)
            return Matches(IfNoneMatch, etag) ? ConditionOutcome.NotModified : ConditionOutcome.Proceed;
        return HttpDate.TryParse(IfModifiedSince, out long sinceMs) && sinceMs <= nowMs && modified <= sinceMs / 1000
            ? ConditionOutcome.NotModified
            : ConditionOutcome.Proceed;
    }

    /// <summary>True if a Range header still applies: If-Range names this tag, or a date at or after its time.</summary>
    public static bool RangeApplies(string? ifRange, string etag, long modifiedMs)
    {
        if (string.IsNullOrEmpty(ifRange))
            return true;
        return HttpDate.TryParse(ifRange, out long since) ? modifiedMs / 1000 <= since / 1000 : ETags.Bare(ifRange) == etag;
    }

    private static bool Matches(string header, string etag)
    {
        foreach (string tag in ETags.ParseList(header))
        {
            if (tag == "*" || tag == etag)
                return true;
        }

        return false;
    }
}
