using System.IO.Pipelines;
using Akka.Actor;
using Akka.Streams;
using Google.Protobuf;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Actors.Streams;
using Predastore.Actors.Tests.Client;
using Predastore.Actors.Topology;
using Predastore.Shards.Crypto;
using Predastore.Shards.Placement;
using Predastore.Shards.Striping;
using RingMember = Predastore.Shards.Placement.RingMember;

namespace Predastore.Actors.Tests.Streams;

/// <summary>An uploader and readers over storage ids in memory.</summary>
internal sealed class StreamFixture : IAsyncDisposable
{
    private readonly ActorSystem _system = ActorSystem.Create("streams");

    public StreamFixture(int k, int m, int storages, UploadLimits? limits = null)
    {
        Keys = new KeyCache(new MasterKeys(new MasterKey(Enumerable.Range(0, 32).Select(i => (byte)i).ToArray())));
        Bucket = new BucketRow { Name = "bucket", Id = 7 };
        Bucket.Keys.Add(Keys.NewBucketKey(1));
        Cluster = new ClusterView(
            Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), 1, new Geometry(k, m),
            new Ring([.. Enumerable.Range(1, storages).Select(i => new RingMember((uint)i, (uint)i, $"h{i}", "", 1))]),
            new Dictionary<uint, StorageRow>());
        var holder = new ClusterViewHolder { Current = Cluster };
        Session = new WriteSession(1, 1);
        Uploader = new ObjectUploader(
            Shards, new SessionHolder { Current = Session }, holder, Keys,
            id => !Shards.Suspects.ContainsKey(id), () => _system.Materializer(), limits ?? new UploadLimits());
    }

    public KeyCache Keys { get; }

    public MemoryShards Shards { get; } = new();

    public ScriptedMetadata Metadata { get; } = new();

    public HedgeDelay Hedge { get; init; } = new();

    public BucketRow Bucket { get; }

    public ClusterView Cluster { get; }

    public WriteSession Session { get; }

    public ObjectUploader Uploader { get; }

    public List<ShardFault> Faults { get; } = [];

    public static byte[] Bytes(int count, int seed)
    {
        byte[] bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public Task<StagedShards> UploadAsync(byte[] body)
        => Uploader.UploadAsync(Bucket, new MemoryStream(body), -1, CancellationToken.None);

    public async Task<byte[]> ReadAsync(DataRow row, long offset, long length)
    {
        await using ObjectReader reader = Open(row);
        await reader.StartAsync(offset, length, CancellationToken.None);
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        await reader.CopyToAsync(pipe.Writer, CancellationToken.None);
        await pipe.Writer.CompleteAsync();
        using var result = new MemoryStream();
        await pipe.Reader.CopyToAsync(result);
        return result.ToArray();
    }

    public ReadContext Context => new(Shards, Metadata, Keys, Hedge, () => Cluster.ClusterId, fault =>
    {
        lock (Faults)
            Faults.Add(fault);
    });

    public ObjectReader Open(DataRow row)
    {
        var version = new QueryResult
        {
            Bucket = Bucket,
            Version = new VersionRow { Size = row.Size, DataId = row.DataId },
            Data = row,
        };
        return new ObjectReader(Context, version, Session, Session.BeginRead(), () => _system.Materializer());
    }

    public async ValueTask DisposeAsync()
    {
        Keys.Dispose();
        await _system.Terminate();
    }
}
