using System.Buffers.Binary;
using System.Security.Cryptography;
using Predastore.Actors.Metadata.Storage;
using Predastore.Actors.Raft;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Metadata.Replica;

/// <summary>All rows of a view as a stream (see <see cref="SnapshotFormat"/>). Holds one chunk in memory. One thread.</summary>
internal sealed class SnapshotSource : ISnapshotSource
{
    private readonly IKvView _view;
    private readonly IKvCursor _cursor;
    private readonly Action _released;
    private readonly Action<KvException> _damaged;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly MemoryStream _pending = new();
    private int _taken;
    private ulong _rows;
    private bool _ended;

    /// <summary>
    /// Takes over the view, unless it throws; <paramref name="released"/> runs once after it is closed, <paramref name="damaged"/> when
    /// rows cannot be read.
    /// </summary>
    public SnapshotSource(IKvView view, Action released, Action<KvException> damaged)
    {
        _view = view;
        _released = released;
        _damaged = damaged;
        (ulong index, ulong term) = new MetadataReader(view).Applied();
        Position = new LogPosition(index, term);
        _cursor = view.Cursor();
        try
        {
            _cursor.Seek([]);
        }
        catch
        {
            _cursor.Dispose();
            throw;
        }

        byte[] header = new byte[SnapshotFormat.HeaderBytes];
        SnapshotFormat.Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(8), KeySchema.Version);
        BinaryPrimitives.WriteUInt64BigEndian(header.AsSpan(12), index);
        BinaryPrimitives.WriteUInt64BigEndian(header.AsSpan(20), term);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(28), Crc32C.Of(header.AsSpan(0, 28)));
        _pending.Write(header);
    }

    /// <inheritdoc/>
    public LogPosition Position { get; }

    /// <inheritdoc/>
    public int Read(Span<byte> buffer)
    {
        try
        {
            if (_taken == _pending.Length && !Fill()) return 0;
        }
        catch (KvException error) when (error.Failure == KvFailure.Damaged)
        {
            _damaged(error);
            throw;
        }

        int count = (int)Math.Min(buffer.Length, _pending.Length - _taken);
        _pending.GetBuffer().AsSpan(_taken, count).CopyTo(buffer);
        _taken += count;
        return count;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _cursor.Dispose();
        _view.Dispose();
        _hash.Dispose();
        _pending.Dispose();
        _released();
    }

    private bool Fill()
    {
        if (_ended) return false;
        _taken = 0;
        _pending.SetLength(0);
        Span<byte> numbers = stackalloc byte[12];
        _pending.Write(numbers[..SnapshotFormat.ChunkHeaderBytes]);
        for (; _cursor.Valid && _pending.Length < SnapshotFormat.ChunkBytes; _cursor.Next(), _rows++)
        {
            BinaryPrimitives.WriteInt32BigEndian(numbers, _cursor.Key.Length);
            BinaryPrimitives.WriteInt32BigEndian(numbers[4..], _cursor.Value.Length);
            _pending.Write(numbers[..8]);
            _pending.Write(_cursor.Key);
            _pending.Write(_cursor.Value);
        }

        Span<byte> payload = _pending.GetBuffer().AsSpan(SnapshotFormat.ChunkHeaderBytes, (int)_pending.Length - SnapshotFormat.ChunkHeaderBytes);
        if (payload.Length > 0)
        {
            _hash.AppendData(payload);
            BinaryPrimitives.WriteInt32BigEndian(_pending.GetBuffer(), payload.Length);
            BinaryPrimitives.WriteUInt32BigEndian(_pending.GetBuffer().AsSpan(4), Crc32C.Of(payload));
            return true;
        }

        _ended = true;
        _pending.SetLength(0);
        numbers.Clear();
        BinaryPrimitives.WriteUInt64BigEndian(numbers[4..], _rows);
        _pending.Write(numbers);
        _pending.Write(_hash.GetHashAndReset());
        return true;
    }
}
