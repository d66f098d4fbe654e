using System.Buffers.Binary;
using System.Security.Cryptography;
using Predastore.Actors.Metadata.Storage;
using Predastore.Actors.Raft;
using Predastore.Shards;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Metadata.Replica;

/// <summary>Receives a snapshot into a new database (see <see cref="SnapshotFormat"/>). Holds one chunk in memory. One thread.</summary>
internal sealed class SnapshotSink : ISnapshotSink
{
    private enum Part
    {
        Header,
        ChunkHeader,
        Payload,
        Trailer,
        Done,
    }

    private readonly string _name;
    private readonly LogPosition _position;
    private readonly IOrderedKv _database;
    private readonly Action<bool> _closed;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly MemoryStream _part = new();
    private Part _expected = Part.Header;
    private int _wanted = SnapshotFormat.HeaderBytes;
    private uint _crc;
    private ulong _rows;
    private byte[] _lastKey = [];
    private bool _disposed;

    /// <summary>Takes over the new database.</summary>
    /// <param name="name">Name of its folder.</param>
    /// <param name="position">Position the snapshot must have.</param>
    /// <param name="database">Empty, without a write-ahead log.</param>
    /// <param name="closed">Called once after the database is closed: with true if the folder is complete, else it is to be deleted.</param>
    public SnapshotSink(string name, LogPosition position, IOrderedKv database, Action<bool> closed)
    {
        _name = name;
        _position = position;
        _database = database;
        _closed = closed;
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_expected == Part.Done) throw new InvalidDataException("bytes follow the end of the snapshot");
            int count = (int)Math.Min(bytes.Length, _wanted - _part.Length);
            _part.Write(bytes[..count]);
            bytes = bytes[count..];
            if (_part.Length < _wanted) return;
            Take(_part.GetBuffer().AsSpan(0, _wanted));
        }
    }

    /// <inheritdoc/>
    public string Complete()
    {
        if (_expected != Part.Done) throw new InvalidDataException("the snapshot is cut short");
        (ulong index, ulong term) applied;
        using (IKvView view = _database.View())
        {
            byte[] version = view.Get(KeySchema.SchemaVersion) ?? throw new InvalidDataException("the snapshot has no schema version");
            if (BinaryPrimitives.ReadUInt32BigEndian(version) != KeySchema.Version)
                throw new InvalidDataException("the snapshot's rows have another schema version");
            applied = new MetadataReader(view).Applied();
        }

        if (applied != (_position.Index, _position.Term))
            throw new InvalidDataException($"the snapshot stands at {applied}, not at {_position}");
        _database.Flush();
        Close(complete: true);
        return _name;
    }

    /// <inheritdoc/>
    public void Dispose() => Close(complete: false);

    private void Close(bool complete)
    {
        if (_disposed) return;
        _disposed = true;
        _hash.Dispose();
        _part.Dispose();
        _database.Dispose();
        _closed(complete);
    }

    private void Take(ReadOnlySpan<byte> part)
    {
        switch (_expected)
        {
            case Part.Header:
                TakeHeader(part);
                Expect(Part.ChunkHeader, 4);
                break;
            case Part.ChunkHeader when part.Length == 4:
                int length = BinaryPrimitives.ReadInt32BigEndian(part);
                if (length is < 0 or > SnapshotFormat.ChunkBytesMax) throw new InvalidDataException($"a chunk of {length} bytes");

                // The four bytes read stay: the rest of the chunk header or of the trailer follows them.
                _wanted = length == 0 ? SnapshotFormat.TrailerBytes : SnapshotFormat.ChunkHeaderBytes;
                if (length == 0) _expected = Part.Trailer;
                break;
            case Part.ChunkHeader:
                _crc = BinaryPrimitives.ReadUInt32BigEndian(part[4..]);
                Expect(Part.Payload, BinaryPrimitives.ReadInt32BigEndian(part));
                break;
            case Part.Payload:
                TakeRows(part);
                Expect(Part.ChunkHeader, 4);
                break;
            default:
                bool same = BinaryPrimitives.ReadUInt64BigEndian(part[4..]) == _rows && part[12..].SequenceEqual(_hash.GetHashAndReset());
                if (!same && !Planted.Has(PlantedBug.SnapshotNotVerified))
                    throw new InvalidDataException("the snapshot's rows are not those that were sent");
                Expect(Part.Done, 0);
                break;
        }
    }

    private void Expect(Part part, int bytes)
    {
        _part.SetLength(0);
        _expected = part;
        _wanted = bytes;
    }

    private void TakeHeader(ReadOnlySpan<byte> header)
    {
        if (!header.StartsWith(SnapshotFormat.Magic)) throw new InvalidDataException("this is no metadata snapshot");
        if (BinaryPrimitives.ReadUInt32BigEndian(header[28..]) != Crc32C.Of(header[..28]))
            throw new InvalidDataException("the snapshot's header is damaged");
        uint schema = BinaryPrimitives.ReadUInt32BigEndian(header[8..]);
        if (schema != KeySchema.Version) throw new InvalidDataException($"the snapshot has schema {schema}, not {KeySchema.Version}");
        var at = new LogPosition(BinaryPrimitives.ReadUInt64BigEndian(header[12..]), BinaryPrimitives.ReadUInt64BigEndian(header[20..]));
        if (at != _position) throw new InvalidDataException($"the snapshot stands at {at}, not at {_position}");
    }

    private void TakeRows(ReadOnlySpan<byte> payload)
    {
        if (Crc32C.Of(payload) != _crc && !Planted.Has(PlantedBug.SnapshotNotVerified)) throw new InvalidDataException("a chunk of the snapshot is damaged");
        _hash.AppendData(payload);
        var batch = new KvBatch();
        while (!payload.IsEmpty)
        {
            if (payload.Length < 8) throw new InvalidDataException("a row is cut short");
            int keyLength = BinaryPrimitives.ReadInt32BigEndian(payload);
            int valueLength = BinaryPrimitives.ReadInt32BigEndian(payload[4..]);
            payload = payload[8..];
            if (keyLength < 0 || valueLength < 0 || (long)keyLength + valueLength > payload.Length)
                throw new InvalidDataException("a row is cut short");
            ReadOnlySpan<byte> key = payload[..keyLength];
            if (_rows > 0 && key.SequenceCompareTo(_lastKey) <= 0) throw new InvalidDataException("the rows are out of order");
            batch.Put(key, payload.Slice(keyLength, valueLength));
            _lastKey = key.ToArray();
            _rows++;
            payload = payload[(keyLength + valueLength)..];
        }

        _database.Write(batch, sync: false);
    }
}
