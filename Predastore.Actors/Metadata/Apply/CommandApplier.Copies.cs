using Google.Protobuf;
using Predastore.Actors.Metadata.Storage;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Metadata.Apply;

/// <content>Referring to what another version refers to: no bytes move.</content>
internal sealed partial class CommandApplier
{
    /// <summary>Gives the row the source's data and adds the references; null, or the refusal with nothing written.</summary>
    private CommandResult? CopyFrom(CopySource source, BucketRow target, VersionRow row)
    {
        if (FindSource(source) is not { } from) return SourceGone();
        bool foreign = from.BucketId != target.Id;
        switch (from.DataCase)
        {
            case VersionRow.DataOneofCase.DataId:
                DataRow data = _rows.Data(from.DataId)!;
                if (!AddKeys(data, source, target.Id)) return NoKey();
                Reference(data);
                row.DataId = from.DataId;
                break;
            case VersionRow.DataOneofCase.UploadId:
                if (foreign && !AddPartKeys(from.UploadId, source, target.Id)) return NoKey();
                UploadRow upload = _rows.Upload(from.UploadId)!;
                upload.References++;
                _rows.PutUpload(upload);
                row.UploadId = from.UploadId;
                break;
            case VersionRow.DataOneofCase.Inline:
                if (foreign) return Refuse(ResultCode.ResultInvalidArgument, "inline data is sealed for its own bucket");
                row.Inline = from.Inline;
                _rows.Counters().Bytes += from.Inline.Size;
                break;
            default:
                break;
        }

        row.Size = from.Size;
        row.Parts = from.Parts;
        if (row.Etag.Length == 0) row.Etag = from.Etag;
        row.Checksum ??= from.Checksum;
        return null;
    }

    private VersionRow? FindSource(CopySource source) =>
        source.Position is null ? null
        : _rows.Version(source.BucketId, source.Key, source.Position) is { DeleteMarker: false } row ? row : null;

    private static CommandResult SourceGone() => Refuse(ResultCode.ResultConflict, "the source version is gone");

    private static CommandResult NoKey() =>
        Refuse(ResultCode.ResultInvalidArgument, "a data key of the source is not wrapped for the target bucket");

    // Adds the wrapped key to the row in memory; the caller stores it.
    private static bool AddKeys(DataRow data, CopySource source, ulong bucketId)
    {
        if (data.Keys.Any(k => k.BucketId == bucketId)) return true;
        if (KeyFor(source, data.DataId, bucketId) is not { } key) return false;
        data.Keys.Add(key);
        return true;
    }

    private static WrappedKey? KeyFor(CopySource source, ByteString dataId, ulong bucketId) =>
        source.Keys.FirstOrDefault(k => k.DataId == dataId && k.Key?.BucketId == bucketId)?.Key;

    // All or nothing: looks at every part before it changes one.
    private bool AddPartKeys(ByteString uploadId, CopySource source, ulong bucketId)
    {
        var given = new Dictionary<ByteString, WrappedKey>();
        foreach (DataKey key in source.Keys)
            if (key.Key?.BucketId == bucketId) given[key.DataId] = key.Key;
        var changed = new SortedDictionary<uint, DataRow>();
        var seen = new HashSet<ByteString>();
        byte[] prefix = KeySchema.Parts(uploadId.Span);
        using IKvCursor cursor = _rows.View.Cursor();
        for (cursor.Seek(prefix); cursor.Valid && cursor.Key.StartsWith(prefix); cursor.Next())
        {
            PartRow part = PartRow.Parser.ParseFrom(cursor.Value);
            if (part.DataCase == PartRow.DataOneofCase.Inline) return false;
            if (part.DataCase != PartRow.DataOneofCase.DataId || !seen.Add(part.DataId)) continue;
            DataRow data = _rows.Data(part.DataId)!;
            if (data.Keys.Any(k => k.BucketId == bucketId)) continue;
            if (!given.TryGetValue(part.DataId, out WrappedKey? wrapped)) return false;
            data.Keys.Add(wrapped);
            changed[part.Number] = data;
        }

        foreach (DataRow data in changed.Values) _rows.PutData(data);
        return true;
    }
}
