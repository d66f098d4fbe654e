using Google.Protobuf;
using Predastore.Actors.Metadata.Storage;
using Predastore.Shards;
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
                if (AddKey(data, source, target.Id) is { } refused) return refused;
                Reference(data);
                row.DataId = from.DataId;
                break;
            case VersionRow.DataOneofCase.UploadId:
                if (foreign && AddPartKeys(from.UploadId, source, target.Id) is { } without) return without;
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

    private static CommandResult Rewritten() => Refuse(ResultCode.ResultRewritten, "the source's data was written anew meanwhile");

    // Adds the wrapped key to the row in memory; the caller stores it. Null, or the refusal with nothing changed.
    private static CommandResult? AddKey(DataRow data, CopySource source, ulong bucketId)
    {
        if (data.Keys.Any(k => k.BucketId == bucketId)) return null;
        if (source.Keys.FirstOrDefault(k => k.DataId == data.DataId && k.Key?.BucketId == bucketId) is not { } key) return NoKey();
        if (!Opens(key, data)) return Rewritten();
        data.Keys.Add(key.Key);
        return null;
    }

    // The key was read from the row before the command: whoever wrote the data anew since gave it another one.
    private static bool Opens(DataKey key, DataRow data) =>
        key.ObjectHash.IsEmpty || key.ObjectHash == data.ObjectHash || Planted.Has(PlantedBug.CopyWithOldKey);

    // All or nothing: looks at every part before it changes one.
    private CommandResult? AddPartKeys(ByteString uploadId, CopySource source, ulong bucketId)
    {
        var given = new Dictionary<ByteString, DataKey>();
        foreach (DataKey key in source.Keys)
            if (key.Key?.BucketId == bucketId) given[key.DataId] = key;
        var changed = new SortedDictionary<uint, DataRow>();
        var seen = new HashSet<ByteString>();
        byte[] prefix = KeySchema.Parts(uploadId.Span);
        using IKvCursor cursor = _rows.View.Cursor();
        for (cursor.Seek(prefix); cursor.Valid && cursor.Key.StartsWith(prefix); cursor.Next())
        {
            PartRow part = PartRow.Parser.ParseFrom(cursor.Value);
            if (part.DataCase == PartRow.DataOneofCase.Inline) return NoKey();
            if (part.DataCase != PartRow.DataOneofCase.DataId || !seen.Add(part.DataId)) continue;
            DataRow data = _rows.Data(part.DataId)!;
            if (data.Keys.Any(k => k.BucketId == bucketId)) continue;
            if (!given.TryGetValue(part.DataId, out DataKey? key)) return NoKey();
            if (!Opens(key, data)) return Rewritten();
            data.Keys.Add(key.Key);
            changed[part.Number] = data;
        }

        foreach (DataRow data in changed.Values) _rows.PutData(data);
        return null;
    }
}
