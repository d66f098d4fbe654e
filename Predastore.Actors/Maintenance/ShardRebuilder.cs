using System.Buffers;
using Predastore.Actors.Metadata;
using Predastore.Actors.Streams;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;
using Predastore.Shards.Striping;
using DataKey = Predastore.Shards.Crypto.DataKey;

namespace Predastore.Actors.Maintenance;

/// <summary>A shard to rebuild.</summary>
/// <param name="Shard">Its index.</param>
/// <param name="StorageId">Where it shall be.</param>
/// <param name="WriteId">
/// Names the extent: the object's own where the row names the place already, else one of the healer's session, or the extent would
/// look like an orphan until the row names it.
/// </param>
internal readonly record struct ShardTask(uint Shard, uint StorageId, ulong WriteId);

/// <summary>What became of one <see cref="ShardTask"/>.</summary>
/// <param name="Task">The task.</param>
/// <param name="Put">The attempt, if it is durable.</param>
/// <param name="Failure">Why it is not; null if it is.</param>
internal sealed record ShardOutcome(ShardTask Task, PutShardRequest Put, Exception? Failure)
{
    /// <summary>True if the shard is durable.</summary>
    public bool Ok => Failure is null;
}

/// <summary>A rebuilt shard is not the one that was written: the others hold something else than they should.</summary>
internal sealed class WrongDigestException(string message) : IOException(message);

/// <summary>
/// Rebuilds shards of one row in one pass: reads what of them still opens, computes the rest from K others, seals again with the key and
/// write id they had, and makes a shard durable only if its digest is the one in the row. Bounded memory: one batch at a time.
/// </summary>
internal sealed class ShardRebuilder(MaintenanceParts parts)
{
    private readonly HedgeDelay _hedge = new(parts.Time);

