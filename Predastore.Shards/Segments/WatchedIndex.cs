using Predastore.Shards.Disk;

namespace Predastore.Shards.Segments;

/// <summary>
/// An index that notices its own damage: the first read that meets a bad block is remembered, because nothing but a rebuild from the
/// segments makes the rows in it readable again.
/// </summary>
internal sealed class WatchedIndex(IOrderedKv inner) : IOrderedKv
{
    private volatile string? _damage;

    /// <summary>What was met, or null.</summary>
    public string? Damage => _damage;

    public byte[]? Get(ReadOnlySpan<byte> key)
    {
        try
        {
            return inner.Get(key);
        }
        catch (KvException e) when (Note(e))
        {
            throw;
        }
    }

    public void Write(KvBatch batch, bool sync)
    {
        try
        {
            inner.Write(batch, sync);
        }
        catch (KvException e) when (Note(e))
        {
            throw;
        }
    }

    public void Flush() => inner.Flush();

    public IKvView View() => new Watched(this, inner.View());

    public void Dispose() => inner.Dispose();

    // Always false, as a filter: the stack of the failure stays whole.
    private bool Note(KvException e)
    {
        if (e.Failure == KvFailure.Damaged)
            _damage ??= e.Message;
        return false;
    }

    private sealed class Watched(WatchedIndex owner, IKvView view) : IKvView
    {
        public byte[]? Get(ReadOnlySpan<byte> key)
        {
            try
            {
                return view.Get(key);
            }
            catch (KvException e) when (owner.Note(e))
            {
                throw;
            }
        }

        public IKvCursor Cursor() => new WatchedCursor(owner, view.Cursor());

        public void Dispose() => view.Dispose();
    }

    private sealed class WatchedCursor(WatchedIndex owner, IKvCursor cursor) : IKvCursor
    {
        public bool Valid => cursor.Valid;

        public ReadOnlySpan<byte> Key => cursor.Key;

        public ReadOnlySpan<byte> Value => cursor.Value;

        public void Seek(ReadOnlySpan<byte> key)
        {
            try
            {
                cursor.Seek(key);
            }
            catch (KvException e) when (owner.Note(e))
            {
                throw;
            }
        }

        public void SeekForPrev(ReadOnlySpan<byte> key)
        {
            try
            {
                cursor.SeekForPrev(key);
            }
            catch (KvException e) when (owner.Note(e))
            {
                throw;
            }
        }

        public void Next()
        {
            try
            {
                cursor.Next();
            }
            catch (KvException e) when (owner.Note(e))
            {
                throw;
            }
        }

        public void Prev()
        {
            try
            {
                cursor.Prev();
            }
            catch (KvException e) when (owner.Note(e))
            {
                throw;
            }
        }

        public void Dispose() => cursor.Dispose();
    }
}
