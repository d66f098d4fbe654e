using System.IO.Pipelines;
using Google.Protobuf;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Simulation.Tests.Raft;
using Predastore.Testing.Linearizability;

namespace Predastore.Simulation.Tests.Store;

/// <content>The start of the cluster, and clients that race on a few keys and write down what they saw.</content>
internal sealed partial class ClusterSimulation
{
    private static readonly string[] Buckets = ["first", "second"];

    /// <summary>How long a client waits: longer than a gate does for a definite answer.</summary>
    private const int ClientMsMax = 35_000;

    private readonly Bodies _bodies = new();
    private bool _ready;
    private bool _working;

    /// <summary>What clients did.</summary>
    public ObjectHistory History { get; } = new();

    /// <summary>Operations that got a definite answer, and all of them.</summary>
    public (int Definite, int All) Done { get; private set; }

    private void Bootstrap() => _ = BootstrapAsync();

    private async Task BootstrapAsync()
    {
        var ring = new RingRow { Epoch = 1, DataShards = (uint)Settings.DataShards, ParityShards = (uint)Settings.ParityShards };
        foreach (SimHost host in Hosts)
            foreach (uint id in host.StorageIds)
                ring.Members.Add(new RingMember { StorageId = id, Node = host.Node, Host = $"h{host.Node}", Weight = 1 });
        SimProcess first = Hosts[0].Process!;
        await RegisterAsync(first, new Command
        {
            InitCluster = new InitCluster { ClusterId = ClusterId, Region = "r", Ring = ring, KeyFingerprint = ByteString.CopyFrom(new byte[16]) },
        });
        foreach (SimHost host in Hosts)
        {
            foreach (uint id in host.StorageIds)
            {
                await RegisterAsync(first, new Command
                {
                    RegisterStorage = new RegisterStorage
                    {
                        Id = id,
                        Node = host.Node,
                        DiskUuid = ByteString.CopyFrom(host.Uuids[id].ToByteArray(bigEndian: true)),
                        Empty = true,
                    },
                });
            }
        }

        while (Hosts.Any(h => h.Process is not { Sessions.Current: not null, MaintenanceSessions.Current: not null, Cluster.Current: not null }))
            await Clock.DelayAsync(50);
        foreach (string bucket in Buckets)
            await first.Store.ExecuteAsync(new Command { CreateBucket = new CreateBucket { Name = bucket, Owner = "o" } }, CancellationToken.None);
        _ready = true;
    }

    private async Task RegisterAsync(SimProcess process, Command command)
    {
        command.FeatureLevel = Proposer.FeatureLevel;
        for (CommandResult? result = null; result is null;)
        {
            try
            {
                result = await process.Metadata.ProposeAsync(command, TimeSpan.FromSeconds(5), CancellationToken.None);
            }
            catch (StoreException)
            {
                await Clock.DelayAsync(100);
                continue;
            }

            if (result.Code != ResultCode.ResultOk)
                Fail(new InvariantException($"{command.OpCase} answered {result.Code} {result.Message}"));
        }
    }

    private void StartWork()
    {
        _working = true;
        for (int i = 0; i < Settings.Clients; i++)
            _ = ClientAsync();
    }

    private async Task ClientAsync()
    {
        try
        {
            int think = Math.Max(1, Settings.TroubledMs * Settings.Clients / Settings.Operations / 2);
            while (_working)
            {
                await Clock.DelayAsync(1 + _workRandom.Next(think));
                SimProcess[] gates = [.. Hosts.Select(h => h.Process).OfType<SimProcess>()];
                if (gates.Length == 0 || !_working)
                    continue;
                SimProcess gate = _workRandom.Pick(gates);
                await Task.WhenAny(OperateAsync(gate), gate.Died.Task, Clock.DelayAsync(ClientMsMax));
            }
        }
        catch (Exception error)
        {
            Fail(error);
        }
    }

