using RocksDbSharp;

namespace Predastore.Shards.Disk;

/// <summary>
/// <see cref="IOrderedKv"/> on RocksDB. Any thread may read and write. A failed write or flush poisons the handle: what of it
/// reached the log is unknown, so nothing may be written behind it until the database is opened anew.
/// <see cref="Dispose"/> closes RocksDB once the calls and views under way have ended; native memory is never freed under them.
/// </summary>
public sealed class RocksKv : IOrderedKv
{
    private readonly RocksDb _db;
    private readonly bool _writeAheadLog;
    private readonly object _nativeOptions;
    private readonly WriteOptions _plainWrite;
    private readonly WriteOptions _syncedWrite = new WriteOptions().SetSync(true);

    // Users of the native database, plus one for the open handle; the one that brings it to zero closes the database.
    private int _users = 1;
    private int _disposed;
    private volatile string? _poison;

    internal RocksKv(RocksDb db, bool writeAheadLog, object nativeOptions)
    {
        _db = db;
        _writeAheadLog = writeAheadLog;
        _nativeOptions = nativeOptions;
        _plainWrite = writeAheadLog ? new WriteOptions() : new WriteOptions().DisableWal(1);
    }

    internal RocksDb Db => _db;

    /// <inheritdoc/>
    public byte[]? Get(ReadOnlySpan<byte> key)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        return Get(key, null);
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">A synced write on a database without a write-ahead log.</exception>
    public void Write(KvBatch batch, bool sync)
    {
        if (sync && !_writeAheadLog)
            throw new InvalidOperationException("a synced write needs the write-ahead log; this database was opened without one");
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        if (batch.Count == 0 && !sync)
            return;
        Enter();
        try
        {
            ThrowIfPoisoned();
            using var native = new WriteBatch();
            foreach (var (key, value) in batch.Operations)
            {
                if (value is null)
                    native.Delete(key.AsSpan());
                else
                    native.Put(key.AsSpan(), value.AsSpan());
            }
            _db.Write(native, sync ? _syncedWrite : _plainWrite);
        }
        catch (RocksDbException e)
        {
            throw Poison("write", e);
        }
        finally
        {
            Exit();
        }
    }

    /// <inheritdoc/>
    public void Flush()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        Enter();
        try
        {
            ThrowIfPoisoned();
            _db.Flush(new FlushOptions().SetWaitForFlush(true));
        }
        catch (RocksDbException e)
        {
            throw Poison("flush", e);
        }
        finally
        {
            Exit();
        }
    }

    /// <inheritdoc/>
    public IKvView View()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        Enter();
        return new RocksKvView(this);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            Exit();
    }

    internal byte[]? Get(ReadOnlySpan<byte> key, ReadOptions? options)
    {
        Enter();
        try
        {
            return _db.Get(key, null, options);
        }
        catch (RocksDbException e)
        {
            throw RocksKvFactory.Typed("read", e);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Begins a use of the native database; a view may, until it is disposed, even after the handle was.</summary>
    internal void Enter()
    {
        while (true)
        {
            var users = Volatile.Read(ref _users);
            ObjectDisposedException.ThrowIf(users == 0, this);
            if (Interlocked.CompareExchange(ref _users, users + 1, users) == users)
                return;
        }
    }

    internal void Exit()
    {
        if (Interlocked.Decrement(ref _users) != 0)
            return;
        _db.Dispose();
        GC.KeepAlive(_nativeOptions);
    }

    private void ThrowIfPoisoned()
    {
        if (_poison is { } cause)
            throw new KvException(KvFailure.Poisoned, $"the database takes no writes after an earlier failure: {cause}");
    }

    private KvException Poison(string what, RocksDbException e)
    {
        _poison ??= e.Message;
        return RocksKvFactory.Typed(what, e);
    }
}
