namespace Predastore.Shards.Protocol;

/// <summary>A token that ends with its caller's, or when a time has passed on the given clock.</summary>
public sealed class Deadline : IDisposable
{
    private readonly CancellationTokenSource _time;
    private readonly CancellationTokenSource _either;

    /// <summary>Starts the time.</summary>
    public Deadline(TimeSpan after, TimeProvider time, CancellationToken cancel)
    {
        _time = new CancellationTokenSource(after, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(cancel, _time.Token);
    }

    /// <summary>The token.</summary>
    public CancellationToken Token => _either.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        _either.Dispose();
        _time.Dispose();
    }
}
