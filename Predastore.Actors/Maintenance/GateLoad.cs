using Predastore.Actors.Client;

namespace Predastore.Actors.Maintenance;

/// <summary>Whether the gate of this process serves requests: what its write session has open, and how long ago it had. Thread-safe.</summary>
internal sealed class GateLoad(SessionHolder gate, TimeSpan quietAfter, TimeProvider time)
{
    private readonly Lock _lock = new();
    private ulong _begun;
    private long? _last;

    /// <summary>True while requests are open, and for a moment after the last one.</summary>
    public bool IsServing
    {
        get
        {
            if (gate.Current is not { } session)
                return false;
            (int open, ulong begun) = session.Activity;
            lock (_lock)
            {
                long now = time.GetTimestamp();
                if (open > 0 || begun != _begun)
                    _last = now;
                _begun = begun;
                return _last is { } last && time.GetElapsedTime(last, now) < quietAfter;
            }
        }
    }
}
