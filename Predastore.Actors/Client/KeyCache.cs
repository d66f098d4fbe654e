using System.Collections.Concurrent;
using Google.Protobuf;
using Predastore.Actors.Metadata;
using Predastore.Shards.Crypto;
using DataKey = Predastore.Shards.Crypto.DataKey;

namespace Predastore.Actors.Client;

/// <summary>
/// Bucket keys unwrapped once. Bounded: emptied when full, for unwrapping again costs microseconds. Thread-safe.
/// </summary>
public sealed class KeyCache(MasterKeys masters) : IDisposable
{
    private const int KeysMax = 4096;

    private readonly ConcurrentDictionary<(ulong Bucket, uint Version), BucketKey> _keys = [];

    /// <summary>A new bucket key, wrapped for its row.</summary>
    public WrappedKey NewBucketKey(uint version)
    {
        using BucketKey key = BucketKey.Generate(version);
        return new WrappedKey { KeyVersion = version, Blob = ByteString.CopyFrom(masters.WrapBucketKey(key)) };
    }

    /// <summary>Wraps a data key for a bucket, under its newest key.</summary>
    public WrappedKey Wrap(BucketRow bucket, DataKey key)
    {
        WrappedKey newest = bucket.Keys[^1];
        return new WrappedKey
        {
            BucketId = bucket.Id,
            KeyVersion = newest.KeyVersion,
            Blob = ByteString.CopyFrom(Find(bucket, newest.KeyVersion).WrapDataKey(key)),
        };
    }

    /// <summary>Unwraps the data key of a row that this bucket refers to. The caller disposes it.</summary>
    /// <exception cref="StoreException">The row holds no key for the bucket, or it cannot be unwrapped.</exception>
    public DataKey Unwrap(BucketRow bucket, IEnumerable<WrappedKey> keys)
        => Unwrap(bucket, keys.FirstOrDefault(key => key.BucketId == bucket.Id)
            ?? throw new StoreException(StoreFailure.Damaged, $"No key of bucket {bucket.Name} is in the data row."));

    /// <summary>Unwraps one data key of a bucket. The caller disposes it.</summary>
    public DataKey Unwrap(BucketRow bucket, WrappedKey key)
    {
        try
        {
            return Find(bucket, key.KeyVersion).UnwrapDataKey(key.Blob.Span);
        }
        catch (KeyUnwrapException error)
        {
            throw new StoreException(StoreFailure.Damaged, $"A data key of bucket {bucket.Name} cannot be unwrapped.", error);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _keys.Clear();

    private BucketKey Find(BucketRow bucket, uint version)
    {
        if (_keys.TryGetValue((bucket.Id, version), out BucketKey? found))
            return found;
        WrappedKey wrapped = bucket.Keys.FirstOrDefault(key => key.KeyVersion == version)
            ?? throw new StoreException(StoreFailure.Damaged, $"Bucket {bucket.Name} has no key version {version}.");
        BucketKey key;
        try
        {
            key = masters.UnwrapBucketKey(wrapped.Blob.Span, version);
        }
        catch (KeyUnwrapException error)
        {
            throw new StoreException(StoreFailure.Damaged, $"The key of bucket {bucket.Name} cannot be unwrapped.", error);
        }

        // Keys still in use elsewhere must not be zeroed under their users: the cache lets go and the collector takes them.
        if (_keys.Count >= KeysMax)
            _keys.Clear();
        return _keys.GetOrAdd((bucket.Id, version), key);
    }
}
