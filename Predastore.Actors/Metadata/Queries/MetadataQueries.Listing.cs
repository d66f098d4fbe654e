using System.Buffers.Binary;
using Predastore.Actors.Metadata.Storage;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Metadata.Queries;

/// <content>
/// Listings: one ordered index that holds what a listing shows. A delimiter group and the older versions of a key are jumped over, not
/// walked; a group that has nothing to show is walked.
/// </content>
public sealed partial class MetadataQueries
{
    private QueryResult Answer(ListVersions query)
    {
        if (_rows.Bucket(query.Bucket) is not { } bucket) return Refuse(ResultCode.ResultNoSuchBucket);
        var result = new QueryResult { Bucket = bucket };
        if (query.Limit == 0) return result;
        int limit = Limit(query.Limit, RowsMax);
        var window = new ListingWindow(query.Prefix, query.Delimiter, query.After);
        byte[] range = KeySchema.VersionsFrom(bucket.Id, window.Prefix);
        byte[] start = range;
        byte[] latestOf = [];
        if (window.HasMarker)
        {
            byte[] marker = AfterMarker(bucket.Id, query, ref latestOf);
            if (marker.AsSpan().SequenceCompareTo(range) > 0) start = marker;
        }

        int scanned = 0;
        using IKvCursor cursor = _view.Cursor();
        cursor.Seek(start);
        while (cursor.Valid && cursor.Key.StartsWith(range))
        {
            ReadOnlySpan<byte> key = KeySchema.EscapedKeyOfVersion(cursor.Key);
            ReadOnlySpan<byte> group = window.GroupOf(key);
            if (!group.IsEmpty && window.Passed(group))
            {
                cursor.Seek(KeySchema.After(KeySchema.VersionsFrom(bucket.Id, group)));
                continue;
            }

            VersionRow row = VersionRow.Parser.ParseFrom(cursor.Value);
            if (!query.AllVersions && row.DeleteMarker)
            {
                PassKey(cursor, bucket.Id, row.Key);

                // A page may be short, or empty, where a great many keys have only delete markers. Not inside a group: a marker in it
                // would pass the whole group on the next page.
                if (group.IsEmpty && ++scanned >= ScanMax)
                {
                    result.Truncated = true;
                    result.NextAfter = row.Key;
                    break;
                }

                continue;
            }

            if (result.Entries.Count == limit)
            {
                result.Truncated = true;
                break;
            }

            if (!group.IsEmpty)
            {
                string commonPrefix = KeySchema.Unescape(group);
                byte[] past = KeySchema.After(KeySchema.VersionsFrom(bucket.Id, group));
                result.Entries.Add(new ListEntry { CommonPrefix = commonPrefix });
                result.NextAfter = commonPrefix;
                result.NextAfterVersion = "";
                cursor.Seek(past);
                continue;
            }

            row.ClearData();
            bool latest = !key.SequenceEqual(latestOf);
            latestOf = key.ToArray();
            result.Entries.Add(new ListEntry { Version = row, IsLatest = latest });
            result.NextAfter = row.Key;
            result.NextAfterVersion = query.AllVersions ? VersionId.Format(row.Position) : "";
            if (query.AllVersions) cursor.Next();
            else PassKey(cursor, bucket.Id, row.Key);
        }

        if (!result.Truncated)
        {
            result.NextAfter = "";
            result.NextAfterVersion = "";
        }

        return result;
    }

    // Where the page after the marker starts. With a version marker: among the versions of that key, of which the newest was then shown.
    private byte[] AfterMarker(ulong bucketId, ListVersions query, ref byte[] latestOf)
    {
        byte[] key = KeySchema.VersionsOf(bucketId, query.After);
        if (!query.AllVersions || query.AfterVersion.Length == 0) return KeySchema.After(key);
        Position? position = null;
        if (VersionId.TryParse(query.AfterVersion, out Position parsed)) position = parsed;
        else if (query.AfterVersion == VersionId.Null) position = _rows.NullVersion(bucketId, query.After)?.Position;

        // The marker is gone: show the key's versions again rather than miss one.
        if (position is null) return key;
        byte[] at = KeySchema.VersionAt(bucketId, query.After, position);
        VersionRow? newest = _rows.Newest(bucketId, query.After);
        if (newest is not null && KeySchema.VersionAt(bucketId, query.After, newest.Position).AsSpan().SequenceCompareTo(at) <= 0)
            latestOf = KeySchema.Escape(query.After);
        return [.. at, 0];
    }

    // One step is enough where a key has one version; a seek passes any number of them.
    private static void PassKey(IKvCursor cursor, ulong bucketId, string key)
    {
        byte[] own = KeySchema.VersionsOf(bucketId, key);
        cursor.Next();
        if (cursor.Valid && cursor.Key.StartsWith(own)) cursor.Seek(KeySchema.After(own));
    }

