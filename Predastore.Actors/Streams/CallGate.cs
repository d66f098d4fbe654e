namespace Predastore.Actors.Streams;

/// <summary>
/// Calls that use buffers outside the stages of a stream. A stream that is torn down waits for none of them, and a buffer that went back
/// to the pool under a call would get its bytes into somebody else's object. Once closed, no call begins. Thread-safe.
/// </summary>
internal sealed class CallGate
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _calls;
    private bool _closed;

    /// <summary>Runs a call.</summary>
    /// <exception cref="OperationCanceledException">The gate is closed; the call was not made.</exception>
    public async Task<T> RunAsync<T>(Func<Task<T>> call)
    {
        lock (_lock)
        {
            if (_closed)
                throw new OperationCanceledException("The stream has ended.");
            _calls++;
        }

        try
        {
            return await call().ConfigureAwait(false);
        }
        finally
        {
            lock (_lock)
            {
                if (--_calls == 0 && _closed)
                    _empty.TrySetResult();
            }
        }
    }

    /// <summary>Closes the gate and waits for the calls under way.</summary>
    public Task CloseAsync()
    {
        lock (_lock)
        {
            _closed = true;
            if (_calls == 0)
                _empty.TrySetResult();
        }

        return _empty.Task;
    }
}
