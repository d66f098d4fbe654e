namespace Predastore.Actors.Maintenance;

/// <summary>
/// Bounds a rate in bytes a second. A taker never waits for its own bytes, only for the debt of those before it, so that a take larger
/// than the burst goes through and is paid for afterwards. Thread-safe.
/// </summary>
internal sealed class TokenBucket(TimeProvider time)
{
    private const double BurstSeconds = 0.1;

    private readonly Lock _lock = new();
    private double _tokens;
    private long _filled = time.GetTimestamp();

    /// <summary>Takes bytes at a rate, which may differ from take to take; 0 is no bound.</summary>
    public Task TakeAsync(long bytes, long bytesPerSecond, CancellationToken cancel)
    {
        TimeSpan wait = Take(bytes, bytesPerSecond);
        return wait <= TimeSpan.Zero ? Task.CompletedTask : Task.Delay(wait, time, cancel);
    }

    /// <summary>Takes bytes and returns how long the taker has to wait.</summary>
    public TimeSpan Take(long bytes, long bytesPerSecond)
    {
        lock (_lock)
        {
            long now = time.GetTimestamp();
            double passed = time.GetElapsedTime(_filled, now).TotalSeconds;
            _filled = now;
            if (bytesPerSecond == 0)
            {
                _tokens = 0;
                return TimeSpan.Zero;
            }

            _tokens = Math.Min(_tokens + (passed * bytesPerSecond), BurstSeconds * bytesPerSecond);
            TimeSpan wait = _tokens >= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(-_tokens / bytesPerSecond);
            _tokens -= bytes;
            return wait;
        }
    }
}
