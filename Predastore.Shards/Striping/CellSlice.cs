namespace Predastore.Shards.Striping;

/// <summary>A piece of one data cell that a range of the object covers.</summary>
/// <param name="Stripe">Stripe number, from 0.</param>
/// <param name="Cell">Cell, which is also the shard index: 0..K-1.</param>
/// <param name="ObjectOffset">Offset of the piece in the object, in bytes.</param>
/// <param name="CellOffset">Offset of the piece in its cell, in bytes.</param>
/// <param name="Length">Bytes, at least 1.</param>
/// <param name="ShardOffset">Offset of the piece in its shard (bodies only), in bytes.</param>
public readonly record struct CellSlice(long Stripe, int Cell, long ObjectOffset, int CellOffset, int Length, long ShardOffset);
