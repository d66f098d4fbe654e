using System.Runtime.CompilerServices;

namespace Predastore.Shards.Transport;

/// <summary>
/// What all kinds of streams share: the idle limit, one type of error, and who has ended which direction. A kind implements the
/// core members; they may throw anything.
/// </summary>
internal abstract class TransportStream : ITransportStream
{
    private readonly IdleWatch _watch;
    private long _readSince;
    private long _writeSince;
    private long _progressAt;
    private long _readLimitTicks;
    private int _aborted;
    private int _disposed;
    private int _pins = 1;
    private bool _clean;
    private bool _stalled;

    protected TransportStream(IdleWatch watch)
    {
        _watch = watch;
        _readLimitTicks = watch.Limit.Ticks;
        watch.Add(this);
    }

    public abstract TransportKind Kind { get; }

    public virtual bool Reused => false;

    protected bool WritesCompleted { get; private set; }

    protected bool ReadsCompleted { get; private set; }

    private TimeSpan ReadLimit => TimeSpan.FromTicks(Volatile.Read(ref _readLimitTicks));

    protected bool Aborted => Volatile.Read(ref _aborted) != 0;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancel)
    {
        Enter();
        Volatile.Write(ref _readSince, _watch.Time.GetTimestamp());
        try
        {
            int read = await ReadCoreAsync(buffer, cancel).ConfigureAwait(false);
            Volatile.Write(ref _progressAt, _watch.Time.GetTimestamp());
            return read;
        }
        catch (Exception e) when (!IsCallers(e, cancel))
        {
            throw Broken("reading", e);
        }
        finally
        {
            Volatile.Write(ref _readSince, 0);
            if (Interlocked.Decrement(ref _pins) == 0) _ = CloseAsync();
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, bool last, CancellationToken cancel)
    {
        if (WritesCompleted) throw new InvalidOperationException("the writing side has been ended");
        Enter();
        Volatile.Write(ref _writeSince, _watch.Time.GetTimestamp());
        try
        {
            await WriteCoreAsync(bytes, last, cancel).ConfigureAwait(false);
            Volatile.Write(ref _progressAt, _watch.Time.GetTimestamp());
            WritesCompleted = last;
        }
        catch (Exception e) when (!IsCallers(e, cancel))
        {
            throw Broken("writing", e);
        }
        finally
        {
            Volatile.Write(ref _writeSince, 0);
            if (Interlocked.Decrement(ref _pins) == 0) _ = CloseAsync();
        }
    }

    public void CompleteReads() => ReadsCompleted = true;

    public void AllowSilence(TimeSpan? limit) => Volatile.Write(ref _readLimitTicks, (limit ?? _watch.Limit).Ticks);

    public void Abort()
    {
        if (Interlocked.Exchange(ref _aborted, 1) != 0) return;
        try
        {
            AbortCore();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // It is being closed by somebody else: that is what was wanted.
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _watch.Remove(this);
        // An operation still under way at this point makes the connection unfit for another exchange.
        _clean = WritesCompleted && ReadsCompleted && !Aborted && Volatile.Read(ref _pins) == 1;
        if (!_clean) Abort();
        if (Interlocked.Decrement(ref _pins) == 0) await CloseAsync().ConfigureAwait(false);
    }

    internal void AbortIfStalled(long now)
    {
        long read = Volatile.Read(ref _readSince), write = Volatile.Read(ref _writeSince), progress = Volatile.Read(ref _progressAt);
        if (!IsOld(read, ReadLimit) && !IsOld(write, _watch.Limit)) return;
        _stalled = true;
        Abort();

        // Progress of either direction counts: whoever uploads for minutes waits for the answer all the while.
        bool IsOld(long since, TimeSpan limit) => since != 0 && _watch.Time.GetElapsedTime(Math.Max(since, progress), now) > limit;
    }

    protected abstract ValueTask<int> ReadCoreAsync(Memory<byte> buffer, CancellationToken cancel);

    protected abstract ValueTask WriteCoreAsync(ReadOnlyMemory<byte> bytes, bool last, CancellationToken cancel);

    /// <summary>Makes pending operations fail, and lets the other side know. Called once, from any thread.</summary>
    protected abstract void AbortCore();

    /// <summary>Lets go of the connection; <paramref name="clean"/>: both directions ended, it may be used again.</summary>
    protected abstract ValueTask CloseCoreAsync(bool clean);

    // A cancelled operation may have left half a record behind: the stream cannot be used on.
    private bool IsCallers(Exception e, CancellationToken cancel)
    {
        if (e is not OperationCanceledException || !cancel.IsCancellationRequested) return false;
        Abort();
        return true;
    }

    // Buffers are recycled when a stream closes: it closes only after the last operation on it has returned, whoever disposed it.
    private void Enter()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        if (Aborted) throw Broken("using", null);
        int pins = Volatile.Read(ref _pins);
        while (true)
        {
            ObjectDisposedException.ThrowIf(pins == 0, this);
            int seen = Interlocked.CompareExchange(ref _pins, pins + 1, pins);
            if (seen == pins) return;
            pins = seen;
        }
    }

    private async Task CloseAsync()
    {
        try
        {
            await CloseCoreAsync(_clean).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Closing a broken connection may fail in many ways, and nobody can do anything about it.
        }
    }

    private TransportException Broken(string doing, Exception? inner)
    {
        // Read before the abort below, which is ours.
        bool aborted = Aborted;
        Abort();
        if (_stalled)
            return new TransportException($"the peer made no progress for {_watch.Limit.TotalSeconds:0.#} s", inner) { Stalled = true };
        return aborted
            ? new TransportException("the exchange was aborted", inner)
            : new TransportException($"the connection broke while {doing}: {inner?.Message}", inner);
    }
}