    private QueryResult Answer(ListUploads query)
    {
        if (_rows.Bucket(query.Bucket) is not { } bucket) return Refuse(ResultCode.ResultNoSuchBucket);
        var result = new QueryResult { Bucket = bucket };
        if (query.Limit == 0) return result;
        int limit = Limit(query.Limit, RowsMax);
        var window = new ListingWindow(query.Prefix, query.Delimiter, query.After);
        byte[] range = KeySchema.OpenUploadsFrom(bucket.Id, window.Prefix);
        byte[] start = range;
        if (window.HasMarker)
        {
            byte[] marker = query.AfterUpload.IsEmpty
                ? KeySchema.After(KeySchema.OpenUpload(bucket.Id, query.After, []))
                : [.. KeySchema.OpenUpload(bucket.Id, query.After, query.AfterUpload.Span), 0];
            if (marker.AsSpan().SequenceCompareTo(range) > 0) start = marker;
        }

        using IKvCursor cursor = _view.Cursor();
        cursor.Seek(start);
        while (cursor.Valid && cursor.Key.StartsWith(range))
        {
            ReadOnlySpan<byte> group = window.GroupOf(KeySchema.EscapedKeyOfOpenUpload(cursor.Key));
            byte[] past = group.IsEmpty ? [] : KeySchema.After(KeySchema.OpenUploadsFrom(bucket.Id, group));
            if (!group.IsEmpty && window.Passed(group))
            {
                cursor.Seek(past);
                continue;
            }

            if (result.Entries.Count == limit)
            {
                result.Truncated = true;
                break;
            }

            if (!group.IsEmpty)
            {
                result.NextAfter = KeySchema.Unescape(group);
                result.NextCursor = Google.Protobuf.ByteString.Empty;
                result.Entries.Add(new ListEntry { CommonPrefix = result.NextAfter });
                cursor.Seek(past);
                continue;
            }

            var id = Google.Protobuf.ByteString.CopyFrom(KeySchema.UploadIdOfOpenUpload(cursor.Key));
            if (_rows.Upload(id) is { } upload)
            {
                result.Entries.Add(new ListEntry { Upload = upload });
                result.NextAfter = upload.Key;
                result.NextCursor = id;
            }

            cursor.Next();
        }

        if (!result.Truncated)
        {
            result.NextAfter = "";
            result.NextCursor = Google.Protobuf.ByteString.Empty;
        }

        return result;
    }

    private QueryResult Answer(GetUpload query)
    {
        if (_rows.Bucket(query.Bucket) is not { } bucket) return Refuse(ResultCode.ResultNoSuchBucket);
        UploadRow? upload = query.UploadId.Length == KeySchema.UploadIdBytes ? _rows.Upload(query.UploadId) : null;
        if (upload is null || upload.BucketId != bucket.Id || upload.Key != query.Key) return Refuse(ResultCode.ResultNoSuchUpload);
        return new QueryResult
        {
            Code = upload.State == UploadState.UploadOpen ? ResultCode.ResultOk : ResultCode.ResultNoSuchUpload,
            Bucket = bucket,
            Upload = upload,
        };
    }

    private QueryResult Answer(ListParts query)
    {
        QueryResult result = Answer(new GetUpload { Bucket = query.Bucket, Key = query.Key, UploadId = query.UploadId });
        if (result.Code == ResultCode.ResultOk) AddPartRows(result, query.UploadId, query.After, query.Limit);
        return result;
    }

    private QueryResult Answer(ListVersionParts query)
    {
        QueryResult result = Answer(new GetVersion { Bucket = query.Bucket, Key = query.Key, VersionId = query.VersionId, WithData = true });
        if (result.Code != ResultCode.ResultOk) return result;
        VersionRow version = result.Version;
        result.Parts.Clear();
        result.Truncated = false;
        result.Data = null;
        if (version.DataCase == VersionRow.DataOneofCase.UploadId) AddPartRows(result, version.UploadId, query.After, query.Limit);
        version.ClearData();
        return result;
    }

    // By number, without data. With a limit of 0 it shows nothing, and is truncated by nothing.
    private void AddPartRows(QueryResult result, Google.Protobuf.ByteString uploadId, uint after, uint wanted)
    {
        if (wanted == 0) return;
        int limit = Limit(wanted, RowsMax);
        byte[] prefix = KeySchema.Parts(uploadId.Span);
        using IKvCursor cursor = _view.Cursor();
        for (cursor.Seek([.. KeySchema.PartOf(uploadId.Span, after), 0]); cursor.Valid && cursor.Key.StartsWith(prefix); cursor.Next())
        {
            if (result.Parts.Count == limit)
            {
                result.Truncated = true;
                break;
            }

            PartRow row = PartRow.Parser.ParseFrom(cursor.Value);
            row.ClearData();
            result.Parts.Add(new Part { Row = row });
        }
    }

    private QueryResult Answer(WalkUploads query)
    {
        var result = new QueryResult();
        int limit = Limit(query.Limit, RowsMax);
        int scanned = 0;
        byte[] start = query.After.IsEmpty ? [KeySchema.OpenUploadTable] : [.. query.After.Span, 0];
        using IKvCursor cursor = _view.Cursor();
        for (cursor.Seek(start); cursor.Valid && cursor.Key[0] == KeySchema.OpenUploadTable; cursor.Next())
        {
            if (result.Uploads.Count == limit || scanned++ == ScanMax)
            {
                result.Truncated = true;
                break;
            }

            result.NextCursor = Google.Protobuf.ByteString.CopyFrom(cursor.Key);
            if (BinaryPrimitives.ReadInt64BigEndian(cursor.Value) >= query.BeforeMs) continue;
            if (_rows.Upload(Google.Protobuf.ByteString.CopyFrom(KeySchema.UploadIdOfOpenUpload(cursor.Key))) is { } upload)
                result.Uploads.Add(upload);
        }

        return result;
    }
}
