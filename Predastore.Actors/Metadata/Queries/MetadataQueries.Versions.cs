using Google.Protobuf;
using Predastore.Actors.Metadata.Storage;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Metadata.Queries;

/// <content>One version, and what is needed to read its bytes.</content>
public sealed partial class MetadataQueries
{
    private QueryResult Answer(GetVersion query)
    {
        if (_rows.Bucket(query.Bucket) is not { } bucket) return Refuse(ResultCode.ResultNoSuchBucket);
        bool current = query.VersionId.Length == 0;
        bool valid = true;
        VersionRow? newest = _rows.Newest(bucket.Id, query.Key);
        VersionRow? row = current ? newest : _rows.VersionById(bucket.Id, query.Key, query.VersionId, out valid);
        var result = new QueryResult { Bucket = bucket };
        if (!valid)
        {
            result.Code = ResultCode.ResultInvalidArgument;
            result.Message = "Invalid version id specified";
            return result;
        }

        if (row is null)
        {
            result.Code = current ? ResultCode.ResultNoSuchKey : ResultCode.ResultNoSuchVersion;
            return result;
        }

        result.IsLatest = row.Position.Equals(newest!.Position);
        if (row.DeleteMarker)
        {
            result.Code = current ? ResultCode.ResultNoSuchKey : ResultCode.ResultMethodNotAllowed;
            result.Version = row;
            return result;
        }

        if (query.WithData || query.PartNumber > 0)
        {
            ResultCode code = AddData(result, row, query);
            if (code != ResultCode.ResultOk) result.Code = code;
        }

        if (!query.WithData) row.ClearData();
        result.Version = row;
        return result;
    }

    private ResultCode AddData(QueryResult result, VersionRow row, GetVersion query)
    {
        bool parts = row.DataCase == VersionRow.DataOneofCase.UploadId;
        if (!parts)
        {
            if (query.PartNumber > 1) return ResultCode.ResultInvalidPart;
            if (row.DataCase == VersionRow.DataOneofCase.DataId) result.Data = _rows.Data(row.DataId);
            return ResultCode.ResultOk;
        }

        if (query.PartNumber > 0)
        {
            if (_rows.Part(row.UploadId, query.PartNumber) is not { } part) return ResultCode.ResultInvalidPart;
            result.Parts.Add(WithData(part));
            return ResultCode.ResultOk;
        }

        ulong offset = query.HasSuffix ? row.Size - Math.Min(row.Size, query.Suffix) : query.Offset;
        result.Truncated = AddParts(result, row.UploadId, offset, PartsMax);
        return ResultCode.ResultOk;
    }

    private QueryResult Answer(ReadParts query)
    {
        var result = new QueryResult();
        result.Truncated = AddParts(result, query.UploadId, query.Offset, Limit(query.Limit, PartsMax));
        return result.Parts.Count == 0 ? Refuse(ResultCode.ResultNotFound) : result;
    }

    // From the part that holds the offset on. The index by offset outlives the upload row, so a reader that opened the object before
    // it was deleted still gets its parts.
    private bool AddParts(QueryResult result, ByteString uploadId, ulong offset, int limit)
    {
        byte[] prefix = KeySchema.PartOffsets(uploadId.Span);
        using IKvCursor cursor = _view.Cursor();
        cursor.SeekForPrev(KeySchema.PartAt(uploadId.Span, offset, uint.MaxValue));
        if (!cursor.Valid || !cursor.Key.StartsWith(prefix)) cursor.Seek(prefix);
        for (; cursor.Valid && cursor.Key.StartsWith(prefix); cursor.Next())
        {
            if (result.Parts.Count == limit) return true;
            uint number = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(cursor.Key[^4..]);
            if (_rows.Part(uploadId, number) is { } part) result.Parts.Add(WithData(part));
        }

        return false;
    }

    private Part WithData(PartRow row) => new()
    {
        Row = row,
        Data = row.DataCase == PartRow.DataOneofCase.DataId ? _rows.Data(row.DataId) : null,
    };
}