    private Task OperateAsync(SimProcess gate)
    {
        Done = (Done.Definite, Done.All + 1);
        string bucket = Buckets[_workRandom.Chance(850) ? 0 : 1];
        string key = $"k{_workRandom.Next(Settings.Keys)}";
        return GuardAsync(_workRandom.Next(100) switch
        {
            < 30 => PutAsync(gate, bucket, key, null, false),
            < 38 => PutAsync(gate, bucket, key, null, true),
            < 46 => PutAsync(gate, bucket, key, _bodies.Newest($"{bucket}/{key}") ?? "none", false),
            < 70 => GetAsync(gate, bucket, key),
            < 78 => DeleteAsync(gate, bucket, key),
            < 86 => CopyAsync(gate, bucket, key, Buckets[_workRandom.Chance(700) ? 0 : 1], $"k{_workRandom.Next(Settings.Keys)}"),
            < 94 => UploadAsync(gate, bucket, key),
            _ => ListAsync(gate, bucket),
        });
    }

    private async Task GuardAsync(Task operation)
    {
        try
        {
            await operation;
        }
        catch (Exception error) when (error is StoreException or IOException or OperationCanceledException or Predastore.Shards.Protocol.ShardException)
        {
            // The cluster could not answer; what may have happened is in the history.
        }
        catch (Exception error) when (error is not Predastore.Testing.Disk.SimulatedCrashException)
        {
            Fail(error);
        }
    }

    // An answer counts only if the process that gave it was there to give it.
    private bool Answered(SimProcess gate)
    {
        if (!gate.Acts)
            return false;
        Done = (Done.Definite + 1, Done.All);
        return true;
    }

    private async Task<BucketRow> BucketAsync(SimProcess gate, string bucket)
        => (await gate.Store.QueryAsync(new Query { GetBucket = new GetBucket { Name = bucket } }, CancellationToken.None)).Bucket;

    private async Task PutAsync(SimProcess gate, string bucket, string key, string? ifMatch, bool ifNoneMatch)
    {
        long start = Clock.Now;
        string etag = _bodies.Make($"{bucket}/{key}", SizeOf(), out byte[] body);
        BucketRow row = await BucketAsync(gate, bucket);
        await using IStagedObject staged = await gate.Store.StageAsync(row, new MemoryStream(body), body.Length, CancellationToken.None);
        var put = new PutVersion { Bucket = bucket, BucketId = row.Id, Version = Version(key, etag), Preconditions = new Preconditions { IfNoneMatchAny = ifNoneMatch } };
        if (ifMatch is not null)
            put.Preconditions.IfMatch.Add(ifMatch);
        await RecordAsync(gate, $"{bucket}/{key}", start, KeyAction.Write, etag, ifMatch, ifNoneMatch, () => gate.Store.PutAsync(staged, put, CancellationToken.None));
    }

    // From here on the write may take effect at any time, until there is an answer.
    private async Task<CommandResult?> RecordAsync(
        SimProcess gate, string name, long start, KeyAction action, string? etag, string? ifMatch, bool ifNoneMatch, Func<Task<CommandResult>> run)
    {
        var outcome = KeyOutcome.Unknown;
        bool counts = true;
        var entry = new Pending(name, start, new KeyOperation(action, KeyOutcome.Unknown, etag, ifMatch, ifNoneMatch));
        _pending.Add(entry);
        if (action == KeyAction.Delete)
            _deleting.Add(name);
        CommandResult? result = null;
        try
        {
            result = await run();
            if (!Answered(gate))
                return null;
            ResultCode code = result.Deletes.Count > 0 ? result.Deletes[0].Code : result.Code;
            Mix((ulong)code);
            outcome = code switch
            {
                ResultCode.ResultOk => KeyOutcome.Done,
                ResultCode.ResultPreconditionFailed => KeyOutcome.Refused,
                ResultCode.ResultNoSuchKey when ifMatch is not null => KeyOutcome.Refused,
                _ => KeyOutcome.Unknown,
            };
            counts = outcome != KeyOutcome.Unknown;
            _pending.Remove(entry);
            if (action == KeyAction.Delete && !_pending.Any(p => p.Name == name && p.Operation.Action == KeyAction.Delete))
            {
                _deleting.Remove(name);
                _modified.Remove(name);
            }

            if (counts)
                History.Add(name, start, Clock.Now, entry.Operation with { Outcome = outcome });
            if (outcome == KeyOutcome.Done && action == KeyAction.Write)
                CheckAcknowledged(name, etag!);
        }
        catch (InvariantException violation)
        {
            Fail(violation);
        }

        return result;
    }

