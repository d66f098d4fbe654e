using System.Collections.Concurrent;
using Predastore.Actors.Streams;
using Predastore.Actors.Tests.Damage;
using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;
using Predastore.Testing.Disk;

namespace Predastore.Actors.Tests.Maintenance;

/// <summary>
/// Real segment stores, one for each storage id, without a network: over memory disks, or over files and RocksDB in a folder.
/// </summary>
internal sealed class MemoryStores(string? folder = null) : IShardAccess, IDisposable
{
    private readonly Dictionary<uint, IDisk> _disks = [];
    private readonly IOrderedKvFactory _indexes = folder is null ? new MemoryKvFactory() : new RocksKvFactory();
    private readonly Dictionary<uint, SegmentStore> _stores = [];

    /// <summary>Storage ids that answer nothing.</summary>
    public ConcurrentDictionary<uint, bool> Down { get; } = [];

    /// <summary>Storage ids without room for new shards.</summary>
    public ConcurrentDictionary<uint, bool> Full { get; } = [];

    /// <summary>Called when a shard is begun.</summary>
    public Action<PutShardRequest>? Begun { get; set; }

    /// <summary>Called when a shard was made durable.</summary>
    public Action<PutShardRequest>? Committed { get; set; }

    /// <summary>Sealed bytes read and written.</summary>
    public long Traffic;

    public SegmentStore this[uint storageId] => _stores[storageId];

    /// <summary>The data path of a storage id.</summary>
    public string FolderOf(uint storageId) => $"{folder}/disk{storageId}";

    private SegmentStoreOptions Options(uint storageId) =>
        new(FolderOf(storageId), MaintenanceFixture.ClusterId, storageId, Guid.Parse($"00000000-0000-0000-0000-{storageId:d12}"))
        {
            LowSpacePercent = 0,
            FullSpacePercent = 0,
            PreallocateBytes = 0,
        };

    /// <summary>A new disk, empty; an earlier one of this storage id is gone with all it held.</summary>
    public void Insert(uint storageId)
    {
        if (_stores.Remove(storageId, out SegmentStore? old))
            old.Dispose();
        _indexes.Delete(FolderOf(storageId) + "/index");
        _disks[storageId] = folder is null ? new MemoryDisk() : new FileDisk();
        _disks[storageId].DeleteDirectory(FolderOf(storageId));
        _stores[storageId] = SegmentStore.Open(_disks[storageId], _indexes, Options(storageId));
    }

    /// <summary>Loses the index of a disk and opens it anew, as a node does.</summary>
    public RebuildReport LoseIndex(uint storageId, IExtentVerifier? verifier = null)
    {
        _stores[storageId].Dispose();
        _indexes.Delete(FolderOf(storageId) + "/index");
        Assert.Throws<IndexLostException>(() => SegmentStore.Open(_disks[storageId], _indexes, Options(storageId)));
        RebuildReport report = SegmentStore.RebuildIndex(_disks[storageId], _indexes, Options(storageId), verifier);
        _stores[storageId] = SegmentStore.Open(_disks[storageId], _indexes, Options(storageId));
        return report;
    }

    /// <summary>Flips a bit of a stored shard, at an offset of its sealed bytes.</summary>
    public void Flip(uint storageId, ShardKey shard, long offset, int bit = 0)
    {
        using ShardReader reader = _stores[storageId].TryOpenRead(shard) ?? throw new InvalidOperationException("no such shard");
        long before = 0;
        foreach (ExtentLocation extent in reader.Row.Extents)
        {
            if (offset < before + extent.Length)
            {
                FlipAt(storageId, extent.Segment, extent.Offset + ExtentHeader.Bytes + offset - before, bit);
                return;
            }

            before += extent.Length;
        }

        throw new ArgumentOutOfRangeException(nameof(offset));
    }

    /// <summary>Flips a bit of the header of a shard's first extent.</summary>
    public void FlipHeader(uint storageId, ShardKey shard, int offset, int bit)
    {
        using ShardReader reader = _stores[storageId].TryOpenRead(shard) ?? throw new InvalidOperationException("no such shard");
        FlipAt(storageId, reader.Row.Extents[0].Segment, reader.Row.Extents[0].Offset + offset, bit);
    }

