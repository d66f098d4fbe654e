using System.Diagnostics.CodeAnalysis;

namespace Predastore.Shards.Transport;

/// <summary>The exchanges that may be under way with one peer. Thread-safe.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "Without a wait handle a semaphore holds nothing; a place may come back after its pool has ended")]
internal sealed class StreamPlaces(Peer peer, TransportOptions options)
{
    private readonly SemaphoreSlim _free = new(options.StreamsPerPeerMax);

    /// <summary>Takes a place, which is given back once.</summary>
    /// <exception cref="TransportException">None became free in time; it is <see cref="TransportException.Busy"/>.</exception>
    public async ValueTask TakeAsync(CancellationToken cancel)
    {
        if (!await _free.WaitAsync(options.PlaceTimeout, cancel).ConfigureAwait(false))
            throw new TransportException($"{options.StreamsPerPeerMax} exchanges with {peer} are under way") { Busy = true };
    }

    /// <summary>Gives a place back.</summary>
    public void Release() => _free.Release();
}
