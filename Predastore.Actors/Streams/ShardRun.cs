using System.Buffers;
using Predastore.Shards.Crypto;
using DataKey = Predastore.Shards.Crypto.DataKey;
using Predastore.Shards.Striping;

namespace Predastore.Actors.Streams;

/// <summary>
/// Plain body bytes of some consecutive fragments of one shard, every one of them authenticated. Pooled; disposed once.
/// </summary>
internal sealed class ShardRun(int shard, IndexRange fragments, byte[] array, int length) : IDisposable
{
    private byte[]? _array = array;

    /// <summary>Index of the shard.</summary>
    public int Shard => shard;

    /// <summary>The fragments.</summary>
    public IndexRange Fragments => fragments;

    /// <summary>Their bodies, one after the other.</summary>
    public ReadOnlyMemory<byte> Bodies => (_array ?? throw new ObjectDisposedException(nameof(ShardRun))).AsMemory(0, length);

    /// <summary>Shard offset of the first body byte.</summary>
    public long Start => fragments.First * FragmentLayout.BodyBytesMax;

    /// <summary>Rents room for a run.</summary>
    public static ShardRun Rent(int shard, IndexRange fragments, long shardBytes)
    {
        int length = BodyBytes(fragments, shardBytes);
        return new ShardRun(shard, fragments, ArrayPool<byte>.Shared.Rent(length), length);
    }

    /// <summary>Body bytes of some fragments of a shard.</summary>
    public static int BodyBytes(IndexRange fragments, long shardBytes)
        => (int)(Math.Min(shardBytes, fragments.End * FragmentLayout.BodyBytesMax) - (fragments.First * FragmentLayout.BodyBytesMax));

    /// <summary>The room, to be filled.</summary>
    public Memory<byte> Room => (_array ?? throw new ObjectDisposedException(nameof(ShardRun))).AsMemory(0, length);

    /// <summary>True if this run holds all of those fragments.</summary>
    public bool Covers(IndexRange wanted) => fragments.First <= wanted.First && fragments.End >= wanted.End;

    /// <summary>The bodies of some of its fragments.</summary>
    public ReadOnlyMemory<byte> Slice(IndexRange wanted, long shardBytes)
        => Bodies.Slice((int)((wanted.First - fragments.First) * FragmentLayout.BodyBytesMax), BodyBytes(wanted, shardBytes));

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _array, null) is { } rented)
            ArrayPool<byte>.Shared.Return(rented);
    }
}
