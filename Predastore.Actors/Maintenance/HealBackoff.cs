using Google.Protobuf;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// Rows whose heal failed again and again, so that what cannot be healed now (more than M shards gone, a node away) neither fills the log
/// nor takes the turn of others. Bounded: when full it forgets all, which only means that they are tried once more. Thread-safe.
/// </summary>
internal sealed class HealBackoff(TimeProvider time)
{
    /// <summary>Failures in a row that cost nothing yet.</summary>
    public const int FailuresFree = 3;

    /// <summary>The longest pause.</summary>
    public static readonly TimeSpan PauseMax = TimeSpan.FromMinutes(2);

    private const int RowsMax = 8192;
    private static readonly TimeSpan PauseMin = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<ByteString, (int Failures, long Since)> _rows = [];

    /// <summary>True if the row should not be tried yet.</summary>
    public bool IsPaused(ByteString dataId)
    {
        lock (_lock)
        {
            return _rows.TryGetValue(dataId, out (int Failures, long Since) row) && row.Failures >= FailuresFree
                && time.GetElapsedTime(row.Since) < PauseAfter(row.Failures);
        }
    }

    /// <summary>Notes how a heal of the row ended.</summary>
    public void Note(ByteString dataId, bool healed)
    {
        lock (_lock)
        {
            if (healed)
            {
                _rows.Remove(dataId);
                return;
            }

            if (_rows.Count >= RowsMax)
                _rows.Clear();
            _rows[dataId] = (_rows.GetValueOrDefault(dataId).Failures + 1, time.GetTimestamp());
        }
    }

    private static TimeSpan PauseAfter(int failures)
    {
        double factor = Math.Pow(2, Math.Min(failures - FailuresFree, 20));
        return PauseMin * factor < PauseMax ? PauseMin * factor : PauseMax;
    }
}
