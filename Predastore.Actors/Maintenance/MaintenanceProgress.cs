namespace Predastore.Actors.Maintenance;

/// <summary>What the background work of this process has done since it started, for status and metrics. Thread-safe.</summary>
internal sealed class MaintenanceProgress(TimeProvider time)
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Queue<(long At, long Bytes)> _recent = new();
    private long _recentBytes;
    private long _healedShards, _healedBytes, _movedShards, _movedBytes, _rewritten, _orphans, _collected;
    private long _scrubbedBytes, _scrubFaults, _failures;

    /// <summary>Shards rebuilt.</summary>
    public long HealedShards => Volatile.Read(ref _healedShards);

    /// <summary>Sealed bytes of the shards rebuilt.</summary>
    public long HealedBytes => Volatile.Read(ref _healedBytes);

    /// <summary>Shards copied to another storage id.</summary>
    public long MovedShards => Volatile.Read(ref _movedShards);

    /// <summary>Sealed bytes of the shards copied.</summary>
    public long MovedBytes => Volatile.Read(ref _movedBytes);

    /// <summary>Objects written anew at full width.</summary>
    public long Rewritten => Volatile.Read(ref _rewritten);

    /// <summary>Orphaned extents deleted.</summary>
    public long Orphans => Volatile.Read(ref _orphans);

    /// <summary>Garbage rows collected.</summary>
    public long Collected => Volatile.Read(ref _collected);

    /// <summary>Sealed bytes opened by scrub.</summary>
    public long ScrubbedBytes => Volatile.Read(ref _scrubbedBytes);

    /// <summary>Bad or missing shards that scrub found.</summary>
    public long ScrubFaults => Volatile.Read(ref _scrubFaults);

    /// <summary>Heals and moves that did not succeed and are tried again.</summary>
    public long Failures => Volatile.Read(ref _failures);

    /// <summary>Bytes a second written by heal and moves, over the last ten seconds.</summary>
    public long BytesPerSecond
    {
        get
        {
            lock (_lock)
            {
                Drop(time.GetTimestamp());
                return (long)(_recentBytes / Window.TotalSeconds);
            }
        }
    }

    public void Healed(long bytes)
    {
        Interlocked.Increment(ref _healedShards);
        Interlocked.Add(ref _healedBytes, bytes);
        Wrote(bytes);
    }

    public void Moved(long bytes)
    {
        Interlocked.Increment(ref _movedShards);
        Interlocked.Add(ref _movedBytes, bytes);
        Wrote(bytes);
    }

    public void Rewrote() => Interlocked.Increment(ref _rewritten);

    public void DeletedOrphans(int count) => Interlocked.Add(ref _orphans, count);

    public void CollectedGarbage(int count) => Interlocked.Add(ref _collected, count);

    public void Scrubbed(long bytes) => Interlocked.Add(ref _scrubbedBytes, bytes);

    public void FoundFault() => Interlocked.Increment(ref _scrubFaults);

    public void Failed() => Interlocked.Increment(ref _failures);

    private void Wrote(long bytes)
    {
        lock (_lock)
        {
            long now = time.GetTimestamp();
            Drop(now);
            _recent.Enqueue((now, bytes));
            _recentBytes += bytes;
        }
    }

    private void Drop(long now)
    {
        while (_recent.TryPeek(out (long At, long Bytes) oldest) && time.GetElapsedTime(oldest.At, now) > Window)
        {
            _recent.Dequeue();
            _recentBytes -= oldest.Bytes;
        }
    }
}
