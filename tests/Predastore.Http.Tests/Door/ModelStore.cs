using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Security.Cryptography;
using Google.Protobuf;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Shards.Disk;
using Predastore.Testing.Disk;

namespace Predastore.Http.Tests.Door;

/// <summary>
/// The real metadata state machine on a modelled database, with object bytes in a dictionary instead of shards: what the door does with
/// results is tested without a cluster.
/// </summary>
public sealed class ModelStore : IObjectStore, IDisposable
{
    private readonly Lock _lock = new();
    private readonly MetadataStore _rows = new(new MemoryKvFactory().Open("/state", new OrderedKvOptions(WriteAheadLog: false)));
    private readonly Dictionary<ByteString, byte[]> _bytes = [];
    private uint _counter;
    private int _bodies;
    private int _commands;

    public ModelStore()
    {
        var ring = new RingRow { DataShards = 2, ParityShards = 1 };
        for (uint id = 1; id <= 3; id++)
            ring.Members.Add(new RingMember { StorageId = id, Node = id, Host = $"h{id}", Weight = 1 });
        Apply(new Command
        {
            FeatureLevel = 1,
            InitCluster = new InitCluster { ClusterId = Hash("cluster"), Ring = ring, KeyFingerprint = Hash("key"), FileDigest = Hash("file") },
        });
        Session = Apply(new Command { OpenSession = new OpenSession { Node = 1, Nonce = Hash("nonce") } }).Session;
        for (uint id = 1; id <= 3; id++)
            Apply(new Command { RegisterStorage = new RegisterStorage { Id = id, Node = id, DiskUuid = Hash($"disk {id}"), Empty = true } });
    }

    /// <summary>The clock of commands, in Unix milliseconds.</summary>
    public Func<long> NowMs { get; set; } = () => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    /// <summary>Bodies that were begun.</summary>
    public int Bodies => _bodies;

    /// <summary>Commands proposed, commits of bodies included.</summary>
    public int Commands => _commands;

    /// <summary>Done before a body is read: a test may hold uploads here.</summary>
    public Func<CancellationToken, Task> BeforeBody { get; set; } = _ => Task.CompletedTask;

    /// <summary>Done once, before the next command of an operation: what another client may do between its check and its change.</summary>
    public Func<Task>? BeforeCommand { get; set; }

    /// <summary>Bodies that were read to their end.</summary>
    public int Staged { get; private set; }

    private uint Session { get; }

    public Task<QueryResult> QueryAsync(Query query, CancellationToken cancel) => Task.FromResult(_rows.Answer(query));

    public async Task<CommandResult> ExecuteAsync(Command command, CancellationToken cancel)
    {
        Func<Task>? before = BeforeCommand;
        BeforeCommand = null;
        if (before is not null)
            await before();
        if (command.CreateBucket is { Key: null } create)
            create.Key = new WrappedKey { KeyVersion = 1, Blob = Hash(create.Name) };
        return Apply(command);
    }

    public async Task<IStagedObject> StageAsync(BucketRow bucket, Stream body, long sizeHint, CancellationToken cancel)
    {
        Interlocked.Increment(ref _bodies);
        await BeforeBody(cancel);
        using var copy = new MemoryStream();
        await body.CopyToAsync(copy, cancel);
        Staged++;
        return new Bytes(bucket, copy.ToArray());
    }

    public Task<CommandResult> PutAsync(IStagedObject staged, PutVersion put, CancellationToken cancel)
    {
        var bytes = (Bytes)staged;
        put.Version.Size = (ulong)bytes.Size;
        return Task.FromResult(Commit(bytes, data => put.Data = data, new Command { PutVersion = put }));
    }

    public Task<CommandResult> PutPartAsync(IStagedObject staged, PutPart put, CancellationToken cancel)
    {
        var bytes = (Bytes)staged;
        put.Part.Size = (ulong)bytes.Size;
        return Task.FromResult(Commit(bytes, data => put.Data = data, new Command { PutPart = put }));
    }

