using Predastore.Shards.Disk;

namespace Predastore.Testing.Disk;

/// <summary>A state of a <see cref="MemoryKv"/>, which never changes.</summary>
internal sealed class MemoryKvView(KeyValuePair<byte[], byte[]>[] state) : IKvView
{
    private bool _disposed;

    public byte[]? Get(ReadOnlySpan<byte> key)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return MemoryKv.Find(state, key);
    }

    public IKvCursor Cursor()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new Position(state);
    }

    public void Dispose() => _disposed = true;

    private sealed class Position(KeyValuePair<byte[], byte[]>[] state) : IKvCursor
    {
        private int _at = -1;
        private bool _disposed;

        public bool Valid
        {
            get
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                return _at >= 0 && _at < state.Length;
            }
        }

        public ReadOnlySpan<byte> Key => state[_at].Key;

        public ReadOnlySpan<byte> Value => state[_at].Value;

        public void Seek(ReadOnlySpan<byte> key)
        {
            var at = MemoryKv.Search(state, key);
            _at = at < 0 ? ~at : at;
        }

        public void SeekForPrev(ReadOnlySpan<byte> key)
        {
            var at = MemoryKv.Search(state, key);
            _at = at < 0 ? ~at - 1 : at;
        }

        public void Next() => _at = Valid ? _at + 1 : state.Length;

        public void Prev() => _at = Valid ? _at - 1 : -1;

        public void Dispose() => _disposed = true;
    }
}
