using Google.Protobuf;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Shards.Crypto;
using DataKey = Predastore.Shards.Crypto.DataKey;

namespace Predastore.Actors.Streams;

/// <summary>What reading pieces of objects needs.</summary>
internal sealed record ReadContext(
    IShardAccess Shards, IMetadata Metadata, KeyCache Keys, HedgeDelay Hedge, ClusterId Cluster, Action<ShardFault> OnFault)
{
    /// <summary>False if the row is read by as it was given, whatever became of its shards since.</summary>
    public bool Follows { get; init; } = true;
}

/// <summary>Gives the cluster id once it is known.</summary>
internal delegate Guid ClusterId();

/// <summary>One piece still to be read.</summary>
internal delegate Task<IPiece> PieceRead(CancellationToken cancel);

/// <summary>
/// Cuts a range of a version into pieces, in order: of its one write, of its inline bytes, or of its parts, whose rows are fetched
/// page by page so that nothing grows with their number. Owns the readers of the writes it met, each until the list has moved on and its
/// last piece was read.
/// </summary>
internal sealed class PieceList : IDisposable
{
    private static readonly TimeSpan QueryTimeout = TimeSpan.FromSeconds(10);
    private const uint PartsPage = 64;

    private readonly ReadContext _context;
    private readonly QueryResult _version;

    // How many need each reader: pieces not yet read, and the list itself while it stands there.
    private readonly Dictionary<DataReader, int> _users = [];
    private readonly Queue<Part> _parts = new();
    private readonly long _end;
    private long _next;
    private Part? _part;
    private DataReader? _reader;

    public PieceList(ReadContext context, QueryResult version, long offset, long length)
    {
        (_context, _version, _next, _end) = (context, version, offset, offset + length);
        VersionRow row = version.Version;
        if (row.DataCase == VersionRow.DataOneofCase.UploadId)
        {
            foreach (Part part in version.Parts)
                _parts.Enqueue(part);
        }
        else
        {
            // A version of one write reads like an object of one part.
            _part = new Part { Row = new PartRow { Size = row.Size }, Data = version.Data };
            if (row.DataCase == VersionRow.DataOneofCase.Inline)
                _part.Row.Inline = row.Inline;
        }
    }

    /// <summary>Readers not yet disposed.</summary>
    public int Readers
    {
        get
        {
            lock (_users)
                return _users.Count;
        }
    }

    /// <summary>The next piece, or null at the end of the range.</summary>
    public async Task<PieceRead?> NextAsync(CancellationToken cancel)
    {
        if (_next >= _end)
            return null;
        while (_part is null || _next >= (long)(_part.Row.Offset + _part.Row.Size))
            await NextPartAsync(cancel).ConfigureAwait(false);

        long start = (long)_part.Row.Offset;
        long inPart = _next - start;
        long left = Math.Min(_end, start + (long)_part.Row.Size) - _next;
        if (_part.Row.DataCase == PartRow.DataOneofCase.Inline)
        {
            byte[] body = OpenInline(_part.Row.Inline);
            _next += left;
            return _ => Task.FromResult<IPiece>(new InlinePiece(body.AsMemory((int)inPart, (int)left)));
        }

        DataReader reader = _reader ??= Open(_part.Data);
        int length = (int)Math.Min(left, reader.PieceBytes - (inPart % reader.PieceBytes));
        _next += length;
        Hold(reader);
        return async token =>
        {
            try
            {
                return await reader.ReadAsync(inPart, length, token).ConfigureAwait(false);
            }
            finally
            {
                LetGo(reader);
            }
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_users)
        {
            foreach (DataReader reader in _users.Keys)
                reader.Dispose();
            _users.Clear();
        }
    }

    private void Hold(DataReader reader)
    {
        lock (_users)
            _users[reader] = _users.GetValueOrDefault(reader) + 1;
    }

    private void LetGo(DataReader reader)
    {
        lock (_users)
        {
            if (!_users.TryGetValue(reader, out int users))
                return;
            _users[reader] = users - 1;
            if (users > 1)
                return;
            _users.Remove(reader);
        }

        reader.Dispose();
    }

    private async Task NextPartAsync(CancellationToken cancel)
    {
        if (_reader is { } done)
            LetGo(done);
        _reader = null;
        if (_parts.Count == 0)
        {
            QueryResult page = await _context.Metadata.QueryAsync(
                new Query
                {
                    ReadParts = new ReadParts
                    {
                        UploadId = _version.Version.UploadId,
                        Offset = (ulong)_next,
                        Limit = PartsPage,
                    },
                },
                QueryTimeout,
                cancel).ConfigureAwait(false);
            foreach (Part part in page.Parts)
                _parts.Enqueue(part);
            if (_parts.Count == 0)
                throw new StoreException(StoreFailure.Damaged, $"No part holds byte {_next} of the object.");
        }

        _part = _parts.Dequeue();
    }

    private DataReader Open(DataRow? row)
    {
        if (row is null)
            throw new StoreException(StoreFailure.Damaged, "The version's data row is gone.");
        var reader = new DataReader(
            _context.Shards, row, _context.Keys.Unwrap(_version.Bucket, row.Keys), _context.Hedge, _context.OnFault,
            _context.Follows ? cancel => RereadAsync(row.DataId, cancel) : null);
        Hold(reader);
        return reader;
    }

    private async Task<DataRow?> RereadAsync(ByteString dataId, CancellationToken cancel)
    {
        QueryResult found = await _context.Metadata.QueryAsync(
            new Query { GetData = new GetData { DataId = dataId } }, QueryTimeout, cancel).ConfigureAwait(false);
        return found.Data;
    }

    private byte[] OpenInline(InlineData inline)
    {
        using DataKey key = _context.Keys.Unwrap(_version.Bucket, inline.Key);
        ObjectHash hash = ObjectHash.Compute(_context.Cluster(), inline.WriteId);
        FragmentFault fault = InlineSealer.TryOpen(key, hash, inline.WriteId, inline.Sealed.Span, out byte[] body);
        return fault == FragmentFault.None
            ? body
            : throw new StoreException(StoreFailure.Damaged, $"Inline data does not open ({fault}).");
    }
}
