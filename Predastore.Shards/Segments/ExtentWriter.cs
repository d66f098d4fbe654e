using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;

namespace Predastore.Shards.Segments;

/// <summary>What a new shard is.</summary>
/// <param name="Shard">Object hash and shard index.</param>
/// <param name="WriteId">session 4 || counter 4.</param>
/// <param name="AttemptId">Random, of this attempt.</param>
/// <param name="K">Data shards of the geometry.</param>
/// <param name="M">Parity shards of the geometry.</param>
/// <param name="SizeHint">Expected sealed bytes, or -1; room is taken in steps, never because of the hint alone.</param>
public readonly record struct ExtentRequest(ShardKey Shard, ulong WriteId, Guid AttemptId, ushort K, ushort M, long SizeHint = -1)
{
    /// <summary>The same, from the wire.</summary>
    public static ExtentRequest From(PutShardRequest put) =>
        new(put.Key, put.WriteId, put.AttemptId, put.K, put.M, put.SizeHint);
}

/// <summary>
/// Takes the sealed bytes of one shard, straight to the file. <see cref="WriteAsync"/> runs on any thread, one call at a time, and
/// shares no lock with other writers while it writes; it asks the store for more room each time a step is used up.
/// Ends in <see cref="SegmentStore.Commit"/> or in <see cref="Abort"/>.
/// </summary>
public sealed class ExtentWriter : IDisposable
{
    private readonly SegmentStore _store;
    private readonly Lock _sync = new();
    private State _state;
    private bool _writing;
    private bool _broken;

    internal ExtentWriter(SegmentStore store, ulong id, ExtentRequest request)
    {
        _store = store;
        Id = id;
        Request = request;
    }

    private enum State
    {
        Open,
        Complete,
        Committing,
        Committed,
        Aborted,
    }

    /// <summary>Names the reservation in <see cref="CommitRequest"/>. Never reused while the store is open.</summary>
    public ulong Id { get; }

    /// <summary>What it was reserved for.</summary>
    public ExtentRequest Request { get; }

    /// <summary>Sealed bytes written so far.</summary>
    public long Written { get; private set; }

    /// <summary>Rooms in use, in the order of the shard's bytes. Changed by the store under its gate.</summary>
    internal List<Slot> Slots { get; } = [];

    /// <summary>Appends sealed bytes. The buffer is the caller's again when the task has ended.</summary>
    /// <exception cref="StoreFullException">The disk is full.</exception>
    /// <exception cref="SegmentFencedException">Bytes written before are lost.</exception>
    /// <exception cref="IOException">The write failed. After any exception the writer can only be aborted.</exception>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> sealedBytes, CancellationToken cancel = default)
    {
        BeginWrite();
        try
        {
            while (sealedBytes.Length > 0)
            {
                if (Slots.Count == 0 || Slots[^1].Length == Slots[^1].Capacity)
                    _store.Grow(this);
                var slot = Slots[^1];
                slot.Segment.ThrowIfFenced();
                var count = (int)Math.Min(sealedBytes.Length, slot.Capacity - slot.Length);
                await slot.Segment.File.WriteAsync(slot.DataOffset + slot.Length, sealedBytes[..count], cancel).ConfigureAwait(false);
                slot.Length += count;
                Written += count;
                sealedBytes = sealedBytes[count..];
            }
        }
        catch (DiskFullException e)
        {
            _broken = true;
            throw _store.Full(e);
        }
        catch
        {
            _broken = true;
            throw;
        }
        finally
        {
            EndWrite();
        }
    }

    /// <summary>Ends the bytes; the writer can now be committed.</summary>
    /// <exception cref="InvalidOperationException">A write is under way or failed, or the writer ended already.</exception>
    public void Complete()
    {
        lock (_sync)
        {
            if (_state != State.Open || _writing || _broken)
                throw new InvalidOperationException($"the writer cannot complete: {Describe()}");
            _state = State.Complete;
        }
        _store.Trim(this);
    }

    /// <summary>
    /// Gives the shard up. Its room is dead, and punched out once the write under way has ended. False if a commit has begun.
    /// </summary>
    public bool Abort()
    {
        lock (_sync)
        {
            if (_state is State.Committing or State.Committed)
                return false;
            if (_state == State.Aborted)
                return true;
            _state = State.Aborted;
            if (_writing)
                return true;
        }
        _store.Discard(this);
        return true;
    }

    /// <summary>Aborts unless committed.</summary>
    public void Dispose() => Abort();

    internal bool TryBeginCommit()
    {
        lock (_sync)
        {
            if (_state != State.Complete)
                return false;
            _state = State.Committing;
            return true;
        }
    }

    internal void EndCommit(bool committed)
    {
        lock (_sync)
            _state = committed ? State.Committed : State.Aborted;
    }

    private void BeginWrite()
    {
        lock (_sync)
        {
            if (_state != State.Open || _writing || _broken)
                throw new InvalidOperationException($"the writer cannot take bytes: {Describe()}");
            _writing = true;
        }
    }

    private void EndWrite()
    {
        lock (_sync)
        {
            _writing = false;
            if (_state != State.Aborted)
                return;
        }
        _store.Discard(this);
    }

    private string Describe() => _writing ? "a write is under way" : _broken ? "a write failed" : $"it is {_state}";

    /// <summary>Contiguous room for one extent.</summary>
    internal sealed class Slot(Segment segment, long offset, long end)
    {
        public Segment Segment { get; } = segment;

        /// <summary>Of the extent's header.</summary>
        public long Offset { get; } = offset;

        public long DataOffset => Offset + ExtentHeader.Bytes;

        /// <summary>End of the room in the file, exclusive.</summary>
        public long End { get; set; } = end;

        /// <summary>Sealed bytes that fit.</summary>
        public long Capacity { get; set; }

        /// <summary>Sealed bytes written.</summary>
        public long Length { get; set; }
    }
}
