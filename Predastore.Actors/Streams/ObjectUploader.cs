using Akka.Streams;
using Google.Protobuf;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Actors.Topology;
using Predastore.Shards.Crypto;
using DataKey = Predastore.Shards.Crypto.DataKey;
using Predastore.Shards.Protocol;
using Predastore.Shards.Striping;

namespace Predastore.Actors.Streams;

/// <summary>
/// Brings a body to its shards: chooses where they go, opens them, runs the graph (or, for an object of one batch, its functions
/// without a stream) and makes a write quorum durable. Thread-safe.
/// </summary>
internal sealed class ObjectUploader(
    IShardAccess shards, SessionHolder sessions, ClusterViewHolder cluster, KeyCache keys, Func<uint, bool> usable,
    Func<IMaterializer> materializer, UploadLimits limits)
{
    private readonly UploadPlaces _uploads = new(limits.UploadsMax);
    private readonly UploadPlaces _openShards = new(limits.ShardsPerNodeMax);

    /// <summary>Uploads a body of more than inline size; see <see cref="IObjectStore.StageAsync"/>.</summary>
    public async Task<StagedShards> UploadAsync(BucketRow bucket, Stream body, long sizeHint, CancellationToken cancel)
    {
        using IDisposable place = await TakeAsync(_uploads, 1, cancel).ConfigureAwait(false);
        for (int attempt = 1; ; attempt++)
        {
            bool last = attempt == limits.BufferedAttempts;
            using var write = new Write(bucket, sessions.Require(), cluster.Require(), keys, usable);
            try
            {
                return await UploadAsync(write, body, sizeHint, last, cancel).ConfigureAwait(false);
            }
            catch (RetryException retry)
            {
                write.Undecide();
                body = retry.Body;
            }
            catch
            {
                write.Undecide();
                throw;
            }
        }
    }

    private async Task<StagedShards> UploadAsync(Write write, Stream body, long sizeHint, bool last, CancellationToken cancel)
    {
        using var scope = new BatchScope();
        var filler = new BatchFiller(body, new BatchShape(write.Plan.Geometry), scope);

        // Before any shard is opened: a client that sends little holds nothing on other nodes.
        ShardBatch first = await filler.NextAsync(cancel).ConfigureAwait(false)
            ?? throw new ArgumentException("An empty body has no shards.", nameof(body));
        using IDisposable places = await TakeAsync(_openShards, write.Plan.ShardsPerNode, cancel).ConfigureAwait(false);
        List<ShardTarget> targets = await OpenAsync(write, first.IsLast ? first.PlainBytes : sizeHint, cancel).ConfigureAwait(false);
        try
        {
            if (targets.Count < write.Plan.Quorum)
            {
                // Planned anew, because the ids that failed are suspect by now and the geometry may become narrower.
                throw write.HasFailures && !last
                    ? new RetryException(filler.Reopen(first), null)
                    : write.Refusal(targets.Count);
            }

            byte[]? buffered = first.IsLast && !last ? BufferedBody.Copy(first) : null;
            using var sealer = new ObjectSealer(write.Key, write.ObjectHash, write.WriteId, write.Plan.Geometry);
            using var digests = new Digests(write.Plan.Geometry.Total);
            if (first.IsLast)
                await SendOneAsync(first, sealer, digests, targets).ConfigureAwait(false);
            else
                await UploadGraph.RunAsync(
                    materializer(), first, filler, sealer, digests, targets, write.Plan.Quorum, cancel).ConfigureAwait(false);

            byte[][] all = digests.Finish();
            await Task.WhenAll(targets.Select(target => target.CommitAsync(all[target.Shard]))).ConfigureAwait(false);
            cancel.ThrowIfCancellationRequested();
            if (targets.Count(target => target.Committed) < write.Plan.Quorum)
                throw Lost(targets, buffered);
            return write.Stage(shards, filler.PlainBytes, all, targets, limits.Time);
        }
        finally
        {
            foreach (ShardTarget target in targets)
                await target.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static async Task SendOneAsync(
        ShardBatch batch, ObjectSealer sealer, Digests digests, List<ShardTarget> targets)
    {
        sealer.Seal(batch);
        digests.Append(batch);
        batch.Retain(targets.Count);
        batch.Release();
        await Task.WhenAll(targets.Select(async target =>
        {
            await ((Task)target.SendAsync(batch)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            target.EndStage(target.Failure is null);
        })).ConfigureAwait(false);
    }

    private async Task<IDisposable> TakeAsync(UploadPlaces places, int count, CancellationToken cancel)
    {
        using var limit = new Deadline(limits.TurnMax, limits.Time, cancel);
        try
        {
            return await places.TakeAsync(count, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new StoreException(StoreFailure.Busy, "Too many uploads are under way on this gate.");
        }
    }

    // Opens every shard; one that is refused goes to a spare storage id, and is left out where there is none.
    private async Task<List<ShardTarget>> OpenAsync(Write write, long sizeHint, CancellationToken cancel)
    {
        Task<ShardTarget?>[] opening = [.. Enumerable.Range(0, write.Plan.Geometry.Total)
            .Select(shard => OpenOneAsync(write, shard, sizeHint, cancel))];
        Task all = Task.WhenAll(opening);
        await all.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        List<ShardTarget> open = [.. opening.Where(task => task.IsCompletedSuccessfully)
            .Select(task => task.Result).OfType<ShardTarget>()];
        if (!all.IsCompletedSuccessfully)
        {
            foreach (ShardTarget target in open)
                await target.DisposeAsync().ConfigureAwait(false);
        }

        await all.ConfigureAwait(false);
        return open;
    }

    private async Task<ShardTarget?> OpenOneAsync(Write write, int shard, long sizeHint, CancellationToken cancel)
    {
        long shardHint = sizeHint < 0 ? -1
            : FragmentLayout.SealedBytes(new StripeLayout(sizeHint, write.Plan.Geometry).ShardBytes);
        uint storageId = write.Plan.Placement[shard];
        while (true)
        {
            PutShardRequest request = write.Request(shard, storageId, shardHint);
            using var limit = new Deadline(limits.OpenMax, limits.Time, cancel);
            try
            {
                IShardSink sink = await shards.BeginPutAsync(request, limit.Token).ConfigureAwait(false);
                write.Place(shard, storageId);
                return new ShardTarget(request, sink, shards, limits, cancel);
            }
            catch (Exception error) when (!cancel.IsCancellationRequested)
            {
                if (error is OperationCanceledException)
                    shards.Suspect(storageId);
                write.Refused(error);
                if (write.NextSpare() is not { } spare)
                    return null;
                storageId = spare;
            }
        }
    }

    private static Exception Lost(List<ShardTarget> targets, byte[]? buffered)
    {
        Exception? cause = targets.Select(target => target.Failure).FirstOrDefault(failure => failure is not null);
        if (buffered is not null)
            return new RetryException(new MemoryStream(buffered, writable: false), cause);
        return new StoreException(FailureOf(cause), $"The write quorum was lost on the way: {cause?.Message}", cause);
    }

    private static StoreFailure FailureOf(Exception? error) => error switch
    {
        ShardException { Error: ShardError.Full } => StoreFailure.Full,
        ShardException { Error: ShardError.Busy } => StoreFailure.Busy,
        _ => StoreFailure.Unavailable,
    };

    /// <summary>The write failed, and all that was read of its body is at hand: it is tried again under another write id.</summary>
    private sealed class RetryException(Stream body, Exception? inner) : Exception("retry", inner)
    {
        public Stream Body => body;
    }

    /// <summary>One attempt: its identity, key and plan.</summary>
    private sealed class Write : IDisposable
    {
        private readonly BucketRow _bucket;
        private readonly WriteSession _session;
        private readonly KeyCache _keys;
        private readonly uint[] _placed;
        private readonly Queue<uint> _spares;
        private readonly HashSet<StoreFailure> _failures = [];
        private string _lastError = "";

        public Write(BucketRow bucket, WriteSession session, ClusterView cluster, KeyCache keys, Func<uint, bool> usable)
        {
            (_bucket, _session, _keys) = (bucket, session, keys);
            WriteId = session.Allocate();
            ObjectHash = Predastore.Shards.Crypto.ObjectHash.Compute(cluster.ClusterId, WriteId);
            Key = DataKey.Generate();
            try
            {
                Plan = UploadPlan.Make(cluster, ObjectHash, usable);
            }
            catch
            {
                Undecide();
                Key.Dispose();
                throw;
            }

            _placed = [.. Plan.Placement];
            _spares = new Queue<uint>(Plan.Spares);
        }

        public ulong WriteId { get; }

        public ObjectHash ObjectHash { get; }

        public DataKey Key { get; }

        public UploadPlan Plan { get; }

        /// <summary>True if a storage id failed, so that another plan may have more luck; want of space or of places stays.</summary>
        public bool HasFailures => _failures.Contains(StoreFailure.Unavailable);

        public PutShardRequest Request(int shard, uint storageId, long hint) => new(
            ObjectHash, (uint)shard, WriteId, Guid.NewGuid(), (ushort)Plan.Geometry.K, (ushort)Plan.Geometry.M, storageId, hint);

        public void Place(int shard, uint storageId)
        {
            lock (_spares)
                _placed[shard] = storageId;
        }

        public uint? NextSpare()
        {
            lock (_spares)
                return _spares.TryDequeue(out uint spare) ? spare : null;
        }

        public void Refused(Exception error)
        {
            lock (_spares)
            {
                _lastError = error.Message;
                _failures.Add(FailureOf(error));
            }
        }

        /// <summary>Why too few storage ids took the write.</summary>
        public StoreException Refusal(int taken) => new(
            _failures.Contains(StoreFailure.Busy) ? StoreFailure.Busy : HasFailures ? StoreFailure.Unavailable : StoreFailure.Full,
            $"Only {taken} of {Plan.Geometry.Total} storage ids took the write: {_lastError}");

        public void Undecide() => _session.Decide(WriteId);

        public StagedShards Stage(
            IShardAccess shards, long size, byte[][] digests, List<ShardTarget> targets, TimeProvider time)
        {
            var row = new DataRow
            {
                DataId = ByteString.CopyFrom(ObjectHash.ToArray()),
                ObjectHash = ByteString.CopyFrom(ObjectHash.ToArray()),
                WriteId = WriteId,
                Size = (ulong)size,
                DataShards = (uint)Plan.Geometry.K,
                ParityShards = (uint)Plan.Geometry.M,
                Epoch = Plan.Epoch,
            };
            row.Placement.AddRange(_placed);
            row.Digests.AddRange(digests.Select(digest => ByteString.CopyFrom(digest)));
            row.Keys.Add(_keys.Wrap(_bucket, Key));
            ShardTarget[] durable = [.. targets.Where(target => target.Committed)];
            row.Missing.AddRange(Enumerable.Range(0, Plan.Geometry.Total)
                .Except(durable.Select(target => target.Shard)).Select(shard => (uint)shard));
            return new StagedShards(shards, _session, row, Plan.Narrow, [.. durable.Select(target => target.Request)], time);
        }

        public void Dispose() => Key.Dispose();
    }
}
