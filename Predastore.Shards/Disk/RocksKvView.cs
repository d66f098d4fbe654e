using RocksDbSharp;

namespace Predastore.Shards.Disk;

/// <summary>A RocksDB snapshot; keeps its database open until disposed.</summary>
internal sealed class RocksKvView : IKvView
{
    private readonly RocksKv _kv;
    private readonly Snapshot _snapshot;
    private readonly ReadOptions _options;
    private int _disposed;

    /// <summary>Takes over one use that the caller entered on <paramref name="kv"/>.</summary>
    internal RocksKvView(RocksKv kv)
    {
        _kv = kv;
        try
        {
            _snapshot = kv.Db.CreateSnapshot();
            _options = new ReadOptions().SetSnapshot(_snapshot);
        }
        catch
        {
            kv.Exit();
            throw;
        }
    }

    public byte[]? Get(ReadOnlySpan<byte> key)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        return _kv.Get(key, _options);
    }

    public IKvCursor Cursor()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        return new RocksKvCursor(_kv, _options);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _snapshot.Dispose();
        _kv.Exit();
    }
}

/// <summary>A RocksDB iterator; keeps its database open until disposed.</summary>
internal sealed class RocksKvCursor : IKvCursor
{
    private readonly RocksKv _kv;
    private readonly ReadOptions _options;
    private readonly Iterator _iterator;
    private bool _disposed;

    internal RocksKvCursor(RocksKv kv, ReadOptions options)
    {
        _kv = kv;
        _options = options;
        kv.Enter();
        try
        {
            _iterator = kv.Db.NewIterator(null, options);
        }
        catch
        {
            kv.Exit();
            throw;
        }
    }

    public bool Valid => Live().Valid();

    public ReadOnlySpan<byte> Key => Live().GetKeySpan();

    public ReadOnlySpan<byte> Value => Live().GetValueSpan();

    public void Seek(ReadOnlySpan<byte> key)
    {
        Live().Seek(key);
        ThrowIfFailed();
    }

    public void SeekForPrev(ReadOnlySpan<byte> key)
    {
        Live().SeekForPrev(key);
        ThrowIfFailed();
    }

    public void Next()
    {
        Live().Next();
        ThrowIfFailed();
    }

    public void Prev()
    {
        Live().Prev();
        ThrowIfFailed();
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _iterator.Dispose();
        GC.KeepAlive(_options);
        _kv.Exit();
    }

    private Iterator Live()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _iterator;
    }

    // An iterator that meets a bad block just turns invalid: without this check damage would read as the end of the data.
    private void ThrowIfFailed()
    {
        if (_iterator.Valid())
            return;
        Native.Instance.rocksdb_iter_get_error(_iterator.Handle, out var error);
        if (error != IntPtr.Zero)
            throw RocksKvFactory.Typed("read", new RocksDbException(error));
    }
}
