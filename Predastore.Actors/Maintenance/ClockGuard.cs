using Microsoft.Extensions.Logging;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// Holds back what is decided by age while this node's clock is far from the median of the cluster's: a clock that jumped ahead would
/// make everything old. One call at a time.
/// </summary>
/// <param name="time">This node's clock.</param>
/// <param name="others">Clocks of the other nodes that answer.</param>
/// <param name="log">Hears when it begins and when it ends.</param>
internal sealed class ClockGuard(TimeProvider time, Func<CancellationToken, Task<IEnumerable<DateTimeOffset>>> others, ILogger log)
{
    /// <summary>How far from the median a clock may be.</summary>
    public static readonly TimeSpan OffsetMax = TimeSpan.FromMinutes(5);

    private bool _held;

    /// <summary>True if this node's clock may be relied on now.</summary>
    public async Task<bool> MayActAsync(CancellationToken cancel)
    {
        IEnumerable<DateTimeOffset> clocks = await others(cancel).ConfigureAwait(false);
        TimeSpan ahead = AheadOfMedian(time.GetUtcNow(), clocks);
        bool held = ahead.Duration() > OffsetMax;
        if (held && !_held)
            Log.ClockHeld(log, ahead);
        else if (!held && _held)
            Log.ClockTrusted(log);
        _held = held;
        return !held;
    }

    /// <summary>How far a clock is ahead of the median of all, itself included; of an even number the median is between the middle two.</summary>
    public static TimeSpan AheadOfMedian(DateTimeOffset own, IEnumerable<DateTimeOffset> others)
    {
        long[] ticks = [.. others.Append(own).Select(clock => clock.UtcTicks).Order()];
        (long low, long high) = (ticks[(ticks.Length - 1) / 2], ticks[ticks.Length / 2]);
        return TimeSpan.FromTicks(own.UtcTicks - low - ((high - low) / 2));
    }
}
