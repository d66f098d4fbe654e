using System.IO.Pipelines;
using Akka.Actor;
using Akka.Streams;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Predastore.Actors.Client;
using Predastore.Actors.Maintenance;
using Predastore.Actors.Metadata;
using Predastore.Actors.Streams;
using Predastore.Actors.Topology;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;
using RingMember = Predastore.Actors.Metadata.RingMember;

namespace Predastore.Actors.Tests.Maintenance;

/// <summary>
/// A whole object store with its maintenance: the real state machine, segment stores over memory disks, the real upload and read
/// paths, a gate's session and a maintenance session. Rounds run when a test says so.
/// </summary>
internal sealed class MaintenanceFixture : IAsyncDisposable
{
    public static readonly Guid ClusterId = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff");

    private readonly ActorSystem _system = ActorSystem.Create("maintenance", "akka { loglevel = ERROR, stdout-loglevel = ERROR }");
    private readonly ClusterViewHolder _view = new();
    private readonly SessionHolder _gate = new();
    private readonly SessionHolder _worker = new();
    private readonly Proposer _gateProposer;
    private readonly Proposer _workerProposer;
    private PartitionWork _work;

    public MaintenanceFixture(int k, int m, int storages, int inRing = 0, string? folder = null, MaintenanceSettings? settings = null)
    {
        Stores = new MemoryStores(folder);
        var ring = new RingRow { DataShards = (uint)k, ParityShards = (uint)m };
        for (uint id = 1; id <= (inRing == 0 ? storages : inRing); id++)
            ring.Members.Add(Member(id));
        Metadata.Apply(new Command
        {
            InitCluster = new InitCluster { ClusterId = ByteString.CopyFrom(ClusterId.ToByteArray(bigEndian: true)), Ring = ring },
        });
        for (uint id = 1; id <= storages; id++)
            Insert(id);
        Keys = new KeyCache(new MasterKeys(new MasterKey(Enumerable.Range(0, 32).Select(i => (byte)i).ToArray())));
        _gateProposer = new Proposer(Metadata, _gate, Time);
        _workerProposer = new Proposer(Metadata, _worker, Time);
        OpenSessions();
        Refresh();
        settings ??= new MaintenanceSettings { RelocateAfter = TimeSpan.FromMinutes(15), PageRows = 3 };
        Parts = new MaintenanceParts(Metadata, _workerProposer, Stores, _view, Keys, IsUsable, Time)
        {
            Settings = settings,
            Pace = new MaintenancePace(settings, () => Busy, Time),
            Progress = new MaintenanceProgress(Time),
            Away = new AwayClock(IsUsable, Time),
        };
        Store = new ObjectStore(new ObjectStoreParts(
            Metadata, _gateProposer, _gate, _view, Keys, Stores, Uploader(_gate), Reads(), Materializer));
        _work = NewWork();
        Bucket = NewBucket("bucket");
    }

    public FakeTimeProvider Time { get; } = new();

    public DirectMetadata Metadata { get; } = new();

    public MemoryStores Stores { get; }

    public KeyCache Keys { get; }

    public MaintenanceParts Parts { get; }

    public IObjectStore Store { get; }

    public BucketRow Bucket { get; }

    public WriteSession GateSession => _gate.Require();

    /// <summary>True while a gate serves requests, as background work sees it.</summary>
    public bool Busy { get; set; }

    public List<ShardFault> Faults { get; } = [];

    public RowKeeper Keeper => new(Parts, NullLogger.Instance);

