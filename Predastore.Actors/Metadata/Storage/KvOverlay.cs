using Predastore.Shards.Disk;

namespace Predastore.Actors.Metadata.Storage;

/// <summary>
/// A view with writes on top that are not in the database yet: what a command reads while its batch is being made. One thread.
/// Disposing it leaves the view below alone.
/// </summary>
internal sealed class KvOverlay(IKvView below) : IKvView
{
    // Greater than every key: no table has prefix FF.
    private static readonly byte[] s_end = [0xFF];

    private readonly Dictionary<byte[], byte[]?> _values = new(ByteOrder.Instance);
    private readonly SortedSet<byte[]> _keys = new(ByteOrder.Instance);

    /// <inheritdoc/>
    public byte[]? Get(ReadOnlySpan<byte> key) =>
        _values.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out byte[]? value) ? value : below.Get(key);

    /// <summary>Sets a key, or removes it when the value is null.</summary>
    public void Set(byte[] key, byte[]? value)
    {
        if (!_values.ContainsKey(key)) _keys.Add(key);
        _values[key] = value;
    }

    /// <summary>Everything written, in key order: one put or delete a key.</summary>
    public KvBatch ToBatch()
    {
        var batch = new KvBatch();
        foreach (byte[] key in _keys)
        {
            if (_values[key] is { } value) batch.Put(key, value);
            else batch.Delete(key);
        }

        return batch;
    }

    /// <inheritdoc/>
    public IKvCursor Cursor() => new MergingCursor(this, below.Cursor());

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    // Re-seeks on every move, because writes may come between two moves. Forward only: no command walks backwards.
    private sealed class MergingCursor(KvOverlay overlay, IKvCursor cursor) : IKvCursor
    {
        private byte[]? _key;
        private byte[]? _value;

        public bool Valid => _key is not null;

        public ReadOnlySpan<byte> Key => _key;

        public ReadOnlySpan<byte> Value => _value;

        public void Seek(ReadOnlySpan<byte> key)
        {
            byte[] from = key.ToArray();
            while (true)
            {
                cursor.Seek(from);
                byte[]? pending = overlay.Ceiling(from);
                if (pending is null || (cursor.Valid && cursor.Key.SequenceCompareTo(pending) < 0))
                {
                    _key = cursor.Valid ? cursor.Key.ToArray() : null;
                    _value = cursor.Valid ? cursor.Value.ToArray() : null;
                    return;
                }

                if (overlay._values[pending] is { } value)
                {
                    _key = pending;
                    _value = value;
                    return;
                }

                // A pending delete hides this key here and below.
                from = [.. pending, 0];
            }
        }

        public void Next()
        {
            if (_key is not null) Seek([.. _key, 0]);
        }

        public void SeekForPrev(ReadOnlySpan<byte> key) => throw new NotSupportedException("the overlay is walked forwards only");

        public void Prev() => throw new NotSupportedException("the overlay is walked forwards only");

        public void Dispose() => cursor.Dispose();
    }

    private byte[]? Ceiling(byte[] key) =>
        _keys.Count == 0 || ByteOrder.Instance.Compare(key, s_end) >= 0 ? null : _keys.GetViewBetween(key, s_end).Min;
}
