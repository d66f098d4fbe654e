namespace Predastore.Actors.Maintenance;

/// <summary>
/// Makes the background work of a node yield: bytes go through one token bucket and rows through one gate, both narrower while requests
/// are served anywhere in the cluster. Thread-safe.
/// </summary>
/// <param name="settings">Rates.</param>
/// <param name="busy">True while a gate serves requests.</param>
/// <param name="time">Clock of the rates.</param>
internal sealed class MaintenancePace(MaintenanceSettings settings, Func<bool> busy, TimeProvider time)
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan ActiveFor = TimeSpan.FromSeconds(5);

    private readonly TokenBucket _bytes = new(time);
    private long _entered = time.GetTimestamp();
    private int _rows;

    /// <summary>True while requests are served.</summary>
    public bool IsBusy => busy();

    /// <summary>The rate in force, in bytes a second; 0 is no bound.</summary>
    public long BytesPerSecond => busy() ? settings.BytesPerSecondBusy : settings.BytesPerSecondIdle;

    /// <summary>Rows being worked on.</summary>
    public int Rows => Volatile.Read(ref _rows);

    /// <summary>True while rows are worked on, and for a moment after the last one.</summary>
    public bool IsActive => Rows > 0 || time.GetElapsedTime(Interlocked.Read(ref _entered)) < ActiveFor;

    /// <summary>Waits until some bytes may be read or written.</summary>
    public Task TakeAsync(long bytes, CancellationToken cancel) => _bytes.TakeAsync(bytes, BytesPerSecond, cancel);

    /// <summary>Waits until a row may be worked on; dispose the result when it is done.</summary>
    public async Task<IDisposable> EnterAsync(CancellationToken cancel)
    {
        Interlocked.Exchange(ref _entered, time.GetTimestamp());
        while (!TryEnter())
            await Task.Delay(LookInterval, time, cancel).ConfigureAwait(false);
        return new Row(this);
    }

    private bool TryEnter()
    {
        int rows = Volatile.Read(ref _rows);
        int most = Math.Max(1, busy() ? settings.RowsAtOnceBusy : settings.RowsAtOnceIdle);
        return rows < most && Interlocked.CompareExchange(ref _rows, rows + 1, rows) == rows;
    }

    private sealed class Row(MaintenancePace pace) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
                Interlocked.Decrement(ref pace._rows);
        }
    }
}
