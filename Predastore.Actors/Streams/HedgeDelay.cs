namespace Predastore.Actors.Streams;

/// <summary>
/// How long a read waits for a shard before it asks for parity as well: the p95 of recent shard reads, within
/// [<see cref="Min"/>, <see cref="Max"/>]. Thread-safe; the estimate is a hint.
/// </summary>
internal sealed class HedgeDelay(TimeProvider? time = null)
{
    /// <summary>Least delay: below it, parity would be read for noise.</summary>
    public static readonly TimeSpan Min = TimeSpan.FromMilliseconds(20);

    /// <summary>Greatest delay: a reader never waits longer for the slowest node.</summary>
    public static readonly TimeSpan Max = TimeSpan.FromMilliseconds(500);

    /// <summary>Clock of shard reads.</summary>
    public TimeProvider Time { get; } = time ?? TimeProvider.System;

    private const int Samples = 256;
    private const int RecountEvery = 32;

    private readonly Lock _lock = new();
    private readonly long[] _ticks = new long[Samples];
    private int _count;
    private long _p95 = Min.Ticks;

    /// <summary>The delay now.</summary>
    public TimeSpan Current => TimeSpan.FromTicks(Math.Clamp(Interlocked.Read(ref _p95), Min.Ticks, Max.Ticks));

    /// <summary>Takes the duration of one shard read.</summary>
    public void Observe(TimeSpan took)
    {
        lock (_lock)
        {
            _ticks[_count++ % Samples] = took.Ticks;
            if (_count % RecountEvery != 0)
                return;
            int filled = Math.Min(_count, Samples);
            long[] sorted = _ticks[..filled];
            Array.Sort(sorted);
            Interlocked.Exchange(ref _p95, sorted[filled * 95 / 100]);
        }
    }
}
