using System.Buffers.Binary;
using Google.Protobuf;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Metadata.Storage;

/// <summary>
/// Typed writes of one apply batch over a view; its reads see them. One writer serves several log entries; the counters are
/// held until <see cref="ToBatch"/>.
/// </summary>
internal sealed class MetadataWriter : MetadataReader
{
    private readonly KvOverlay _overlay;
    private readonly Counters _counters;

    public MetadataWriter(IKvView below)
        : this(new KvOverlay(below))
    {
    }

    private MetadataWriter(KvOverlay overlay)
        : base(overlay)
    {
        _overlay = overlay;
        _counters = base.Counters();
    }

    /// <summary>The counters as they stand; changed in place.</summary>
    public override Counters Counters() => _counters;

    /// <summary>All writes and the applied position, as one batch.</summary>
    public KvBatch ToBatch(ulong index, ulong term)
    {
        byte[] applied = new byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(applied, index);
        BinaryPrimitives.WriteUInt64BigEndian(applied.AsSpan(8), term);
        _overlay.Set(KeySchema.Applied, applied);
        Put(KeySchema.Counters, _counters);
        return _overlay.ToBatch();
    }

    public void Put(byte[] key, IMessage row) => _overlay.Set(key, row.ToByteArray());

    public void PutRaw(byte[] key, byte[] value) => _overlay.Set(key, value);

    public void Delete(byte[] key) => _overlay.Set(key, null);

    public void PutCluster(ClusterRow row) => Put(KeySchema.Cluster, row);

    public void PutBucket(BucketRow row)
    {
        Put(KeySchema.Bucket(row.Name), row);
        PutRaw(KeySchema.BucketById(row.Id), System.Text.Encoding.UTF8.GetBytes(row.Name));
    }

    public void DeleteBucket(BucketRow row)
    {
        Delete(KeySchema.Bucket(row.Name));
        Delete(KeySchema.BucketById(row.Id));
    }

    public void PutVersion(VersionRow row)
    {
        Put(KeySchema.VersionAt(row.BucketId, row.Key, row.Position), row);
        if (!row.IsNull) return;
        byte[] pointer = new byte[KeySchema.PositionBytes];
        KeySchema.WritePosition(pointer, row.Position);
        PutRaw(KeySchema.NullVersion(row.BucketId, row.Key), pointer);
    }

    public void DeleteVersion(VersionRow row)
    {
        Delete(KeySchema.VersionAt(row.BucketId, row.Key, row.Position));
        if (row.IsNull) Delete(KeySchema.NullVersion(row.BucketId, row.Key));
    }

    public void PutUpload(UploadRow row) => Put(KeySchema.Upload(row.UploadId.Span), row);

    public void PutPart(PartRow row) => Put(KeySchema.PartOf(row.UploadId.Span, row.Number), row);

    public void PutData(DataRow row) => Put(KeySchema.Data(row.DataId.Span), row);

    public void PutSession(SessionRow row) => Put(KeySchema.Session(row.Id), row);

    public void PutStorage(StorageRow row) => Put(KeySchema.Storage(row.Id), row);

    public void PutRing(RingRow row) => Put(KeySchema.Ring(row.Epoch), row);

    /// <summary>Sets a heal row and keeps the count; null removes it.</summary>
    public void SetHeal(ByteString dataId, HealRow? row)
    {
        byte[] key = KeySchema.Heal(dataId.Span);
        bool stood = View.Get(key) is not null;
        if (row is null && !stood) return;
        if (row is null)
        {
            Delete(key);
            _counters.HealRows--;
            return;
        }

        Put(key, row);
        if (!stood) _counters.HealRows++;
    }

    /// <summary>Adds a garbage row and, for data, the way to find it by its object hash.</summary>
    public void AddGarbage(GarbageRow row)
    {
        byte[] key = KeySchema.Garbage(row.Index, row.Id.Span);
        if (View.Get(key) is null) _counters.GarbageRows++;
        Put(key, row);
        if (row.Data is { } data) PutRaw(KeySchema.GarbageByHash(data.ObjectHash.Span), key);
    }

    public void DeleteGarbage(GarbageRow row)
    {
        Delete(KeySchema.Garbage(row.Index, row.Id.Span));
        if (row.Data is { } data) Delete(KeySchema.GarbageByHash(data.ObjectHash.Span));
        _counters.GarbageRows--;
    }

    /// <summary>Counts data rows that name the storage ids of a placement, up or down.</summary>
    public void CountUse(IEnumerable<uint> placement, bool add)
    {
        foreach (uint id in placement)
        {
            ulong use = StorageUse(id);
            byte[] value = new byte[8];
            BinaryPrimitives.WriteUInt64BigEndian(value, add ? use + 1 : use - 1);
            PutRaw(KeySchema.StorageUse(id), value);
        }
    }
}
