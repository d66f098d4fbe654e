using System.Collections.Concurrent;

namespace Predastore.Shards.Transport;

/// <summary>
/// The handlers that run for one listener: at most so many for each remote node, and all ended when the listener stops. A
/// handler's exception ends its stream and nothing else. Thread-safe.
/// </summary>
internal sealed class HandlerSet(StreamHandler handler, TransportOptions options) : IDisposable
{
    private readonly ConcurrentDictionary<uint, int> _perNode = new();
    private readonly ConcurrentDictionary<ITransportStream, byte> _running = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // One for the listener itself, so that it reaches zero only once, after the stop.
    private int _count = 1;

    /// <summary>Ends when the listener stops.</summary>
    public CancellationToken Stopping => _stop.Token;

    /// <summary>True once the listener stops.</summary>
    public bool IsStopping => _stop.IsCancellationRequested;

    /// <summary>Takes a place for a handler; false where there is none. Every true is followed by one run.</summary>
    public bool TryEnter(uint node)
    {
        if (_perNode.AddOrUpdate(node, 1, static (_, n) => n + 1) > options.StreamsPerRemoteNodeMax)
        {
            Leave(node);
            return false;
        }
        Interlocked.Increment(ref _count);
        if (!_stop.IsCancellationRequested) return true;
        Leave(node);
        Release();
        return false;
    }

    /// <summary>Runs the handler in the place taken, and disposes the stream.</summary>
    public async Task RunEnteredAsync(ITransportStream stream, PeerIdentity peer)
    {
        _running.TryAdd(stream, 0);
        try
        {
            await handler(stream, peer, _stop.Token).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // The handler reports its own failures; here the stream ends uncleanly, and the listener goes on.
            stream.Abort();
        }
        finally
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            _running.TryRemove(stream, out _);
            Leave(peer.Node);
            Release();
        }
    }

    /// <summary>Tells the handlers to end, waits for them up to the limit, and cuts the rest. Called once.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        Release();
        if (await DrainedAsync().ConfigureAwait(false)) return;
        foreach (ITransportStream stream in _running.Keys) stream.Abort();
        await DrainedAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose() => _stop.Dispose();

    private async Task<bool> DrainedAsync()
    {
        try
        {
            await _drained.Task.WaitAsync(options.StopTimeout, options.Time).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private void Leave(uint node) => _perNode.AddOrUpdate(node, 0, static (_, n) => n - 1);

    private void Release()
    {
        if (Interlocked.Decrement(ref _count) == 0) _drained.TrySetResult();
    }
}
