using System.Collections.Concurrent;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// How long each storage id has been out of reach, as this process sees it; a restart counts anew. It says when to try and never
/// whether something is allowed. Thread-safe.
/// </summary>
internal sealed class AwayClock(Func<uint, bool> usable, TimeProvider time)
{
    private readonly ConcurrentDictionary<uint, long> _since = [];

    /// <summary>Looks at a storage id: zero while it can be used, else the time since it was first seen out of reach.</summary>
    public TimeSpan Look(uint storageId)
    {
        if (usable(storageId))
        {
            _since.TryRemove(storageId, out _);
            return TimeSpan.Zero;
        }

        long now = time.GetTimestamp();
        TimeSpan away = time.GetElapsedTime(_since.GetOrAdd(storageId, now), now);

        // Never zero, not even at the first look: zero says that it can be used.
        return away > TimeSpan.Zero ? away : TimeSpan.FromTicks(1);
    }
}
