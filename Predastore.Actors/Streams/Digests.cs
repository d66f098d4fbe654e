using System.Buffers.Binary;
using Predastore.Shards.Crypto;
using DataKey = Predastore.Shards.Crypto.DataKey;

namespace Predastore.Actors.Streams;

/// <summary>Running digests of all shards of an upload, fed in the order of the batches.</summary>
internal sealed class Digests(int shards) : IDisposable
{
    private readonly ShardDigest[] _digests = [.. Enumerable.Range(0, shards).Select(_ => new ShardDigest())];

    /// <summary>Adds the tags of a sealed batch.</summary>
    public void Append(ShardBatch batch)
    {
        for (int shard = 0; shard < _digests.Length; shard++)
            _digests[shard].AppendFragments(batch.Sealed(shard).Span);
    }

    /// <summary>The digests, 16 B each.</summary>
    public byte[][] Finish() => [.. _digests.Select(digest => digest.Finish())];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (ShardDigest digest in _digests)
            digest.Dispose();
    }

    /// <summary>The form in which the shard protocol carries a digest.</summary>
    public static UInt128 ToNumber(ReadOnlySpan<byte> digest) => BinaryPrimitives.ReadUInt128BigEndian(digest);
}