    public static byte[] Bytes(int count, int seed)
    {
        byte[] bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static RingMember Member(uint id) => new() { StorageId = id, Node = id, Host = "h" + id, Weight = 1 };

    public BucketRow NewBucket(string name)
    {
        Metadata.Apply(new Command { CreateBucket = new CreateBucket { Name = name, Owner = "me", Key = Keys.NewBucketKey(1) } });
        return Metadata.Ask(new Query { GetBucket = new GetBucket { Name = name } }).Bucket;
    }

    /// <summary>A new, empty disk under a storage id, registered as a node registers it.</summary>
    public void Insert(uint id)
    {
        Stores.Insert(id);
        CommandResult result = Metadata.Apply(new Command
        {
            RegisterStorage = new RegisterStorage { Id = id, Node = id, DiskUuid = ByteString.CopyFrom(Guid.NewGuid().ToByteArray()), Empty = true },
        });
        Assert.Equal(ResultCode.ResultOk, result.Code);
    }

    /// <summary>A process that starts anew: new sessions, and nothing remembered.</summary>
    public void Restart()
    {
        OpenSessions();
        _work = NewWork();
    }

    /// <summary>Reads the cluster's rows, as every node does every few seconds.</summary>
    public ClusterView Refresh() =>
        _view.Current = ClusterView.From(Metadata.Ask(new Query { GetCluster = new GetCluster() }))!;

    public async Task<DataRow> PutAsync(string key, int size, int seed = 1, BucketRow? bucket = null)
    {
        bucket ??= Bucket;
        await using IStagedObject staged = await Store.StageAsync(bucket, new MemoryStream(Bytes(size, seed)), size, CancellationToken.None);
        CommandResult result = await Store.PutAsync(
            staged,
            new PutVersion { Bucket = bucket.Name, BucketId = bucket.Id, Version = new VersionRow { Key = key, Etag = "e", Owner = "me" } },
            CancellationToken.None);
        Assert.Equal(ResultCode.ResultOk, result.Code);
        return Row(key, bucket);
    }

    public async Task<byte[]> ReadAsync(string key, BucketRow? bucket = null)
    {
        await using IObjectReader reader = await Store.OpenAsync(
            new GetVersion { Bucket = (bucket ?? Bucket).Name, Key = key }, CancellationToken.None);
        Assert.Equal(ResultCode.ResultOk, reader.Version.Code);
        await reader.StartAsync(0, (long)reader.Version.Version.Size, CancellationToken.None);
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        await reader.CopyToAsync(pipe.Writer, CancellationToken.None);
        await pipe.Writer.CompleteAsync();
        using var result = new MemoryStream();
        await pipe.Reader.CopyToAsync(result);
        return result.ToArray();
    }

    public DataRow Row(string key, BucketRow? bucket = null) => Metadata.Ask(
        new Query { GetVersion = new GetVersion { Bucket = (bucket ?? Bucket).Name, Key = key, WithData = true } }).Data;

    public void Delete(string key)
    {
        var delete = new DeleteVersions { Bucket = Bucket.Name, Owner = "me" };
        delete.Items.Add(new DeleteItem { Key = key });
        Assert.Equal(ResultCode.ResultOk, Metadata.Apply(new Command { DeleteVersions = delete }).Deletes[0].Code);
    }

    public static ShardKey KeyOf(DataRow row, uint shard) => new(new ObjectHash(row.ObjectHash.Span), shard);

    /// <summary>Queues a heal, as a read that met a bad shard does.</summary>
    public CommandResult Queue(DataRow row, params uint[] shards)
    {
        var queue = new QueueHeal { DataId = row.DataId, Reason = "test" };
        queue.Places.AddRange(shards.Select(shard => new ShardPlace { Shard = shard, StorageId = row.Placement[(int)shard] }));
        return Metadata.Apply(new Command { QueueHeal = queue });
    }

    /// <summary>Deletes a shard behind the store's back, as a disk that lost it.</summary>
    public void Lose(DataRow row, uint shard)
        => Stores[row.Placement[(int)shard]].Delete([new ShardToDelete(KeyOf(row, shard), null)]);

    /// <summary>Both sessions report: nothing is undecided, and no read stands below what is applied.</summary>
    public void Report()
    {
        // Twice, so that the first report itself is an entry that the second one stands above.
        foreach (WriteSession session in new[] { _gate.Require(), _worker.Require(), _gate.Require(), _worker.Require() })
        {
            session.Advance(Metadata.Index);
            Metadata.Apply(new Command
            {
                ReportSession = new ReportSession
                {
                    Session = session.Id, Low = session.Low, Epoch = _view.Require().Epoch, OldestRead = session.OldestRead,
                },
            });
        }
    }

    /// <summary>One round over all partitions.</summary>
    public async Task RoundAsync()
    {
        Refresh();
        for (int partition = 0; partition < 64; partition++)
            await _work.RunAsync(partition, CancellationToken.None);
        Refresh();
    }

    /// <summary>One round over one partition.</summary>
    public async Task RoundAsync(int partition)
    {
        Refresh();
        await _work.RunAsync(partition, CancellationToken.None);
    }

    /// <summary>One step of a scrub, whose rate is bounded by a clock that stands still unless it is moved on.</summary>
    public async Task StepAsync(Predastore.Actors.Maintenance.Scrub.ScrubWork scrub)
    {
        Task<bool> step = scrub.StepAsync(CancellationToken.None);
        while (!step.IsCompleted)
        {
            Time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }

        Assert.True(await step);
    }

    /// <summary>Time for orphans to be looked for again, with reports on the way, and a round.</summary>
    public async Task CollectAsync()
    {
        Report();
        Time.Advance(Parts.Settings.OrphanInterval + TimeSpan.FromSeconds(1));
        await RoundAsync();
    }

    /// <summary>
    /// Counts shards on disks against rows: every shard a row names is there exactly once with the bytes it had, and nothing else is.
    /// </summary>
    public void AssertCensus()
    {
        Dictionary<(uint, ShardKey), DataRow> named = [];
        for (uint partition = 0; partition < 64; partition++)
        {
            QueryResult page = Metadata.Ask(new Query { WalkData = new WalkData { Partition = partition } });
            Assert.False(page.Truncated);
            foreach (DataRow row in page.DataRows)
            {
                Assert.Empty(row.Missing);
                for (uint shard = 0; shard < row.Placement.Count; shard++)
                    named.Add((row.Placement[(int)shard], KeyOf(row, shard)), row);
            }
        }

        List<(uint, ShardKey)> found = [];
        foreach (uint id in _view.Require().NodesOfStorages().Keys)
            found.AddRange(Stores.Rows(id).Select(row => (id, row.Key)));
        Assert.Equal(named.Keys.Order(Order), found.Order(Order));
        foreach (((uint id, ShardKey key), DataRow row) in named)
        {
            using var digest = new ShardDigest();
            digest.AppendFragments(Stores.Bytes(id, key));
            Assert.Equal(row.Digests[(int)key.ShardIndex].ToByteArray(), digest.Finish());
        }
    }

    public ulong HealBacklog() => Metadata.Ask(new Query { GetCluster = new GetCluster() }).HealBacklog;

    public ulong GarbageBacklog() => Metadata.Ask(new Query { GetCluster = new GetCluster() }).GarbageBacklog;

    public StorageRow Storage(uint id) => Refresh().Storages[id];

    public CommandResult SetRing(params uint[] members)
    {
        ClusterView now = Refresh();
        var ring = new RingRow { DataShards = (uint)now.Geometry.K, ParityShards = (uint)now.Geometry.M };
        ring.Members.AddRange(members.Select(Member));
        CommandResult result = Metadata.Apply(new Command { SetRing = new SetRing { ExpectedEpoch = now.Epoch, Ring = ring } });
        Refresh();
        return result;
    }

    public CommandResult SetState(uint id, StorageState state)
    {
        CommandResult result = Metadata.Apply(new Command
        {
            SetStorageState = new SetStorageState { Id = id, DiskUuid = Storage(id).DiskUuid, State = state },
        });
        Refresh();
        return result;
    }

    public async ValueTask DisposeAsync()
    {
        _gateProposer.Dispose();
        _workerProposer.Dispose();
        Stores.Dispose();
        Metadata.Dispose();
        Keys.Dispose();
        await _system.Terminate();
    }

    private static readonly Comparer<(uint Id, ShardKey Key)> Order = Comparer<(uint Id, ShardKey Key)>.Create((a, b) =>
        (a.Id, a.Key.ObjectHash, a.Key.ShardIndex).CompareTo((b.Id, b.Key.ObjectHash, b.Key.ShardIndex)));

    private bool IsUsable(uint id) => !Stores.Down.ContainsKey(id);

    private IMaterializer Materializer() => _system.Materializer();

    private void OpenSessions()
    {
        _gate.Current = Open(SessionKind.SessionGate);
        _worker.Current = Open(SessionKind.SessionMaintenance);
    }

    private WriteSession Open(SessionKind kind)
    {
        CommandResult result = Metadata.Apply(new Command
        {
            OpenSession = new OpenSession { Node = 1, Kind = kind, Nonce = ByteString.CopyFrom(Guid.NewGuid().ToByteArray()), Epoch = 1 },
        });
        return new WriteSession(result.Session, result.Index);
    }

    private PartitionWork NewWork() => new(
        Parts, new RewriteWork(Parts, Uploader(_worker), Reads(), Materializer, NullLogger.Instance), NullLogger.Instance);

    private ObjectUploader Uploader(SessionHolder sessions)
        => new(Stores, sessions, _view, Keys, IsUsable, Materializer, new UploadLimits());

    private ReadContext Reads() => new(Stores, Metadata, Keys, new HedgeDelay(), () => ClusterId, fault =>
    {
        lock (Faults)
            Faults.Add(fault);
    });
}
