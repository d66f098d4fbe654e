using Predastore.Shards.Protocol;

namespace Predastore.Actors.Streams;

/// <summary>
/// Shards by storage id, wherever that id is: a disk of this process or of another. Thread-safe. Members throw
/// <see cref="ShardException"/>; a node that cannot be reached or stays silent is <see cref="ShardError.Unavailable"/>, and is
/// suspect to this process for a while.
/// </summary>
public interface IShardAccess
{
    /// <summary>Opens a shard for writing; returns when the storage id has accepted it.</summary>
    ValueTask<IShardSink> BeginPutAsync(PutShardRequest request, CancellationToken cancel);

    /// <summary>
    /// Reads sealed bytes of a shard from an offset on; fills the destination or throws. Nothing is verified here.
    /// </summary>
    ValueTask ReadAsync(uint storageId, ShardKey shard, long offset, Memory<byte> destination, CancellationToken cancel);

    /// <summary>Deletes shards of one storage id, durably.</summary>
    ValueTask<IReadOnlyList<DeleteOutcome>> DeleteAsync(DeleteShardsRequest request, CancellationToken cancel);

    /// <summary>What a storage id has of some shards, or null for each it does not have; in the order of the request.</summary>
    ValueTask<IReadOnlyList<ShardRow?>> StatAsync(StatShardsRequest request, CancellationToken cancel);

    /// <summary>One page of a storage id's index.</summary>
    ValueTask<ShardPage> ListAsync(ListShardsRequest request, CancellationToken cancel);

    /// <summary>Avoids the node of a storage id for a while: it was silent for longer than its caller waits.</summary>
    void Suspect(uint storageId);

    /// <summary>True if the storage id is on this process: reading it costs no network.</summary>
    bool IsLocal(uint storageId);
}
