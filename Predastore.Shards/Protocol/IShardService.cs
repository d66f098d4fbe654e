using Predastore.Shards.Transport;

namespace Predastore.Shards.Protocol;

/// <summary>
/// What a node does for its peers; <see cref="ShardServer"/> calls it. Every member may be called from any thread, many times at
/// once. A <see cref="ShardException"/> reaches the peer with its code and text; of any other exception it only learns
/// <see cref="ShardError.Failed"/>. The token ends when the peer is gone, silent for too long, or the server stops.
/// </summary>
public interface IShardService
{
    /// <summary>Reserves room for a shard. The sink is used by one caller at a time, and always disposed.</summary>
    ValueTask<IShardSink> BeginPutAsync(PutShardRequest request, PeerIdentity peer, CancellationToken cancel);

    /// <summary>Opens a committed shard; null if it is not there. The source is disposed by the caller.</summary>
    ValueTask<IShardSource?> OpenShardAsync(GetShardRequest request, PeerIdentity peer, CancellationToken cancel);

    /// <summary>Deletes shards; one outcome for each, in the order of the request.</summary>
    ValueTask<IReadOnlyList<DeleteOutcome>> DeleteAsync(DeleteShardsRequest request, PeerIdentity peer, CancellationToken cancel);

    /// <summary>The newest committed attempt of each shard, or null, in the order of the request.</summary>
    ValueTask<IReadOnlyList<ShardRow?>> StatAsync(StatShardsRequest request, PeerIdentity peer, CancellationToken cancel);

    /// <summary>One page of a disk's index, every attempt included.</summary>
    ValueTask<ShardPage> ListAsync(ListShardsRequest request, PeerIdentity peer, CancellationToken cancel);

    /// <summary>
    /// Handles an opaque message. <paramref name="input"/> ends where the sender ended it, and fails if the sender vanished before;
    /// what is written to <paramref name="output"/> is the reply, ended when the call returns. An exception after bytes of the
    /// reply have left fails the reply at the peer.
    /// </summary>
    ValueTask HandleMessageAsync(uint kind, Stream input, Stream output, PeerIdentity peer, CancellationToken cancel);
}

/// <summary>
/// Takes one shard's sealed bytes in order. Disposed without a <see cref="CommitAsync"/> that returned, it aborts: the space is
/// dead and nothing becomes readable.
/// </summary>
public interface IShardSink : IAsyncDisposable
{
    /// <summary>Appends. The bytes are the caller's again on return.</summary>
    ValueTask WriteAsync(ReadOnlyMemory<byte> sealedBytes, CancellationToken cancel);

    /// <summary>Makes the shard durable and readable; returns only then.</summary>
    /// <param name="length">Sealed bytes the writer sent; another number than arrived is <see cref="ShardError.Mismatch"/>.</param>
    /// <param name="digest">The first 16 bytes, big-endian, of SHA-256 over the shard's tags.</param>
    /// <param name="cancel">Ends the wait, not the commit: its outcome is then unknown to the writer.</param>
    ValueTask CommitAsync(long length, UInt128 digest, CancellationToken cancel);
}

/// <summary>A committed shard, open for reading. What it reads does not change while it is open.</summary>
public interface IShardSource : IAsyncDisposable
{
    /// <summary>The attempt that stored it.</summary>
    Guid AttemptId { get; }

    /// <summary>Sealed bytes of the whole shard.</summary>
    long Length { get; }

    /// <summary>Reads at an offset; returns fewer bytes than asked only at the end. One call at a time.</summary>
    ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancel);
}
