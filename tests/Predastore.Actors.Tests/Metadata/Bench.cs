using System.Security.Cryptography;
using Google.Protobuf;
using Predastore.Actors.Metadata;
using Predastore.Shards.Disk;
using Predastore.Testing.Disk;

namespace Predastore.Actors.Tests.Metadata;

/// <summary>A state machine on a modelled database, an initialised cluster of six storage ids and one session.</summary>
public sealed class Bench : IDisposable
{
    public const long Start = 1_700_000_000_000;
    private uint _counter;

    public Bench(bool initialise = true)
    {
        Factory = new MemoryKvFactory();
        Store = Open(Factory, "/state");
        if (!initialise) return;
        Execute(Init());
        Session = Execute(new Command { OpenSession = new OpenSession { Node = 1, Nonce = Bytes("nonce") } }).Session;
        for (uint id = 1; id <= 6; id++) Execute(Register(id, $"disk {id}", empty: true));
    }

    public MemoryKvFactory Factory { get; }

    public MetadataStore Store { get; }

    public List<MetadataEntry> Log { get; } = [];

    public uint Session { get; set; }

    public long NowMs { get; set; } = Start;

    public ulong Index => Store.AppliedIndex;

    public static MetadataStore Open(IOrderedKvFactory factory, string folder) =>
        new(factory.Open(folder, new OrderedKvOptions(WriteAheadLog: false)));

    public static ByteString Bytes(string text) => ByteString.CopyFrom(MD5.HashData(System.Text.Encoding.UTF8.GetBytes(text)));

    public static Command Init()
    {
        var ring = new RingRow { DataShards = 2, ParityShards = 1 };
        for (uint id = 1; id <= 6; id++) ring.Members.Add(new RingMember { StorageId = id, Node = id, Host = "h" + id, Weight = 1 });
        return new Command
        {
            FeatureLevel = 1,
            InitCluster = new InitCluster
            {
                ClusterId = Bytes("cluster"), Ring = ring, KeyFingerprint = Bytes("key"), FileDigest = Bytes("file"),
            },
        };
    }

    public static Command Register(uint id, string disk, bool empty) => new()
    {
        RegisterStorage = new RegisterStorage { Id = id, Node = id, DiskUuid = Bytes(disk), Empty = empty },
    };

    public CommandResult Execute(Command command)
    {
        if (command.TimeMs == 0) command.TimeMs = NowMs;
        var entry = new MetadataEntry(Store.AppliedIndex + 1, 1, command.ToByteArray());
        Log.Add(entry);
        return Store.Apply([entry])[0];
    }

    public QueryResult Ask(Query query) => Store.Answer(query);

    public ulong NextWriteId() => ((ulong)Session << 32) | ++_counter;

    public BucketRow Bucket(string name = "b", Versioning versioning = Versioning.Off, bool objectLock = false)
    {
        Execute(new Command { CreateBucket = new CreateBucket { Name = name, Owner = "me", ObjectLock = objectLock } });
        if (versioning != Versioning.Off) Versions(name, versioning);
        return Ask(new Query { GetBucket = new GetBucket { Name = name } }).Bucket;
    }

    public CommandResult Versions(string name, Versioning versioning) =>
        Execute(new Command { UpdateBucket = new UpdateBucket { Name = name, Versioning = versioning } });

    public static DataRow Data(ulong writeId, ulong bucketId, ulong size = 100, params uint[] placement)
    {
        byte[] id = new byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(id, writeId);
        if (placement.Length == 0) placement = [1, 2, 3];
        var row = new DataRow
        {
            ObjectHash = ByteString.CopyFrom(SHA256.HashData(id)), WriteId = writeId, Size = size,
            DataShards = (uint)placement.Length - 1, ParityShards = 1,
        };
        row.Placement.AddRange(placement);
        row.Digests.AddRange(placement.Select(p => Bytes("digest" + p)));
        row.Keys.Add(new WrappedKey { BucketId = bucketId, Blob = Bytes("wrapped" + bucketId) });
        return row;
    }

    public Command PutCommand(BucketRow bucket, string key, string etag = "e", ulong size = 100)
    {
        ulong writeId = NextWriteId();
        return new Command
        {
            WriteId = writeId,
            PutVersion = new PutVersion
            {
                Bucket = bucket.Name, BucketId = bucket.Id, Version = new VersionRow { Key = key, Etag = etag, Owner = "me" },
                Data = Data(writeId, bucket.Id, size),
            },
        };
    }

    public CommandResult Put(BucketRow bucket, string key, string etag = "e", Preconditions? preconditions = null)
    {
        Command command = PutCommand(bucket, key, etag);
        command.PutVersion.Preconditions = preconditions;
        return Execute(command);
    }

    public DeleteResult Delete(string bucket, string key, string versionId = "", bool bypass = false, Preconditions? preconditions = null)
    {
        var delete = new DeleteVersions { Bucket = bucket, BypassGovernance = bypass, Owner = "me" };
        delete.Items.Add(new DeleteItem { Key = key, VersionId = versionId, Preconditions = preconditions });
        return Execute(new Command { DeleteVersions = delete }).Deletes[0];
    }

    public QueryResult Get(string bucket, string key, string versionId = "", bool data = false) =>
        Ask(new Query { GetVersion = new GetVersion { Bucket = bucket, Key = key, VersionId = versionId, WithData = data } });

    public Counters Counters() => Ask(new Query { GetCluster = new GetCluster() }).Counters;

    public List<GarbageRow> Garbage()
    {
        // Reports that nothing older is read, so that all garbage shows.
        Execute(new Command { ReportSession = new ReportSession { Session = Session, OldestRead = Index + 1 } });
        var rows = new List<GarbageRow>();
        for (uint p = 0; p < 64; p++) rows.AddRange(Ask(new Query { WalkGarbage = new WalkGarbage { Partition = p } }).Garbage);
        return rows;
    }

    public void Dispose() => Store.Dispose();
}
