namespace Predastore.Shards.Transport;

/// <summary>A pause after a failure, twice as long after each further one, until something succeeds. Not thread-safe.</summary>
/// <param name="min">The first pause.</param>
/// <param name="max">The longest.</param>
/// <param name="time">Clock of the pauses.</param>
internal sealed class GrowingPause(TimeSpan min, TimeSpan max, TimeProvider time)
{
    private TimeSpan _length;
    private long _since;

    /// <summary>True from the first failure until something succeeds.</summary>
    public bool HasFailed => _length > TimeSpan.Zero;

    /// <summary>True while the pause lasts.</summary>
    public bool IsOn => HasFailed && time.GetElapsedTime(_since) < _length;

    /// <summary>Something has failed. What ran at the same time counts as one.</summary>
    /// <returns>False if a pause was on already.</returns>
    public bool Fail()
    {
        if (IsOn) return false;
        _length = HasFailed ? _length * 2 : min;
        if (_length > max) _length = max;
        _since = time.GetTimestamp();
        return true;
    }

    /// <summary>Something has succeeded.</summary>
    public void Succeed() => _length = TimeSpan.Zero;
}
