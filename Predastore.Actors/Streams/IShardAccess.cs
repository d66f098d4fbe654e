namespace Predastore.Actors.Streams;

/// <summary>
/// Shards by storage id, wherever that id is: this process or another. Thread-safe. Members throw <see cref="ShardException"/>.
/// </summary>
public interface IShardAccess
{
    /// <summary>Opens a shard for writing; returns when the storage id has accepted it.</summary>
    Task<IShardWriter> BeginPutAsync(ShardPut put, CancellationToken cancel);

    /// <summary>
    /// Reads sealed bytes [offset, offset + destination.Length) of a shard; fills the destination or throws. Nothing is verified here.
    /// </summary>
    Task ReadAsync(ShardName shard, long offset, Memory<byte> destination, CancellationToken cancel);

    /// <summary>Deletes shards of one storage id, durably; no error for those it does not have.</summary>
    Task DeleteAsync(uint storageId, IReadOnlyList<ShardAttempt> shards, CancellationToken cancel);

    /// <summary>
    /// Lists shards of one storage id in the order of their keys: those whose objectHash is in [from, to), after the cursor.
    /// </summary>
    Task<ShardPage> ListAsync(uint storageId, ShardRange range, CancellationToken cancel);
}

/// <summary>A shard being written. Disposing it without a commit aborts it. One caller at a time.</summary>
public interface IShardWriter : IAsyncDisposable
{
    /// <summary>Appends sealed bytes; they may be reused when it returns.</summary>
    ValueTask WriteAsync(ReadOnlyMemory<byte> sealedBytes, CancellationToken cancel);

    /// <summary>Makes the shard durable and readable. Returns after its extent and its index row are fsynced.</summary>
    /// <param name="length">Sealed bytes written, checked by the storage id.</param>
    /// <param name="digest">Shard digest, 16 B.</param>
    /// <param name="cancel">Ends the wait, not necessarily the commit.</param>
    Task CommitAsync(long length, ReadOnlyMemory<byte> digest, CancellationToken cancel);
}

/// <summary>A shard on a storage id.</summary>
/// <param name="StorageId">The disk.</param>
/// <param name="ObjectHash">32 B.</param>
/// <param name="ShardIndex">0 to K+M-1.</param>
public readonly record struct ShardName(uint StorageId, ReadOnlyMemory<byte> ObjectHash, int ShardIndex);

/// <summary>One attempt at storing a shard; <see cref="Guid.Empty"/> names all attempts.</summary>
public readonly record struct ShardAttempt(ReadOnlyMemory<byte> ObjectHash, int ShardIndex, Guid Attempt);

/// <summary>What a storage id is told before the first byte of a shard.</summary>
/// <param name="Shard">Where it goes.</param>
/// <param name="WriteId">The write it belongs to.</param>
/// <param name="Attempt">Random; tells two attempts at the same shard apart.</param>
/// <param name="DataShards">K.</param>
/// <param name="ParityShards">M.</param>
/// <param name="SizeHint">Expected sealed bytes, or -1; never trusted.</param>
public sealed record ShardPut(ShardName Shard, ulong WriteId, Guid Attempt, int DataShards, int ParityShards, long SizeHint);

/// <summary>A slice of a storage id's shards.</summary>
/// <param name="From">First objectHash, 32 B.</param>
/// <param name="To">Past the last objectHash, or empty for no end.</param>
/// <param name="After">Cursor of the page before, or empty.</param>
/// <param name="Limit">Rows at most.</param>
public sealed record ShardRange(ReadOnlyMemory<byte> From, ReadOnlyMemory<byte> To, ReadOnlyMemory<byte> After, int Limit);

/// <summary>One page of a listing.</summary>
/// <param name="Rows">Shards found.</param>
/// <param name="Next">Cursor for the next page, or empty at the end.</param>
public sealed record ShardPage(IReadOnlyList<StoredShard> Rows, ReadOnlyMemory<byte> Next);

/// <summary>A shard that a storage id has.</summary>
public sealed record StoredShard(ShardAttempt Name, ulong WriteId, long Length);

/// <summary>Why a shard operation failed.</summary>
public enum ShardFailure
{
    /// <summary>The storage id does not have the shard.</summary>
    Missing,

    /// <summary>The storage id, its node or the way there does not answer.</summary>
    Unreachable,

    /// <summary>The disk is full.</summary>
    Full,

    /// <summary>The storage id refuses: wrong identity, fenced segment, bad request, an I/O error.</summary>
    Refused,
}

/// <summary>A shard operation failed.</summary>
public sealed class ShardException(ShardFailure failure, uint storageId, string message, Exception? inner = null)
    : Exception(message, inner)
{
    /// <summary>Why.</summary>
    public ShardFailure Failure { get; } = failure;

    /// <summary>Where.</summary>
    public uint StorageId { get; } = storageId;
}
