namespace Predastore.Shards.Transport;

/// <summary>
/// Spaces the dials of one peer that cannot be reached: a dead node then costs its callers nothing but an exception, instead of a
/// dial timeout for every request. Thread-safe.
/// </summary>
internal sealed class DialBackoff(TransportOptions options)
{
    private readonly Lock _lock = new();
    private readonly GrowingPause _pause = new(options.BackoffMin, options.BackoffMax, options.Time);
    private string _reason = "";

    /// <summary>Fails at once while the last failed dial is too recent.</summary>
    /// <exception cref="TransportException">With the reason of that failure.</exception>
    public void ThrowIfTooEarly(Peer peer)
    {
        lock (_lock)
        {
            if (_pause.IsOn)
                throw new TransportException($"{peer} could not be reached a moment ago: {_reason}");
        }
    }

    /// <summary>A dial has failed. Dials that ran at the same time count as one.</summary>
    public void Failed(string reason)
    {
        lock (_lock)
        {
            if (_pause.Fail()) _reason = reason;
        }
    }

    /// <summary>The peer has answered.</summary>
    public void Succeeded()
    {
        lock (_lock) _pause.Succeed();
    }
}