    public Task<CommandResult> CopyAsync(IObjectReader source, BucketRow target, PutVersion put, CancellationToken cancel)
    {
        VersionRow from = source.Version.Version;
        put.Source = new CopySource { BucketId = from.BucketId, Key = from.Key, Position = from.Position };
        foreach (DataRow row in Rows(source.Version))
            put.Source.Keys.Add(new DataKey { DataId = row.DataId, Key = new WrappedKey { BucketId = target.Id, Blob = row.DataId } });
        return ExecuteAsync(new Command { PutVersion = put }, cancel);
    }

    public Task<IObjectReader> OpenAsync(GetVersion query, CancellationToken cancel)
    {
        query.WithData = true;
        QueryResult found = _rows.Answer(new Query { GetVersion = query });
        return Task.FromResult<IObjectReader>(new Reader(this, found));
    }

    public void Dispose() => _rows.Dispose();

    private static ByteString Hash(string text) => ByteString.CopyFrom(MD5.HashData(System.Text.Encoding.UTF8.GetBytes(text)));

    private CommandResult Commit(Bytes bytes, Action<DataRow> set, Command command)
    {
        lock (_lock)
        {
            command.WriteId = ((ulong)Session << 32) | ++_counter;
            if (bytes.Size > 0)
            {
                byte[] id = new byte[8];
                BinaryPrimitives.WriteUInt64BigEndian(id, command.WriteId);
                var row = new DataRow
                {
                    ObjectHash = ByteString.CopyFrom(SHA256.HashData(id)), WriteId = command.WriteId, Size = (ulong)bytes.Size,
                    DataShards = 2, ParityShards = 1, Placement = { 1, 2, 3 }, Digests = { Hash("1"), Hash("2"), Hash("3") },
                    Keys = { new WrappedKey { BucketId = bytes.Bucket.Id, Blob = Hash("data key") } },
                };
                row.DataId = row.ObjectHash;
                _bytes[row.DataId] = bytes.Body;
                set(row);
            }

            return Apply(command);
        }
    }

    private CommandResult Apply(Command command)
    {
        lock (_lock)
        {
            _commands++;
            if (command.TimeMs == 0)
                command.TimeMs = NowMs();
            return _rows.Apply([new MetadataEntry(_rows.AppliedIndex + 1, 1, command.ToByteArray())])[0];
        }
    }

    private List<DataRow> Rows(QueryResult found)
    {
        if (found.Data is { } own)
            return [own];
        return found.Version.DataCase == VersionRow.DataOneofCase.UploadId ? [.. Parts(found.Version).Select(part => part.Data)] : [];
    }

    private IEnumerable<Part> Parts(VersionRow version)
    {
        ulong offset = 0;
        while (offset < version.Size)
        {
            QueryResult page = _rows.Answer(new Query { ReadParts = new ReadParts { UploadId = version.UploadId, Offset = offset, Limit = 64 } });
            foreach (Part part in page.Parts)
            {
                yield return part;
                offset = part.Row.Offset + part.Row.Size;
            }
        }
    }

    private byte[] Read(QueryResult found)
    {
        lock (_lock)
            return [.. Rows(found).SelectMany(row => _bytes[row.DataId])];
    }

    private sealed record Bytes(BucketRow Bucket, byte[] Body) : IStagedObject
    {
        public long Size => Body.Length;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private sealed class Reader(ModelStore store, QueryResult found) : IObjectReader
    {
        private ReadOnlyMemory<byte> _range;

        public QueryResult Version => found;

        public Task StartAsync(long offset, long length, CancellationToken cancel)
        {
            _range = store.Read(found).AsMemory((int)offset, (int)length);
            return Task.CompletedTask;
        }

        public async Task CopyToAsync(PipeWriter output, CancellationToken cancel) => await output.WriteAsync(_range, cancel);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
