using System.Collections.Concurrent;
using Predastore.Actors.Streams;
using Predastore.Shards.Protocol;

namespace Predastore.Actors.Tests.Streams;

/// <summary>Storage ids in memory, each of which can be told to fail.</summary>
internal sealed class MemoryShards : IShardAccess
{
    private readonly ConcurrentDictionary<(uint Storage, ShardKey Shard), byte[]> _shards = [];
    private int _openSinks;
    private int _openReads;

    /// <summary>Storage ids that answer nothing.</summary>
    public ConcurrentDictionary<uint, bool> Down { get; } = [];

    /// <summary>Storage ids that accept and read nothing until they are cancelled.</summary>
    public ConcurrentDictionary<uint, bool> Frozen { get; } = [];

    /// <summary>Storage ids that fail after so many bytes of a shard.</summary>
    public ConcurrentDictionary<uint, long> FailAfterBytes { get; } = [];

    /// <summary>Storage ids with which too much is under way.</summary>
    public ConcurrentDictionary<uint, bool> Busy { get; } = [];

    /// <summary>Reads begun, by storage id.</summary>
    public ConcurrentDictionary<uint, int> Reads { get; } = [];

    /// <summary>What the n-th read of a storage id waits for, from 1.</summary>
    public Func<uint, int, Task>? OnRead { get; set; }

    /// <summary>Reads under way.</summary>
    public int OpenReads => Volatile.Read(ref _openReads);

    /// <summary>Sinks opened and not disposed.</summary>
    public int OpenSinks => Volatile.Read(ref _openSinks);

    /// <summary>Storage ids made suspect.</summary>
    public ConcurrentDictionary<uint, bool> Suspects { get; } = [];

    public ICollection<(uint Storage, ShardKey Shard)> Keys => _shards.Keys;

    public byte[] this[uint storage, ShardKey shard] => _shards[(storage, shard)];

    public void Move(ShardKey shard, uint from, uint to)
    {
        Assert.True(_shards.TryRemove((from, shard), out byte[]? bytes));
        _shards[(to, shard)] = bytes;
    }

    public bool Remove(uint storage, ShardKey shard) => _shards.TryRemove((storage, shard), out _);

    public bool IsLocal(uint storageId) => storageId == 1;

    public void Suspect(uint storageId) => Suspects[storageId] = true;

    public async ValueTask<IShardSink> BeginPutAsync(PutShardRequest request, CancellationToken cancel)
    {
        await Task.Yield();
        Check(request.StorageId);
        CheckPlace(request.StorageId);
        if (Frozen.ContainsKey(request.StorageId))
            await Task.Delay(Timeout.Infinite, cancel);
        Interlocked.Increment(ref _openSinks);
        return new Sink(this, request);
    }

    public async ValueTask ReadAsync(
        uint storageId, ShardKey shard, long offset, Memory<byte> destination, CancellationToken cancel)
    {
        await Task.Yield();
        Interlocked.Increment(ref _openReads);
        int read = Reads.AddOrUpdate(storageId, 1, static (_, before) => before + 1);
        try
        {
            Check(storageId);
            CheckPlace(storageId);
            if (OnRead is { } wait)
                await wait(storageId, read).WaitAsync(cancel).ConfigureAwait(false);
            if (Frozen.ContainsKey(storageId))
                await Task.Delay(Timeout.Infinite, cancel);
        }
        finally
        {
            Interlocked.Decrement(ref _openReads);
        }

        if (!_shards.TryGetValue((storageId, shard), out byte[]? bytes))
            throw new ShardException(ShardError.NotFound, "missing");
        bytes.AsMemory((int)offset, destination.Length).CopyTo(destination);
    }

    public ValueTask<IReadOnlyList<DeleteOutcome>> DeleteAsync(DeleteShardsRequest request, CancellationToken cancel)
    {
        Check(request.StorageId);
        return ValueTask.FromResult<IReadOnlyList<DeleteOutcome>>([.. request.Shards.Select(
            shard => Remove(request.StorageId, shard.Key) ? DeleteOutcome.Deleted : DeleteOutcome.NotFound)]);
    }

    public ValueTask<IReadOnlyList<ShardRow?>> StatAsync(StatShardsRequest request, CancellationToken cancel) =>
        throw new NotSupportedException();

    public ValueTask<ShardPage> ListAsync(ListShardsRequest request, CancellationToken cancel) => throw new NotSupportedException();

    private void Check(uint storageId)
    {
        if (Down.ContainsKey(storageId))
            throw new ShardException(ShardError.Unavailable, $"storage id {storageId} is down");
    }

    private void CheckPlace(uint storageId)
    {
        if (Busy.ContainsKey(storageId))
            throw new ShardException(ShardError.Busy, $"too much is under way with storage id {storageId}");
    }

    private sealed class Sink(MemoryShards owner, PutShardRequest request) : IShardSink
    {
        private readonly MemoryStream _bytes = new();

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> sealedBytes, CancellationToken cancel)
        {
            await Task.Yield();
            owner.Check(request.StorageId);
            _bytes.Write(sealedBytes.Span);
            if (owner.FailAfterBytes.TryGetValue(request.StorageId, out long limit) && _bytes.Length > limit)
                throw new ShardException(ShardError.Failed, "the disk broke");
        }

        public ValueTask CommitAsync(long length, UInt128 digest, CancellationToken cancel)
        {
            owner.Check(request.StorageId);
            Assert.Equal(length, _bytes.Length);
            owner._shards[(request.StorageId, request.Key)] = _bytes.ToArray();
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync()
        {
            Interlocked.Decrement(ref owner._openSinks);
            return ValueTask.CompletedTask;
        }
    }
}