    /// <summary>Rebuilds; a storage id that fails fails its shard only.</summary>
    /// <param name="row">The row as just read.</param>
    /// <param name="bucket">A bucket that refers to it.</param>
    /// <param name="tasks">What to rebuild.</param>
    /// <param name="cancel">Ends the work; nothing half-done stays.</param>
    /// <exception cref="Client.StoreException">Fewer than K shards can be read.</exception>
    public async Task<IReadOnlyList<ShardOutcome>> RebuildAsync(
        DataRow row, BucketRow bucket, IReadOnlyList<ShardTask> tasks, CancellationToken cancel)
    {
        // Damaged shards are read too, the wanted ones included: fragments are authenticated one by one, and two shards that are bad in
        // different places still give the whole object. Only those that cannot be asked are left out: each batch would wait for them.
        DataRow sources = row.Clone();
        sources.Missing.AddRange(tasks.Select(task => task.Shard)
            .Where(shard => !row.Missing.Contains(shard) && !parts.Usable(row.Placement[(int)shard])));
        DataKey key = parts.Keys.Unwrap(bucket, row.Keys);
        using var reader = new DataReader(parts.Shards, sources, key, _hedge, static _ => { });
        var hash = new ObjectHash(row.ObjectHash.Span);
        using var sealer = new FragmentSealer(key, hash, row.WriteId);
        var targets = new List<Target>();
        try
        {
            foreach (ShardTask task in tasks)
                targets.Add(await OpenAsync(row, task, reader.Layout.ShardBytes, cancel).ConfigureAwait(false));
            await CopyAsync(reader, sealer, targets, cancel).ConfigureAwait(false);
            foreach (Target target in targets)
                await target.CommitAsync(row.Digests[(int)target.Put.ShardIndex].Memory, cancel).ConfigureAwait(false);
            return [.. targets.Select(target => new ShardOutcome(target.Task, target.Put, target.Failure))];
        }
        finally
        {
            foreach (Target target in targets)
                await target.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task<Target> OpenAsync(DataRow row, ShardTask task, long shardBytes, CancellationToken cancel)
    {
        var put = new PutShardRequest(
            new ObjectHash(row.ObjectHash.Span), task.Shard, task.WriteId, Guid.NewGuid(), (ushort)row.DataShards,
            (ushort)row.ParityShards, task.StorageId, FragmentLayout.SealedBytes(shardBytes));
        var target = new Target(task, put);
        await target.TryAsync(async () => target.Sink = await parts.Shards.BeginPutAsync(put, cancel).ConfigureAwait(false), cancel)
            .ConfigureAwait(false);
        return target;
    }

    private async Task CopyAsync(DataReader reader, FragmentSealer sealer, List<Target> targets, CancellationToken cancel)
    {
        StripeLayout layout = reader.Layout;
        var shape = new BatchShape(layout.Geometry);
        byte[] sealedBytes = ArrayPool<byte>.Shared.Rent(shape.ShardArrayBytes);
        try
        {
            long count = FragmentLayout.FragmentCount(layout.ShardBytes);
            long step = shape.Stripes * BatchShape.FragmentsPerCell;
            for (long first = 0; first < count; first += step)
            {
                var range = new IndexRange(first, Math.Min(step, count - first));
                Target[] alive = [.. targets.Where(target => target.Failure is null)];
                if (alive.Length == 0)
                    return;
                long bytes = FragmentLayout.SealedRange(layout.ShardBytes, range).Length;
                await parts.Pace.TakeAsync(bytes * (layout.Geometry.K + alive.Length), cancel).ConfigureAwait(false);
                Dictionary<int, ShardRun> runs = await reader.ReadShardsAsync(
                    alive.ToDictionary(target => (int)target.Put.ShardIndex, _ => range), cancel).ConfigureAwait(false);
                try
                {
                    foreach (Target target in alive)
                    {
                        uint shard = target.Put.ShardIndex;
                        int length = sealer.SealShardRun(
                            shard, (ulong)first, range.End == count, runs[(int)shard].Slice(range, layout.ShardBytes).Span, sealedBytes);
                        await target.WriteAsync(sealedBytes.AsMemory(0, length), cancel).ConfigureAwait(false);
                    }
                }
                finally
                {
                    foreach (ShardRun run in runs.Values)
                        run.Dispose();
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(sealedBytes);
        }
    }

    /// <summary>One shard on its way; after its first failure it takes nothing more.</summary>
    private sealed class Target(ShardTask task, PutShardRequest put) : IAsyncDisposable
    {
        private readonly ShardDigest _digest = new();

        public ShardTask Task => task;

        public PutShardRequest Put => put;

        public IShardSink? Sink { get; set; }

        public Exception? Failure { get; private set; }

        public async Task WriteAsync(ReadOnlyMemory<byte> sealedBytes, CancellationToken cancel)
        {
            _digest.AppendFragments(sealedBytes.Span);
            await TryAsync(() => Sink!.WriteAsync(sealedBytes, cancel).AsTask(), cancel).ConfigureAwait(false);
        }

        public async Task CommitAsync(ReadOnlyMemory<byte> expected, CancellationToken cancel)
        {
            if (Failure is not null)
                return;
            byte[] digest = _digest.Finish();
            if (!digest.AsSpan().SequenceEqual(expected.Span))
            {
                Failure = new WrongDigestException($"shard {put.ShardIndex} was rebuilt with another digest");
                return;
            }

            await TryAsync(() => Sink!.CommitAsync(put.SizeHint, Digests.ToNumber(digest), cancel).AsTask(), cancel)
                .ConfigureAwait(false);
        }

        public async Task TryAsync(Func<Task> step, CancellationToken cancel)
        {
            try
            {
                await step().ConfigureAwait(false);
            }
            catch (Exception error) when (error is ShardException or IOException
                || (error is OperationCanceledException && !cancel.IsCancellationRequested))
            {
                Failure = error;
            }
        }

        public async ValueTask DisposeAsync()
        {
            _digest.Dispose();
            if (Sink is not null)
                await Sink.DisposeAsync().ConfigureAwait(false);
        }
    }
}