    private readonly List<Pending> _pending = [];

    private sealed record Pending(string Name, long Start, KeyOperation Operation);

    // What has no answer at the end stays open.
    private void AddPending()
    {
        foreach (Pending pending in _pending)
            History.Add(pending.Name, pending.Start, Timed<KeyOperation>.Open, pending.Operation);
        _pending.Clear();
    }

    private async Task GetAsync(SimProcess gate, string bucket, string key)
    {
        long start = Clock.Now;
        await using IObjectReader reader = await gate.Store.OpenAsync(new GetVersion { Bucket = bucket, Key = key }, CancellationToken.None);
        string? etag = reader.Version.Code == ResultCode.ResultOk ? reader.Version.Version.Etag : null;
        InvariantException.Check(reader.Version.Code is ResultCode.ResultOk or ResultCode.ResultNoSuchKey, $"a read answered {reader.Version.Code}");
        if (Answered(gate))
            History.Add($"{bucket}/{key}", start, Clock.Now, new KeyOperation(KeyAction.Read, KeyOutcome.Done, etag));
        Mix((ulong)(etag?.Length ?? 0));
        if (etag is null)
            return;
        InvariantException.Check((int)reader.Version.Version.Size == _bodies.Of(etag).Length, $"{key} has {reader.Version.Version.Size} bytes of {etag}");
        int[] parts = _bodies.PartsOf(etag);
        await CheckRangeAsync(reader, etag, 0, parts[0]);

        // A range beyond one part would need a stream: each part is read by a reader of its own, while the version is the same.
        int offset = parts[0];
        foreach (int length in parts.Skip(1))
        {
            await using IObjectReader next = await gate.Store.OpenAsync(new GetVersion { Bucket = bucket, Key = key, Offset = (ulong)offset }, CancellationToken.None);
            if (next.Version.Code != ResultCode.ResultOk || next.Version.Version.Etag != etag)
                return;
            await CheckRangeAsync(next, etag, offset, length);
            offset += length;
        }
    }

