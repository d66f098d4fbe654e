using System.Security.Cryptography;

namespace Predastore.Shards.Crypto;

/// <summary>
/// Names the exact sealed bytes of a shard: SHA-256 over the tags of its fragments in order, cut to 16 bytes. It lies in the data
/// row, so that a shard rebuilt with other bytes is never stored. One thread at a time.
/// </summary>
public sealed class ShardDigest : IDisposable
{
    /// <summary>Size in bytes.</summary>
    public const int SizeBytes = 16;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Adds the tag of the next fragment.</summary>
    /// <exception cref="ArgumentException">Not 16 bytes.</exception>
    public void AppendTag(ReadOnlySpan<byte> tag)
    {
        if (tag.Length != FragmentLayout.TagBytes) throw new ArgumentException("A tag has 16 bytes.", nameof(tag));
        _hash.AppendData(tag);
    }

    /// <summary>Adds the tags of whole consecutive fragments, as <see cref="FragmentSealer.SealShardRun"/> makes them.</summary>
    /// <exception cref="ArgumentException">The bytes end inside a fragment.</exception>
    public void AppendFragments(ReadOnlySpan<byte> sealedBytes)
    {
        if (!FragmentLayout.TryShardBytes(sealedBytes.Length, out _))
            throw new ArgumentException("The bytes end inside a fragment.", nameof(sealedBytes));
        while (!sealedBytes.IsEmpty)
        {
            int length = Math.Min(FragmentLayout.FragmentBytesMax, sealedBytes.Length);
            _hash.AppendData(sealedBytes.Slice(length - FragmentLayout.TagBytes, FragmentLayout.TagBytes));
            sealedBytes = sealedBytes[length..];
        }
    }

    /// <summary>The digest of all tags so far; starts over.</summary>
    public byte[] Finish() => _hash.GetHashAndReset()[..SizeBytes];

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();
}
