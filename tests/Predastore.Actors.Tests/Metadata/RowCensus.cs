using Google.Protobuf;
using Predastore.Actors.Metadata;
using Predastore.Actors.Metadata.Storage;
using Predastore.Shards.Disk;
using Xunit;

namespace Predastore.Actors.Tests.Metadata;

/// <summary>Counts everything from the rows alone, naively, and compares it with what the state machine keeps.</summary>
public static class RowCensus
{
    public static void Check(MetadataStore store, string told)
    {
        using IKvView view = store.View();
        var reader = new MetadataReader(view);
        var references = new Dictionary<ByteString, uint>();
        var uploads = new Dictionary<ByteString, uint>();
        var data = new List<DataRow>();
        var kept = new Dictionary<ByteString, uint>();
        var hashes = new List<ByteString>();
        var use = new Dictionary<uint, ulong>();
        ulong versions = 0, garbage = 0, heals = 0, open = 0;
        using IKvCursor cursor = view.Cursor();
        for (cursor.Seek([]); cursor.Valid; cursor.Next())
        {
            switch (cursor.Key[0])
            {
                case KeySchema.VersionTable:
                    VersionRow version = VersionRow.Parser.ParseFrom(cursor.Value);
                    versions++;
                    if (version.DataCase == VersionRow.DataOneofCase.DataId) Count(references, version.DataId);
                    if (version.DataCase == VersionRow.DataOneofCase.UploadId) Count(uploads, version.UploadId);
                    Assert.Equal(version.IsNull, version.Equals(reader.NullVersion(version.BucketId, version.Key)));
                    break;
                case KeySchema.PartTable:
                    PartRow part = PartRow.Parser.ParseFrom(cursor.Value);
                    if (part.DataCase == PartRow.DataOneofCase.DataId) Count(references, part.DataId);
                    break;
                case KeySchema.UploadTable:
                    UploadRow upload = UploadRow.Parser.ParseFrom(cursor.Value);
                    if (upload.State == UploadState.UploadCompleted) kept[upload.UploadId] = upload.References;
                    break;
                case KeySchema.OpenUploadTable:
                    open++;
                    break;
                case KeySchema.DataTable:
                    DataRow row = DataRow.Parser.ParseFrom(cursor.Value);
                    data.Add(row);
                    hashes.Add(row.ObjectHash);
                    foreach (uint id in row.Placement) use[id] = use.GetValueOrDefault(id) + 1;
                    break;
                case KeySchema.GarbageTable:
                    garbage++;
                    if (GarbageRow.Parser.ParseFrom(cursor.Value).Data is { } dead) hashes.Add(dead.ObjectHash);
                    break;
                case KeySchema.HealTable:
                    heals++;
                    Assert.NotNull(reader.Data(ByteString.CopyFrom(cursor.Key[1..])));
                    break;
                default:
                    break;
            }
        }

        Assert.True(references.Count == data.Count, told);
        foreach (DataRow row in data) Assert.True(references[row.DataId] == row.References, told);
        Assert.True(kept.Count == uploads.Count && kept.All(u => uploads[u.Key] == u.Value), told);
        Assert.True(hashes.Count == hashes.Distinct().Count(), told);
        foreach ((uint id, ulong count) in use) Assert.True(reader.StorageUse(id) == count, told);
        Counters counters = reader.Counters();
        Assert.True((versions, garbage, heals, open) == (counters.Versions, counters.GarbageRows, counters.HealRows, counters.OpenUploads), told);
        Assert.True(((ulong)data.Count, (ulong)data.Sum(d => (long)d.Size)) == (counters.DataRows, counters.Bytes), told);
    }

    private static void Count(Dictionary<ByteString, uint> counts, ByteString id) => counts[id] = counts.GetValueOrDefault(id) + 1;
}
