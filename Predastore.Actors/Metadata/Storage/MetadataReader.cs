using System.Buffers.Binary;
using Google.Protobuf;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Metadata.Storage;

/// <summary>Typed reads of the tables of <see cref="KeySchema"/>. Rows returned are the caller's to change.</summary>
/// <param name="view">What is read; the caller disposes it.</param>
public class MetadataReader(IKvView view)
{
    /// <summary>What is read.</summary>
    protected internal IKvView View { get; } = view;

    /// <summary>The cluster, or null before it was initialised.</summary>
    public ClusterRow? Cluster() => Row(KeySchema.Cluster, ClusterRow.Parser);

    /// <summary>The counters; all zero in an empty database.</summary>
    public virtual Counters Counters() => Row(KeySchema.Counters, Metadata.Counters.Parser) ?? new Counters();

    /// <summary>Log index and term that the rows stand at; zero in an empty database.</summary>
    public (ulong Index, ulong Term) Applied()
    {
        byte[]? value = View.Get(KeySchema.Applied);
        return value is null
            ? (0, 0)
            : (BinaryPrimitives.ReadUInt64BigEndian(value), BinaryPrimitives.ReadUInt64BigEndian(value.AsSpan(8)));
    }

    /// <summary>A bucket by name.</summary>
    public BucketRow? Bucket(string name) => Row(KeySchema.Bucket(name), BucketRow.Parser);

    /// <summary>A bucket by id.</summary>
    public BucketRow? Bucket(ulong id) =>
        View.Get(KeySchema.BucketById(id)) is { } name ? Bucket(System.Text.Encoding.UTF8.GetString(name)) : null;

    /// <summary>The newest version of a key, delete markers included.</summary>
    public VersionRow? Newest(ulong bucketId, string key)
    {
        byte[] prefix = KeySchema.VersionsOf(bucketId, key);
        using IKvCursor cursor = View.Cursor();
        cursor.Seek(prefix);
        return cursor.Valid && cursor.Key.StartsWith(prefix) ? VersionRow.Parser.ParseFrom(cursor.Value) : null;
    }

    /// <summary>The version written at a position.</summary>
    public VersionRow? Version(ulong bucketId, string key, Position position) =>
        Row(KeySchema.VersionAt(bucketId, key, position), VersionRow.Parser);

    /// <summary>The null version of a key.</summary>
    public VersionRow? NullVersion(ulong bucketId, string key) =>
        View.Get(KeySchema.NullVersion(bucketId, key)) is { } pointer
            ? Version(bucketId, key, KeySchema.ReadPosition(pointer))
            : null;

    /// <summary>A version by the id clients use; <paramref name="valid"/> is false if the text is no version id.</summary>
    public VersionRow? VersionById(ulong bucketId, string key, string versionId, out bool valid)
    {
        valid = true;
        if (versionId == VersionId.Null) return NullVersion(bucketId, key);
        valid = VersionId.TryParse(versionId, out Position position);

        // The null version is known as "null" only: its position is not its id.
        return valid && Version(bucketId, key, position) is { IsNull: false } row ? row : null;
    }

    /// <summary>An upload, open or completed.</summary>
    public UploadRow? Upload(ByteString uploadId) => Row(KeySchema.Upload(uploadId.Span), UploadRow.Parser);

    /// <summary>A part of an upload.</summary>
    public PartRow? Part(ByteString uploadId, uint number) => Row(KeySchema.PartOf(uploadId.Span, number), PartRow.Parser);

    /// <summary>A data row.</summary>
    public DataRow? Data(ByteString dataId) => Row(KeySchema.Data(dataId.Span), DataRow.Parser);

    /// <summary>The data row whose shards bear this object hash.</summary>
    public DataRow? DataByHash(ByteString objectHash)
    {
        byte[]? alias = View.Get(KeySchema.Alias(objectHash.Span));
        DataRow? row = Row(KeySchema.Data(alias ?? objectHash.Span), DataRow.Parser);
        return row is not null && row.ObjectHash == objectHash ? row : null;
    }

    /// <summary>A garbage row.</summary>
    public GarbageRow? Garbage(ulong index, ByteString id) => Row(KeySchema.Garbage(index, id.Span), GarbageRow.Parser);

    /// <summary>The garbage row whose shards bear this object hash.</summary>
    public GarbageRow? GarbageByHash(ByteString objectHash) =>
        View.Get(KeySchema.GarbageByHash(objectHash.Span)) is { } key ? Row(key, GarbageRow.Parser) : null;

    /// <summary>A row of the heal queue.</summary>
    public HealRow? Heal(ByteString dataId) => Row(KeySchema.Heal(dataId.Span), HealRow.Parser);

    /// <summary>A session; null if it was never opened or closed long ago.</summary>
    public SessionRow? Session(uint id) => Row(KeySchema.Session(id), SessionRow.Parser);

    /// <summary>All sessions kept, by id.</summary>
    public List<SessionRow> Sessions() => Rows([KeySchema.SessionTable], SessionRow.Parser);

    /// <summary>The kept result of a write id.</summary>
    public CommandResult? Result(ulong writeId) => Row(KeySchema.Result(writeId), CommandResult.Parser);

    /// <summary>A ring epoch.</summary>
    public RingRow? Ring(ulong epoch) => Row(KeySchema.Ring(epoch), RingRow.Parser);

    /// <summary>A storage id.</summary>
    public StorageRow? Storage(uint id) => Row(KeySchema.Storage(id), StorageRow.Parser);

    /// <summary>All storage ids, by id.</summary>
    public List<StorageRow> Storages() => Rows([KeySchema.StorageTable], StorageRow.Parser);

    /// <summary>Number of data rows that name a storage id.</summary>
    public ulong StorageUse(uint id) =>
        View.Get(KeySchema.StorageUse(id)) is { } value ? BinaryPrimitives.ReadUInt64BigEndian(value) : 0;

    /// <summary>A replica.</summary>
    public ReplicaRow? Replica(uint node, ulong incarnation) =>
        Row(KeySchema.Replica(node, incarnation), ReplicaRow.Parser);

    /// <summary>All replicas, by node and incarnation.</summary>
    public List<ReplicaRow> Replicas() => Rows([KeySchema.ReplicaTable], ReplicaRow.Parser);

    /// <summary>
    /// The lowest log index that an open session may still read at, 2^64-1 without one: garbage of a lower index has no reader.
    /// </summary>
    public ulong OldestRead()
    {
        ulong oldest = ulong.MaxValue;
        foreach (SessionRow session in Sessions())
            if (!session.Closed) oldest = Math.Min(oldest, session.OldestRead);
        return oldest;
    }

    /// <summary>All rows under a prefix, in key order. For small tables.</summary>
    protected List<T> Rows<T>(ReadOnlySpan<byte> prefix, MessageParser<T> parser)
        where T : IMessage<T>
    {
        var rows = new List<T>();
        using IKvCursor cursor = View.Cursor();
        for (cursor.Seek(prefix); cursor.Valid && cursor.Key.StartsWith(prefix); cursor.Next())
            rows.Add(parser.ParseFrom(cursor.Value));
        return rows;
    }

    private T? Row<T>(ReadOnlySpan<byte> key, MessageParser<T> parser)
        where T : class, IMessage<T> => View.Get(key) is { } value ? parser.ParseFrom(value) : null;
}