    /// <summary>Closes a store, lets its files be changed, and opens it as a node does. True if its index was rebuilt.</summary>
    public bool Reopen(uint storageId, Action change, bool rebuild = false)
    {
        _stores[storageId].Dispose();
        change();
        try
        {
            if (rebuild)
                throw new IndexLostException("it is to be rebuilt");
            _stores[storageId] = SegmentStore.Open(_disks[storageId], _indexes, Options(storageId));
            return false;
        }
        catch (IndexLostException)
        {
            SegmentStore.RebuildIndex(_disks[storageId], _indexes, Options(storageId));
            _stores[storageId] = SegmentStore.Open(_disks[storageId], _indexes, Options(storageId));
            return true;
        }
    }

    private void FlipAt(uint storageId, uint segment, long at, int bit)
    {
        string path = $"{FolderOf(storageId)}/segments/{segment:x8}.segment";
        if (_disks[storageId] is MemoryDisk memory)
            memory.FlipBit(path, (at * 8) + bit);
        else
            Flips.FlipBit(path, at, bit);
    }

    /// <summary>Every extent row of a storage id.</summary>
    public IReadOnlyList<ShardRow> Rows(uint storageId) =>
        _stores[storageId].Scan(Shards.Crypto.ObjectHash.First, Shards.Crypto.ObjectHash.Last, default, 8192).Rows;

    /// <summary>The sealed bytes of a shard, or null.</summary>
    public byte[]? Bytes(uint storageId, ShardKey shard)
    {
        using ShardReader? reader = _stores[storageId].TryOpenRead(shard);
        if (reader is null)
            return null;
        byte[] bytes = new byte[reader.Length];
        reader.Read(0, bytes);
        return bytes;
    }

    public bool IsLocal(uint storageId) => storageId == 1;

    public void Suspect(uint storageId)
    {
    }

    public ValueTask<IShardSink> BeginPutAsync(PutShardRequest request, CancellationToken cancel)
    {
        Begun?.Invoke(request);
        SegmentStore store = Find(request.StorageId);
        if (Full.ContainsKey(request.StorageId))
            throw new ShardException(ShardError.Full, "the disk is full");
        return ValueTask.FromResult<IShardSink>(new Sink(this, store, request));
    }

    public async ValueTask ReadAsync(
        uint storageId, ShardKey shard, long offset, Memory<byte> destination, CancellationToken cancel)
    {
        await Task.Yield();
        using ShardReader reader = Find(storageId).TryOpenRead(shard) ?? throw new ShardException(ShardError.NotFound, "missing");
        if (reader.Read(offset, destination.Span) != destination.Length)
            throw new ShardException(ShardError.Mismatch, "too short");
        Interlocked.Add(ref Traffic, destination.Length);
    }

    public ValueTask<IReadOnlyList<DeleteOutcome>> DeleteAsync(DeleteShardsRequest request, CancellationToken cancel)
        => ValueTask.FromResult(Find(request.StorageId).Delete(request.Shards));

    public ValueTask<IReadOnlyList<ShardRow?>> StatAsync(StatShardsRequest request, CancellationToken cancel)
    {
        SegmentStore store = Find(request.StorageId);
        return ValueTask.FromResult<IReadOnlyList<ShardRow?>>([.. request.Shards.Select(shard => store.Stat(shard))]);
    }

    public ValueTask<ShardPage> ListAsync(ListShardsRequest request, CancellationToken cancel)
        => ValueTask.FromResult(Find(request.StorageId).Scan(request.From, request.To, request.Cursor, request.Limit));

    public void Dispose()
    {
        foreach (SegmentStore store in _stores.Values)
            store.Dispose();
    }

    private SegmentStore Find(uint storageId) => Down.ContainsKey(storageId)
        ? throw new ShardException(ShardError.Unavailable, $"storage id {storageId} is down")
        : _stores.GetValueOrDefault(storageId) ?? throw new ShardException(ShardError.WrongStorage, "not here");

    private sealed class Sink(MemoryStores owner, SegmentStore store, PutShardRequest put) : IShardSink
    {
        private readonly ExtentWriter _writer = store.Reserve(ExtentRequest.From(put));

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> sealedBytes, CancellationToken cancel)
        {
            owner.Find(put.StorageId);
            await _writer.WriteAsync(sealedBytes, cancel);
            Interlocked.Add(ref owner.Traffic, sealedBytes.Length);
        }

        public ValueTask CommitAsync(long length, UInt128 digest, CancellationToken cancel)
        {
            owner.Find(put.StorageId);
            _writer.Complete();
            CommitResult result = store.Commit([new CommitRequest(_writer.Id, length, digest)])[0];
            if (result.Outcome != CommitOutcome.Committed)
                throw new ShardException(ShardError.Failed, result.Outcome.ToString());
            owner.Committed?.Invoke(put);
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync()
        {
            _writer.Abort();
            return ValueTask.CompletedTask;
        }
    }
}
