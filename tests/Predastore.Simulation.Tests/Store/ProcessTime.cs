namespace Predastore.Simulation.Tests.Store;

/// <summary>The clock of one process: virtual, a little fast or slow, and set wrong. Its timers die with the process.</summary>
internal sealed class ProcessTime(SimProcess process, VirtualClock clock) : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override long GetTimestamp() => clock.Now * process.Host.ClockPerMille / 1000 * TimeSpan.TicksPerMillisecond;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => Start.AddMilliseconds((clock.Now * process.Host.ClockPerMille / 1000) + process.Host.ClockOffsetMs);

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(process, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer(SimProcess process, TimerCallback callback, object? state) : ITimer
    {
        private int _version;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            int version = ++_version;
            if (dueTime == Timeout.InfiniteTimeSpan)
                return true;
            long due = Math.Max(0, (long)dueTime.TotalMilliseconds) * 1000 / process.Host.ClockPerMille;
            process.After(due, () =>
            {
                if (version != _version)
                    return;
                if (period != Timeout.InfiniteTimeSpan)
                    Change(period, period);
                callback(state);
            });
            return true;
        }

        public void Dispose() => _version++;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
