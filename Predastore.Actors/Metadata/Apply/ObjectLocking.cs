namespace Predastore.Actors.Metadata.Apply;

/// <summary>Object lock as S3 rules it (user guide, "How S3 Object Lock works"). Times are Unix milliseconds.</summary>
internal static class ObjectLocking
{
    private const long MsPerDay = 86_400_000;
    private const long MsMax = 253_402_300_799_999;

    /// <summary>True if the version must not be deleted now.</summary>
    public static bool Holds(VersionRow row, long nowMs, bool bypassGovernance)
    {
        if (row.LegalHold) return true;
        return Active(row.Retention, nowMs) && (row.Retention.Mode == LockMode.LockCompliance || !bypassGovernance);
    }

    /// <summary>True if the retention may become <paramref name="next"/> (null removes it).</summary>
    public static bool MayChange(Retention? now, Retention? next, long nowMs, bool bypassGovernance)
    {
        if (!Active(now, nowMs)) return true;
        if (now!.Mode == LockMode.LockGovernance && bypassGovernance) return true;
        return next is not null && next.Mode == now.Mode && next.UntilMs >= now.UntilMs;
    }

    /// <summary>The retention a bucket gives to a new version, or null. Years are calendar years.</summary>
    public static Retention? Default(BucketRow bucket, long nowMs)
    {
        if (!bucket.ObjectLock || bucket.DefaultRetention is not { Mode: not LockMode.LockNone } rule) return null;
        long start = Math.Clamp(nowMs, 0, MsMax);
        long until = Math.Min(MsMax, start + (rule.Days * MsPerDay));
        if (rule.Years > 0)
        {
            DateTimeOffset from = DateTimeOffset.FromUnixTimeMilliseconds(start);
            until = from.Year + rule.Years > 9999 ? MsMax : from.AddYears((int)rule.Years).ToUnixTimeMilliseconds();
        }

        return new Retention { Mode = rule.Mode, UntilMs = until };
    }

    private static bool Active(Retention? retention, long nowMs) =>
        retention is { Mode: not LockMode.LockNone } && retention.UntilMs > nowMs;
}
