using Google.Protobuf;
using Predastore.Actors.Metadata.Storage;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Metadata.Queries;

/// <summary>
/// Answers queries from one consistent view. Pure: what a query asks wrongly or in vain is a code in the result. Every answer is
/// bounded by <see cref="RowsMax"/> rows (buckets: 10,000), and every scan by <see cref="ScanMax"/> but two: a delimiter group of keys
/// that have only delete markers, because no marker leads back into a group, and the buckets of other owners.
/// </summary>
/// <param name="view">What is read; the caller disposes it.</param>
public sealed partial class MetadataQueries(IKvView view)
{
    /// <summary>Rows in one answer at most.</summary>
    public const int RowsMax = 1000;

    /// <summary>Parts in one answer at most.</summary>
    public const int PartsMax = 64;

    /// <summary>Rows that one query looks at before it stops with a cursor to go on from.</summary>
    public const int ScanMax = 100_000;

    private readonly IKvView _view = view;
    private readonly MetadataReader _rows = new(view);

    /// <summary>Answers a query; the read index is the position of the view.</summary>
    public QueryResult Answer(Query query)
    {
        QueryResult result = query.OpCase switch
        {
            Query.OpOneofCase.GetBucket => Answer(query.GetBucket),
            Query.OpOneofCase.ListBuckets => Answer(query.ListBuckets),
            Query.OpOneofCase.GetVersion => Answer(query.GetVersion),
            Query.OpOneofCase.ReadParts => Answer(query.ReadParts),
            Query.OpOneofCase.ListVersions => Answer(query.ListVersions),
            Query.OpOneofCase.ListUploads => Answer(query.ListUploads),
            Query.OpOneofCase.GetUpload => Answer(query.GetUpload),
            Query.OpOneofCase.ListParts => Answer(query.ListParts),
            Query.OpOneofCase.GetData => Answer(query.GetData),
            Query.OpOneofCase.WalkData => Answer(query.WalkData),
            Query.OpOneofCase.WalkHeals => Answer(query.WalkHeals),
            Query.OpOneofCase.WalkGarbage => Answer(query.WalkGarbage),
            Query.OpOneofCase.GetCluster => Answer(query.GetCluster),
            Query.OpOneofCase.WalkUploads => Answer(query.WalkUploads),
            Query.OpOneofCase.CheckExtents => Answer(query.CheckExtents),
            Query.OpOneofCase.ListVersionParts => Answer(query.ListVersionParts),
            _ => Refuse(ResultCode.ResultUnsupported, "this replica does not know the query"),
        };
        result.ReadIndex = _rows.Applied().Index;
        return result;
    }

    private static QueryResult Refuse(ResultCode code, string message = "") => new() { Code = code, Message = message };

    private static int Limit(uint wanted, int max) => wanted == 0 ? max : (int)Math.Min(wanted, (uint)max);

    private QueryResult Answer(GetBucket query) =>
        (query.Id != 0 ? _rows.Bucket(query.Id) : _rows.Bucket(query.Name)) is { } row
            ? new QueryResult { Bucket = row }
            : Refuse(ResultCode.ResultNoSuchBucket);

    private QueryResult Answer(ListBuckets query)
    {
        int limit = Limit(query.Limit, 10_000);
        QueryResult result = new();
        byte[] prefix = KeySchema.Bucket(query.Prefix);
        byte[] start = KeySchema.Bucket(query.After);
        if (query.After.Length > 0) start = [.. start, 0];
        if (start.AsSpan().SequenceCompareTo(prefix) < 0) start = prefix;
        using IKvCursor cursor = _view.Cursor();
        for (cursor.Seek(start); cursor.Valid && cursor.Key.StartsWith(prefix); cursor.Next())
        {
            BucketRow row = BucketRow.Parser.ParseFrom(cursor.Value);
            if (query.Owner.Length > 0 && row.Owner != query.Owner) continue;
            if (result.Buckets.Count == limit)
            {
                result.Truncated = true;
                result.NextAfter = result.Buckets[^1].Name;
                break;
            }

            result.Buckets.Add(row);
        }

        return result;
    }

    private QueryResult Answer(GetData query) =>
        (query.ObjectHash.IsEmpty ? _rows.Data(query.DataId) : _rows.DataByHash(query.ObjectHash)) is { } row ? new QueryResult { Data = row } : Refuse(ResultCode.ResultNotFound);

    private QueryResult Answer(GetCluster query)
    {
        Counters counters = _rows.Counters();
        var result = new QueryResult
        {
            Cluster = _rows.Cluster(),
            Counters = counters,
            HealBacklog = counters.HealRows,
            GarbageBacklog = counters.GarbageRows,
        };
        ulong newest = result.Cluster?.Epoch ?? 0;
        ulong history = Math.Min(newest, (ulong)Limit(Math.Max(1, query.RingHistory), RowsMax));
        for (ulong epoch = newest; epoch > newest - history; epoch--)
            if (_rows.Ring(epoch) is { } ring) result.Rings.Add(ring);
        result.Storages.AddRange(_rows.Storages());
        result.StorageUse.AddRange(result.Storages.Select(
            storage => new StorageUse { StorageId = storage.Id, DataRows = _rows.StorageUse(storage.Id) }));
        result.Sessions.AddRange(_rows.Sessions());
        result.Replicas.AddRange(_rows.Replicas());
        return result;
    }
}
