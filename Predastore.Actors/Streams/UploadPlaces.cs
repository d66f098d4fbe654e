using System.Diagnostics.CodeAnalysis;

namespace Predastore.Actors.Streams;

/// <summary>A bound that uploads share, in the order in which they came. Thread-safe.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "Without a wait handle a semaphore holds nothing; it lives as long as its process")]
internal sealed class UploadPlaces(int most)
{
    private readonly SemaphoreSlim _turn = new(1);
    private readonly SemaphoreSlim _free = new(most);

    /// <summary>Takes places, all there are at most; disposing the result gives them back.</summary>
    public async Task<IDisposable> TakeAsync(int count, CancellationToken cancel)
    {
        var held = new Held(_free);

        // One after the other: two that each held a part of what they need would wait for each other.
        await _turn.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            for (; held.Count < Math.Min(count, most); held.Count++)
                await _free.WaitAsync(cancel).ConfigureAwait(false);
            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }
        finally
        {
            _turn.Release();
        }
    }

    private sealed class Held(SemaphoreSlim free) : IDisposable
    {
        public int Count { get; set; }

        public void Dispose()
        {
            if (Count > 0)
                free.Release(Count);
            Count = 0;
        }
    }
}
