using Predastore.Shards.Crypto;

namespace Predastore.Shards.Protocol;

/// <summary>One shard of one write.</summary>
/// <param name="ObjectHash">The write's data.</param>
/// <param name="ShardIndex">0 to K+M-1.</param>
public readonly record struct ShardKey(ObjectHash ObjectHash, uint ShardIndex);

/// <summary>Stores one shard. Every attempt to write it, the first and each heal, has an attempt id of its own.</summary>
/// <param name="ObjectHash">The write's data.</param>
/// <param name="ShardIndex">0 to K+M-1.</param>
/// <param name="WriteId">session 4 || counter 4.</param>
/// <param name="AttemptId">Random, for this attempt only: what an abort or a late delete may touch.</param>
/// <param name="K">Data shards of the geometry.</param>
/// <param name="M">Parity shards of the geometry.</param>
/// <param name="StorageId">The disk that shall take it.</param>
/// <param name="SizeHint">Expected sealed bytes, or -1. A hint: no space is taken because of it alone.</param>
public readonly record struct PutShardRequest(
    ObjectHash ObjectHash, uint ShardIndex, ulong WriteId, Guid AttemptId, ushort K, ushort M, uint StorageId, long SizeHint)
{
    /// <summary>The shard's key.</summary>
    public ShardKey Key => new(ObjectHash, ShardIndex);
}

/// <summary>Reads a range of one shard's sealed bytes.</summary>
/// <param name="ObjectHash">The write's data.</param>
/// <param name="ShardIndex">0 to K+M-1.</param>
/// <param name="StorageId">The disk that holds it.</param>
/// <param name="Offset">First sealed byte wanted; one past the end gives an empty range.</param>
/// <param name="Length">Bytes wanted, cut at the shard's end; <see cref="ToEnd"/> for all that follow.</param>
public readonly record struct GetShardRequest(ObjectHash ObjectHash, uint ShardIndex, uint StorageId, long Offset, long Length)
{
    /// <summary>A <see cref="Length"/> that reaches to the shard's end.</summary>
    public const long ToEnd = -1;

    /// <summary>The shard's key.</summary>
    public ShardKey Key => new(ObjectHash, ShardIndex);
}

/// <summary>A shard to delete.</summary>
/// <param name="Key">The shard.</param>
/// <param name="AttemptId">Only this attempt; null for every attempt of the shard.</param>
public readonly record struct ShardToDelete(ShardKey Key, Guid? AttemptId);

/// <summary>Deletes shards of one disk, at most <see cref="ProtocolLimits.BatchMax"/>.</summary>
public sealed record DeleteShardsRequest(uint StorageId, IReadOnlyList<ShardToDelete> Shards);

/// <summary>What became of one <see cref="ShardToDelete"/>.</summary>
public enum DeleteOutcome : byte
{
    /// <summary>It was there, and its deletion is durable.</summary>
    Deleted = 0,

    /// <summary>It was not there.</summary>
    NotFound = 1,

    /// <summary>It may still be there: ask again later.</summary>
    Failed = 2,
}

/// <summary>Asks what one disk holds of some shards, at most <see cref="ProtocolLimits.BatchMax"/>; no data is read.</summary>
public sealed record StatShardsRequest(uint StorageId, IReadOnlyList<ShardKey> Shards);

/// <summary>One committed shard as a disk's index has it.</summary>
/// <param name="Key">The shard.</param>
/// <param name="AttemptId">The attempt that stored it.</param>
/// <param name="WriteId">session 4 || counter 4.</param>
/// <param name="K">Data shards of the geometry.</param>
/// <param name="M">Parity shards of the geometry.</param>
/// <param name="Length">Sealed bytes.</param>
/// <param name="Digest">The first 16 bytes, big-endian, of SHA-256 over the shard's tags.</param>
public readonly record struct ShardRow(
    ShardKey Key, Guid AttemptId, ulong WriteId, ushort K, ushort M, long Length, UInt128 Digest);

/// <summary>Lists the index of one disk in order of (objectHash, shardIndex, attempt id).</summary>
/// <param name="StorageId">The disk.</param>
/// <param name="From">First object hash, inclusive.</param>
/// <param name="To">Last object hash, inclusive.</param>
/// <param name="Cursor">Empty to begin; then the <see cref="ShardPage.Next"/> of the page before.</param>
/// <param name="Limit">Rows wanted, 1 to <see cref="ProtocolLimits.BatchMax"/>.</param>
public sealed record ListShardsRequest(uint StorageId, ObjectHash From, ObjectHash To, ReadOnlyMemory<byte> Cursor, int Limit);

/// <summary>A page of a listing.</summary>
/// <param name="Rows">At most as many as were asked for.</param>
/// <param name="Next">Cursor of the next page, at most <see cref="ProtocolLimits.CursorBytesMax"/> bytes; empty at the end.</param>
public sealed record ShardPage(IReadOnlyList<ShardRow> Rows, ReadOnlyMemory<byte> Next);
