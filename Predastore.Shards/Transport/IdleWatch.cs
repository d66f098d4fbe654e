using System.Collections.Concurrent;

namespace Predastore.Shards.Transport;

/// <summary>
/// Aborts streams whose pending read or write makes no progress. One timer looks at all streams of a transport, so that an
/// operation costs two stores instead of a timer of its own. Thread-safe.
/// </summary>
internal sealed class IdleWatch : IDisposable
{
    private readonly ConcurrentDictionary<TransportStream, byte> _streams = new();
    private readonly ITimer _timer;

    public IdleWatch(TransportOptions options)
    {
        Time = options.Time;
        Limit = options.StreamIdle;
        // A stall is cut between one and one and a quarter limits after it began.
        TimeSpan period = TimeSpan.FromTicks(Math.Clamp(Limit.Ticks / 4, TimeSpan.TicksPerMillisecond * 10, TimeSpan.TicksPerSecond * 5));
        _timer = Time.CreateTimer(static self => ((IdleWatch)self!).Look(), this, period, period);
    }

    /// <summary>How long an operation may make no progress.</summary>
    public TimeSpan Limit { get; }

    public TimeProvider Time { get; }

    /// <summary>Streams being watched.</summary>
    public int Count => _streams.Count;

    public void Add(TransportStream stream) => _streams.TryAdd(stream, 0);

    public void Remove(TransportStream stream) => _streams.TryRemove(stream, out _);

    /// <summary>Aborts every stream; used when its transport is disposed.</summary>
    public void AbortAll()
    {
        foreach (TransportStream stream in _streams.Keys) stream.Abort();
    }

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        long now = Time.GetTimestamp();
        foreach (TransportStream stream in _streams.Keys) stream.AbortIfStalled(now);
    }
}
