namespace Predastore.Shards.Transport;

/// <summary>
/// Spaces the dials of one peer that cannot be reached: a dead node then costs its callers nothing but an exception, instead of a
/// dial timeout for every request. Thread-safe.
/// </summary>
internal sealed class DialBackoff(TransportOptions options)
{
    private readonly Lock _lock = new();
    private TimeSpan _pause;
    private long _failedAt;
    private string _reason = "";

    /// <summary>Fails at once while the last failed dial is too recent.</summary>
    /// <exception cref="TransportException">With the reason of that failure.</exception>
    public void ThrowIfTooEarly(Peer peer)
    {
        lock (_lock)
        {
            if (_pause > TimeSpan.Zero && options.Time.GetElapsedTime(_failedAt) < _pause)
                throw new TransportException($"{peer} could not be reached a moment ago: {_reason}");
        }
    }

    /// <summary>A dial has failed. Dials that ran at the same time count as one.</summary>
    public void Failed(string reason)
    {
        lock (_lock)
        {
            if (_pause > TimeSpan.Zero && options.Time.GetElapsedTime(_failedAt) < _pause) return;
            _pause = _pause == TimeSpan.Zero ? options.BackoffMin : _pause * 2;
            if (_pause > options.BackoffMax) _pause = options.BackoffMax;
            _failedAt = options.Time.GetTimestamp();
            _reason = reason;
        }
    }

    /// <summary>The peer has answered.</summary>
    public void Succeeded()
    {
        lock (_lock) _pause = TimeSpan.Zero;
    }
}
