namespace Predastore.Shards.Disk;

/// <summary>How an ordered key-value database is opened.</summary>
/// <param name="WriteAheadLog">
/// True: a synced write survives a crash at once. False: nothing survives but what <see cref="IOrderedKv.Flush"/> covered;
/// after a crash the database stands at a consistent earlier batch, for owners that replay a log of their own.
/// </param>
public sealed record OrderedKvOptions(bool WriteAheadLog = true)
{
    /// <summary>Memory of the block cache, in bytes.</summary>
    public long BlockCacheBytes { get; init; } = 32L << 20;

    /// <summary>Size of one in-memory table before it is written out, in bytes.</summary>
    public long MemtableBytes { get; init; } = 16L << 20;
}

/// <summary>Opens ordered key-value databases; RocksDB in production, crash-modelled memory in simulation.</summary>
public interface IOrderedKvFactory
{
    /// <summary>Opens the database in a directory and creates it if missing.</summary>
    /// <exception cref="IOException">It is damaged, locked or cannot be read.</exception>
    IOrderedKv Open(string directory, OrderedKvOptions options);

    /// <summary>Deletes a closed database with its directory.</summary>
    void Delete(string directory);
}

/// <summary>
/// An ordered map from bytes to bytes, in unsigned byte order. Reads may run from any thread; <see cref="Write"/> may too and is
/// atomic: after a crash a batch is there whole or not at all, and never without the batches before it.
/// </summary>
public interface IOrderedKv : IDisposable
{
    /// <summary>The value, or null.</summary>
    byte[]? Get(ReadOnlySpan<byte> key);

    /// <summary>Applies the batch. With <paramref name="sync"/> it is durable on return (needs the write-ahead log).</summary>
    void Write(KvBatch batch, bool sync);

    /// <summary>Writes memory tables out; everything written before is durable on return, write-ahead log or not.</summary>
    void Flush();

    /// <summary>A consistent view that later writes do not change. The caller disposes it soon: it pins space.</summary>
    IKvView View();
}

/// <summary>A consistent, immutable view of an <see cref="IOrderedKv"/>.</summary>
public interface IKvView : IDisposable
{
    /// <summary>The value, or null.</summary>
    byte[]? Get(ReadOnlySpan<byte> key);

    /// <summary>A cursor, not yet positioned. The caller disposes it.</summary>
    IKvCursor Cursor();
}

/// <summary>
/// A position in a view. <see cref="Key"/> and <see cref="Value"/> are valid until the next move. One thread at a time.
/// </summary>
public interface IKvCursor : IDisposable
{
    /// <summary>True while the cursor stands on an entry.</summary>
    bool Valid { get; }

    /// <summary>Key of the current entry.</summary>
    ReadOnlySpan<byte> Key { get; }

    /// <summary>Value of the current entry.</summary>
    ReadOnlySpan<byte> Value { get; }

    /// <summary>Moves to the first entry at or after <paramref name="key"/>.</summary>
    void Seek(ReadOnlySpan<byte> key);

    /// <summary>Moves to the last entry at or before <paramref name="key"/>.</summary>
    void SeekForPrev(ReadOnlySpan<byte> key);

    /// <summary>Moves to the next entry.</summary>
    void Next();

    /// <summary>Moves to the previous entry.</summary>
    void Prev();
}

/// <summary>Puts and deletes that apply together, in order. Reusable after <see cref="Clear"/>; not thread-safe.</summary>
public sealed class KvBatch
{
    private readonly List<(byte[] Key, byte[]? Value)> _operations = [];

    /// <summary>The operations in order; a null value deletes.</summary>
    public IReadOnlyList<(byte[] Key, byte[]? Value)> Operations => _operations;

    /// <summary>Number of operations.</summary>
    public int Count => _operations.Count;

    /// <summary>Sets a key.</summary>
    public KvBatch Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        _operations.Add((key.ToArray(), value.ToArray()));
        return this;
    }

    /// <summary>Removes a key; no error if it is missing.</summary>
    public KvBatch Delete(ReadOnlySpan<byte> key)
    {
        _operations.Add((key.ToArray(), null));
        return this;
    }

    /// <summary>Empties the batch.</summary>
    public void Clear() => _operations.Clear();
}
