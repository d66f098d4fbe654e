using Google.Protobuf;
using Predastore.Actors.Metadata.Storage;
using Predastore.Shards.Disk;
using Predastore.Shards;

namespace Predastore.Actors.Metadata.Queries;

/// <content>What maintenance walks: data, heal queue, garbage, and the question whether an extent is an orphan.</content>
public sealed partial class MetadataQueries
{
    private QueryResult Answer(WalkData query)
    {
        var result = new QueryResult();
        if (query.Partition >= KeySchema.Partitions) return Refuse(ResultCode.ResultInvalidArgument, "partition");
        int limit = Limit(query.Limit, RowsMax);
        int scanned = 0;
        foreach (byte[] value in Partition(KeySchema.DataTable, (int)query.Partition, query.After))
        {
            if (result.DataRows.Count == limit || scanned++ == ScanMax)
            {
                result.Truncated = true;
                break;
            }

            DataRow row = DataRow.Parser.ParseFrom(value);
            result.NextCursor = row.DataId;
            if (query.StorageId == 0 || row.Missing.Count > 0 || row.Placement.Contains(query.StorageId)) result.DataRows.Add(row);
        }

        return result;
    }

    private QueryResult Answer(WalkHeals query)
    {
        var result = new QueryResult();
        if (query.Partition >= KeySchema.Partitions) return Refuse(ResultCode.ResultInvalidArgument, "partition");
        int limit = Limit(query.Limit, RowsMax);
        foreach (byte[] value in Partition(KeySchema.HealTable, (int)query.Partition, query.After))
        {
            if (result.Heals.Count == limit)
            {
                result.Truncated = true;
                break;
            }

            HealRow row = HealRow.Parser.ParseFrom(value);
            result.Heals.Add(row);
            result.NextCursor = row.DataId;
        }

        return result;
    }

    private IEnumerable<byte[]> Partition(byte table, int partition, ByteString after)
    {
        byte[] start = after.IsEmpty ? KeySchema.PartitionStart(table, partition) : [table, .. after.Span, 0];
        byte[] end = KeySchema.PartitionEnd(table, partition);
        using IKvCursor cursor = _view.Cursor();
        for (cursor.Seek(start); cursor.Valid && cursor.Key.SequenceCompareTo(end) < 0; cursor.Next())
            yield return cursor.Value.ToArray();
    }

    private QueryResult Answer(WalkGarbage query)
    {
        var result = new QueryResult();
        if (query.Partition >= KeySchema.Partitions) return Refuse(ResultCode.ResultInvalidArgument, "partition");
        int limit = Limit(query.Limit, RowsMax);
        ulong oldestRead = _rows.OldestRead();
        byte[] prefix = KeySchema.GarbagePartition((int)query.Partition);
        byte[] start = query.After.IsEmpty ? prefix : [.. prefix, .. query.After.Span, 0];
        using IKvCursor cursor = _view.Cursor();
        for (cursor.Seek(start); cursor.Valid && cursor.Key.StartsWith(prefix); cursor.Next())
        {
            GarbageRow row = GarbageRow.Parser.ParseFrom(cursor.Value);

            // A read at or above the index no longer sees the row's data named.
            if (row.Index >= oldestRead && !Planted.Has(PlantedBug.GarbageCollectedEarly)) break;
            if (result.Garbage.Count == limit)
            {
                result.Truncated = true;
                break;
            }

            result.Garbage.Add(row);
            result.NextCursor = ByteString.CopyFrom(cursor.Key[prefix.Length..]);
        }

        return result;
    }

    private QueryResult Answer(CheckExtents query)
    {
        var result = new QueryResult();
        if (query.Extents.Count > RowsMax) return Refuse(ResultCode.ResultInvalidArgument, $"at most {RowsMax} extents");
        ulong oldestRead = _rows.OldestRead();
        result.Extents.AddRange(query.Extents.Select(extent => StateOf(query.StorageId, extent, oldestRead)));
        return result;
    }

    private ExtentState StateOf(uint storageId, ExtentName extent, ulong oldestRead)
    {
        DataRow? data = _rows.DataByHash(extent.ObjectHash);
        if (data is not null && Names(data, storageId, extent.Shard)) return ExtentState.ExtentNamed;

        // While its write may still be committed an extent belongs to it, named or not.
        SessionRow? session = _rows.Session((uint)(extent.WriteId >> 32));
        if (session is { Closed: false } && (uint)extent.WriteId >= session.Low && !Planted.Has(PlantedBug.LiveSessionCollected))
            return ExtentState.ExtentUndecided;

        // Garbage deletes its own, when its readers are gone.
        data ??= _rows.GarbageByHash(extent.ObjectHash)?.Data;
        if (data is not null && Names(data, storageId, extent.Shard)) return ExtentState.ExtentGarbage;

        // A read that began before the shard was moved still looks for it in the place it had, whatever became of the object since.
        return data is null || data.Placed < oldestRead ? ExtentState.ExtentOrphan : ExtentState.ExtentGarbage;
    }

    private static bool Names(DataRow row, uint storageId, uint shard) =>
        shard < row.Placement.Count && row.Placement[(int)shard] == storageId;
}