    private async Task CheckRangeAsync(IObjectReader reader, string etag, int offset, int length)
    {
        if (length == 0)
            return;
        await reader.StartAsync(offset, length, CancellationToken.None);
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0, readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline));
        await reader.CopyToAsync(pipe.Writer, CancellationToken.None);
        await pipe.Writer.CompleteAsync();
        byte[] got = new byte[length];
        int at = 0;
        while (pipe.Reader.TryRead(out ReadResult read))
        {
            foreach (ReadOnlyMemory<byte> part in read.Buffer)
            {
                part.Span.CopyTo(got.AsSpan(at));
                at += part.Length;
            }

            pipe.Reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                break;
        }

        InvariantException.Check(at == length && got.AsSpan().SequenceEqual(_bodies.Of(etag).AsSpan(offset, length)), $"{etag} reads wrong bytes");
    }

    private Task DeleteAsync(SimProcess gate, string bucket, string key)
    {
        var delete = new DeleteVersions { Bucket = bucket };
        delete.Items.Add(new DeleteItem { Key = key });
        return RecordAsync(gate, $"{bucket}/{key}", Clock.Now, KeyAction.Delete, null, null, false,
            () => gate.Store.ExecuteAsync(new Command { DeleteVersions = delete }, CancellationToken.None));
    }

    // Two operations: a read of the source, and a write of what it held to the target.
    private async Task CopyAsync(SimProcess gate, string fromBucket, string from, string toBucket, string to)
    {
        long start = Clock.Now;
        BucketRow target = await BucketAsync(gate, toBucket);
        await using IObjectReader source = await gate.Store.OpenAsync(new GetVersion { Bucket = fromBucket, Key = from }, CancellationToken.None);
        if (source.Version.Code != ResultCode.ResultOk)
            return;
        // Small parts move as bytes to another bucket, in a stream, and nothing streams here.
        if (source.Version.Version.Parts > 0 && fromBucket != toBucket)
            return;
        string etag = source.Version.Version.Etag;
        if (Answered(gate))
            History.Add($"{fromBucket}/{from}", start, Clock.Now, new KeyOperation(KeyAction.Read, KeyOutcome.Done, etag));
        var put = new PutVersion { Bucket = toBucket, BucketId = target.Id, Version = Version(to, etag) };
        await RecordAsync(gate, $"{toBucket}/{to}", start, KeyAction.Write, etag, null, false, () => gate.Store.CopyAsync(source, target, put, CancellationToken.None));
    }

    private async Task UploadAsync(SimProcess gate, string bucket, string key)
    {
        long start = Clock.Now;
        BucketRow row = await BucketAsync(gate, bucket);
        CommandResult created = await gate.Store.ExecuteAsync(
            new Command { CreateUpload = new CreateUpload { Bucket = bucket, BucketId = row.Id, Upload = new UploadRow { Key = key, Owner = "o" } } },
            CancellationToken.None);
        if (created.Code != ResultCode.ResultOk)
            return;
        var complete = new CompleteUpload { Bucket = bucket, Key = key, UploadId = created.UploadId, PartBytesMin = 1 };
        var parts = new List<byte[]>();
        int count = 1 + _workRandom.Next(3);
        for (uint number = 1; number <= count; number++)
        {
            string etag = _bodies.MakePart(SizeOf(), out byte[] body);
            await using IStagedObject staged = await gate.Store.StageAsync(row, new MemoryStream(body), body.Length, CancellationToken.None);
            CommandResult put = await gate.Store.PutPartAsync(
                staged,
                new PutPart { Bucket = bucket, BucketId = row.Id, Key = key, UploadId = created.UploadId, Part = new PartRow { Number = number, Etag = etag } },
                CancellationToken.None);
            if (put.Code != ResultCode.ResultOk)
                return;
            parts.Add(body);
            complete.Parts.Add(new CompletePart { Number = number, Etag = etag });
        }

        if (_workRandom.Chance(150))
        {
            await gate.Store.ExecuteAsync(
                new Command { AbortUpload = new AbortUpload { Bucket = bucket, Key = key, UploadId = created.UploadId } }, CancellationToken.None);
            return;
        }

        string whole = _bodies.Join($"{bucket}/{key}", parts);
        await RecordAsync(gate, $"{bucket}/{key}", start, KeyAction.Write, whole, null, false,
            () => gate.Store.ExecuteAsync(new Command { CompleteUpload = complete }, CancellationToken.None));
    }

    private async Task ListAsync(SimProcess gate, string bucket)
    {
        long start = Clock.Now;
        var seen = new List<string>();
        string after = "";
        while (true)
        {
            QueryResult page = await gate.Store.QueryAsync(new Query { ListVersions = new ListVersions { Bucket = bucket, After = after, Limit = 2 } }, CancellationToken.None);
            seen.AddRange(page.Entries.Select(entry => $"{bucket}/{entry.Version.Key}"));
            if (!page.Truncated)
                break;
            after = page.NextAfter;
        }

        if (Answered(gate))
            History.AddListing($"{bucket}/", start, Clock.Now, seen);
    }

    private int SizeOf() => _workRandom.Chance(300) ? 1 + _workRandom.Next(4096) : 4097 + _workRandom.Next(Settings.BytesMax);

    private static VersionRow Version(string key, string etag) => new() { Key = key, Etag = etag, Owner = "o", Attributes = new Attributes() };
}
