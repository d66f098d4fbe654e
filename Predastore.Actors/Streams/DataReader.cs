using Predastore.Shards;
using System.Buffers;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Shards.Crypto;
using DataKey = Predastore.Shards.Crypto.DataKey;
using Predastore.Shards.Protocol;
using Predastore.Shards.Striping;

namespace Predastore.Actors.Streams;

/// <summary>
/// Reads ranges of one write from its shards: K data shards, and parity for those that are missing, damaged or late. Every byte
/// it returns was authenticated. Thread-safe; owns the data key.
/// </summary>
internal sealed class DataReader : IDisposable
{
    private readonly IShardAccess _shards;
    private readonly Func<CancellationToken, Task<DataRow?>>? _reread;
    private readonly DataKey _key;
    private readonly HedgeDelay _hedge;
    private readonly Action<ShardFault> _onFault;
    private readonly ObjectHash _objectHash;
    private readonly StripeLayout _layout;
    private volatile DataRow _row;
    private volatile bool _disposed;

    /// <param name="shards">Shards wherever they are.</param>
    /// <param name="row">The row as the version's rows were read.</param>
    /// <param name="key">Its data key, owned from here on.</param>
    /// <param name="hedge">When to ask for parity.</param>
    /// <param name="onFault">Hears of missing and damaged shards.</param>
    /// <param name="reread">Reads the row again, for shards that were moved since; null where it cannot change.</param>
    public DataReader(
        IShardAccess shards, DataRow row, DataKey key, HedgeDelay hedge, Action<ShardFault> onFault,
        Func<CancellationToken, Task<DataRow?>>? reread = null)
    {
        (_shards, _row, _key, _hedge, _onFault, _reread) = (shards, row, key, hedge, onFault, reread);
        _objectHash = new ObjectHash(row.ObjectHash.Span);
        _layout = new StripeLayout((long)row.Size, new Geometry((int)row.DataShards, (int)row.ParityShards));
    }

    /// <summary>How the object is cut.</summary>
    public StripeLayout Layout => _layout;

    /// <summary>Plain bytes that one read should cover: whole stripes, about half a mebibyte.</summary>
    public int PieceBytes => new BatchShape(_layout.Geometry).PlainBytes;

    /// <summary>Reads a range of at most <see cref="PieceBytes"/>, cut at their multiples.</summary>
    /// <exception cref="StoreException">
    /// Fewer than K shards can be read or opened: <see cref="StoreFailure.Busy"/> if some only found no place, else
    /// <see cref="StoreFailure.Damaged"/>.
    /// </exception>
    public async Task<PlainPiece> ReadAsync(long offset, int length, CancellationToken cancel)
    {
        CellSlice[] slices = [.. _layout.Cut(offset, length)];
        Dictionary<int, IndexRange> wanted = slices.GroupBy(slice => slice.Cell).ToDictionary(
            group => group.Key,
            group => FragmentLayout.FragmentsOf(
                group.Min(slice => slice.ShardOffset),
                group.Max(slice => slice.ShardOffset + slice.Length) - group.Min(slice => slice.ShardOffset)));
        Dictionary<int, ShardRun> runs = await ReadShardsAsync(wanted, cancel).ConfigureAwait(false);
        return new PlainPiece(slices, runs);
    }

    /// <summary>
    /// Gives plain runs of shards that are at hand or can be computed, for the fragments asked: what heal writes anew.
    /// </summary>
    public async Task<Dictionary<int, ShardRun>> ReadShardsAsync(
        IReadOnlyDictionary<int, IndexRange> wanted, CancellationToken cancel)
    {
        DataRow row = _row;
        try
        {
            return await new ShardRace(this, wanted, _hedge.Current, _hedge.Time).RunAsync(cancel).ConfigureAwait(false);
        }
        catch (StoreException error) when (error.Failure == StoreFailure.Damaged && _reread is not null)
        {
            if (!await TryFollowAsync(row, cancel).ConfigureAwait(false))
                throw;
        }

        return await new ShardRace(this, wanted, _hedge.Current, _hedge.Time).RunAsync(cancel).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;
        _key.Dispose();
    }

    // A long read outlives moves: what stood where the row said is deleted once no write can name it any more. A row whose bytes were
    // written anew does not matter here: its old shards are garbage, which waits for this read.
    private async Task<bool> TryFollowAsync(DataRow row, CancellationToken cancel)
    {
        DataRow? now = await _reread!(cancel).ConfigureAwait(false);
        if (now is null || now.ObjectHash != row.ObjectHash
            || (now.Placement.SequenceEqual(row.Placement) && now.Missing.SequenceEqual(row.Missing)))
            return false;
        _row = now;
        return true;
    }

    /// <summary>Storage id of a shard.</summary>
    internal uint StorageOf(int shard) => _row.Placement[shard];

    /// <summary>True if the row itself says that the shard is not durable.</summary>
    internal bool IsMissing(int shard) => _row.Missing.Contains((uint)shard);

    /// <summary>True if the shard is on this process.</summary>
    internal bool IsLocal(int shard) => _shards.IsLocal(StorageOf(shard));

    /// <summary>
    /// Reads and opens fragments of one shard; null if that shard cannot give them. <paramref name="onBusy"/> hears of it if nothing is wrong
    /// with it but that too much is under way.
    /// </summary>
    internal async Task<ShardRun?> ReadRunAsync(int shard, IndexRange fragments, Action onBusy, CancellationToken cancel)
    {
        DataRow row = _row;
        uint storageId = row.Placement[shard];
        long shardBytes = _layout.ShardBytes;
        (long sealedOffset, long sealedLength) = FragmentLayout.SealedRange(shardBytes, fragments);
        byte[] sealedBytes = ArrayPool<byte>.Shared.Rent((int)sealedLength);
        ShardRun? run = null;
        try
        {
            long started = _hedge.Time.GetTimestamp();
            await _shards.ReadAsync(
                storageId, new ShardKey(_objectHash, (uint)shard), sealedOffset,
                sealedBytes.AsMemory(0, (int)sealedLength), cancel).ConfigureAwait(false);
            _hedge.Observe(_hedge.Time.GetElapsedTime(started));
            run = ShardRun.Rent(shard, fragments, shardBytes);
            using var opener = new FragmentOpener(_key, _objectHash, row.WriteId);
            FragmentRunResult result = opener.OpenShardRun(
                (uint)shard, fragments.First, (int)fragments.Count, shardBytes,
                sealedBytes.AsSpan(0, (int)sealedLength), run.Room.Span);
            if (result.Ok || Planted.Has(PlantedBug.DamageServed))
                return run;
            run.Dispose();
            if (_disposed)
                return null;
            _onFault(new ShardFault(row, shard, storageId, fragments.First + result.Opened, result.Fault));
            return null;
        }
        catch (ShardException error) when (error.Error is ShardError.NotFound or ShardError.Mismatch)
        {
            run?.Dispose();
            FragmentFault fault = error.Error == ShardError.NotFound ? FragmentFault.Length : FragmentFault.Header;
            _onFault(new ShardFault(row, shard, storageId, ShardFault.WholeShard, fault));
            return null;
        }
        catch (ObjectDisposedException) when (_disposed)
        {
            run?.Dispose();
            return null;
        }
        catch (Exception error) when (error is ShardException or IOException
            || (error is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            // The storage id does not answer: its shard may be as good as ever, so nothing is queued for heal.
            run?.Dispose();
            if (error is ShardException { Error: ShardError.Busy })
                onBusy();
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(sealedBytes);
        }
    }
}
