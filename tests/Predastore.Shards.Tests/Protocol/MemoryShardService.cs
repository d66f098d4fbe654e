using System.Collections.Concurrent;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;
using Predastore.Shards.Transport;

namespace Predastore.Shards.Tests.Protocol;

/// <summary>Shards in a dictionary, with hooks to make it slow or fail.</summary>
internal sealed class MemoryShardService : IShardService
{
    private readonly ConcurrentDictionary<ShardKey, (ShardRow Row, byte[] Bytes)> _shards = new();

    public Func<PutShardRequest, Task> OnBegin { get; set; } = _ => Task.CompletedTask;

    public Func<int, Task> OnWrite { get; set; } = _ => Task.CompletedTask;

    public Func<long, Task> OnRead { get; set; } = _ => Task.CompletedTask;

    public Func<uint, Stream, Stream, Task> OnMessage { get; set; } = (_, input, output) => input.CopyToAsync(output);

    public ConcurrentQueue<PeerIdentity> Peers { get; } = new();

    public int Aborted;

    public TaskCompletionSource FirstAbort { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public int Count => _shards.Count;

    public async ValueTask<IShardSink> BeginPutAsync(PutShardRequest request, PeerIdentity peer, CancellationToken cancel)
    {
        Peers.Enqueue(peer);
        await OnBegin(request);
        return new Sink(this, request);
    }

    public ValueTask<IShardSource?> OpenShardAsync(GetShardRequest request, PeerIdentity peer, CancellationToken cancel) =>
        new(_shards.TryGetValue(request.Key, out var shard) ? new Source(this, shard.Row, shard.Bytes) : null);

    public ValueTask<IReadOnlyList<DeleteOutcome>> DeleteAsync(DeleteShardsRequest request, PeerIdentity peer, CancellationToken cancel) =>
        new([.. request.Shards.Select(s => _shards.TryRemove(s.Key, out _) ? DeleteOutcome.Deleted : DeleteOutcome.NotFound)]);

    public ValueTask<IReadOnlyList<ShardRow?>> StatAsync(StatShardsRequest request, PeerIdentity peer, CancellationToken cancel) =>
        new([.. request.Shards.Select(k => _shards.TryGetValue(k, out var shard) ? shard.Row : (ShardRow?)null)]);

    public ValueTask<ShardPage> ListAsync(ListShardsRequest request, PeerIdentity peer, CancellationToken cancel)
    {
        var rows = _shards.Values.Select(s => s.Row)
            .Where(r => r.Key.ObjectHash >= request.From && r.Key.ObjectHash <= request.To)
            .OrderBy(r => r.Key.ObjectHash).ThenBy(r => r.Key.ShardIndex)
            .SkipWhile(r => request.Cursor.Length > 0 && r.Key.ObjectHash <= new ObjectHash(request.Cursor.Span))
            .Take(request.Limit).ToList();
        return new(new ShardPage(rows, rows.Count == request.Limit ? rows[^1].Key.ObjectHash.ToArray() : default));
    }

    public async ValueTask HandleMessageAsync(uint kind, Stream input, Stream output, PeerIdentity peer, CancellationToken cancel)
    {
        if (kind == 404) throw new ShardException(ShardError.Unsupported, "no such kind of message");
        await OnMessage(kind, input, output);
    }

    private sealed class Sink(MemoryShardService service, PutShardRequest put) : IShardSink
    {
        private readonly MemoryStream _bytes = new();
        private bool _committed;

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> sealedBytes, CancellationToken cancel)
        {
            await service.OnWrite(sealedBytes.Length);
            _bytes.Write(sealedBytes.Span);
        }

        public ValueTask CommitAsync(long length, UInt128 digest, CancellationToken cancel)
        {
            if (length != _bytes.Length) throw new ShardException(ShardError.Mismatch, "another length");
            _committed = true;
            service._shards[put.Key] =
                (new ShardRow(put.Key, put.AttemptId, put.WriteId, put.K, put.M, length, digest), _bytes.ToArray());
            return default;
        }

        public ValueTask DisposeAsync()
        {
            if (_committed) return default;
            Interlocked.Increment(ref service.Aborted);
            service.FirstAbort.TrySetResult();
            return default;
        }
    }

    private sealed class Source(MemoryShardService service, ShardRow row, byte[] bytes) : IShardSource
    {
        public Guid AttemptId => row.AttemptId;

        public long Length => row.Length;

        public async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancel)
        {
            await service.OnRead(offset);
            int length = (int)Math.Min(buffer.Length, bytes.Length - offset);
            bytes.AsSpan((int)offset, length).CopyTo(buffer.Span);
            return length;
        }

        public ValueTask DisposeAsync() => default;
    }
}
