using System.Security.Cryptography;

namespace Predastore.Shards.Crypto;

/// <summary>
/// The master keys of a node: the first wraps, all unwrap. Rotation: start the nodes with (new, old), re-wrap what
/// <see cref="IsCurrent"/> denies, then start them with the new one alone. Safe from any thread until disposed.
/// </summary>
public sealed class MasterKeys : IDisposable
{
    /// <summary>Most keys at a time.</summary>
    public const int KeysMax = 8;

    private readonly MasterKey[] _keys;

    /// <summary>Takes keys, and from then on owns them.</summary>
    /// <param name="keys">1 to <see cref="KeysMax"/> different keys, the current one first.</param>
    /// <exception cref="MasterKeyException">None, too many, or the same key twice.</exception>
    public MasterKeys(params IReadOnlyList<MasterKey> keys)
    {
        if (keys.Count == 0)
            throw new MasterKeyException("No master key: give --encryption-key-file FILE or set ENCRYPTION_KEY_FILE.");
        if (keys.Count > KeysMax) throw new MasterKeyException($"{keys.Count} master keys: give at most {KeysMax}.");
        if (keys.DistinctBy(k => k.BucketKeys.KeyId).Count() != keys.Count)
            throw new MasterKeyException("The same master key is given twice: give each key file once, the current one first.");
        _keys = [.. keys];
    }

    /// <summary>Reads key files; see <see cref="MasterKeyFile.Read"/> for what is refused.</summary>
    /// <param name="paths">Files, the current key first.</param>
    /// <exception cref="MasterKeyException">A file is refused.</exception>
    public static MasterKeys Load(params IReadOnlyList<string> paths)
    {
        List<MasterKey> keys = [];
        try
        {
            foreach (string path in paths) keys.Add(MasterKeyFile.Read(path));
            return new MasterKeys(keys);
        }
        catch
        {
            keys.ForEach(k => k.Dispose());
            throw;
        }
    }

    /// <summary>The key that wraps.</summary>
    public MasterKey Current => _keys[0];

    /// <summary>
    /// Fingerprints of all keys, the current one first. Two nodes belong together if each holds the other's current key.
    /// </summary>
    public IReadOnlyList<byte[]> Fingerprints(Guid clusterId) => [.. _keys.Select(k => k.Fingerprint(clusterId))];

    /// <summary>Wraps a bucket key; 49 bytes, for the bucket row.</summary>
    public byte[] WrapBucketKey(BucketKey key) => Current.BucketKeys.Wrap(key.Bytes);

    /// <summary>Unwraps a bucket key. The caller disposes it.</summary>
    /// <exception cref="KeyUnwrapException">The blob is malformed, of a master key this node has not, or damaged.</exception>
    public BucketKey UnwrapBucketKey(ReadOnlySpan<byte> blob, uint version)
    {
        byte[] bytes = Unwrap(blob, static k => k.BucketKeys, "bucket key");
        try
        {
            if (bytes.Length != BucketKey.SizeBytes)
                throw new KeyUnwrapException(KeyUnwrapFailure.Format, $"A wrapped bucket key of {bytes.Length} bytes.");
            return new BucketKey(bytes, version);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    /// <summary>Wraps an account secret of 1 to <see cref="KeyWrap.SecretBytesMax"/> bytes.</summary>
    public byte[] WrapSecret(ReadOnlySpan<byte> secret) => Current.Secrets.Wrap(secret);

    /// <summary>Unwraps an account secret. The caller zeroes it after use.</summary>
    /// <exception cref="KeyUnwrapException">The blob is malformed, of a master key this node has not, or damaged.</exception>
    public byte[] UnwrapSecret(ReadOnlySpan<byte> blob) => Unwrap(blob, static k => k.Secrets, "secret");

    /// <summary>True if a wrapped bucket key or secret is under the current key; else it is to be wrapped anew.</summary>
    /// <exception cref="KeyUnwrapException">The blob is malformed.</exception>
    public bool IsCurrent(ReadOnlySpan<byte> blob)
    {
        ulong id = KeyWrap.KeyIdOf(blob);
        return id == Current.BucketKeys.KeyId || id == Current.Secrets.KeyId;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (MasterKey key in _keys) key.Dispose();
    }

    private byte[] Unwrap(ReadOnlySpan<byte> blob, Func<MasterKey, KeyWrap> purpose, string what)
    {
        ulong id = KeyWrap.KeyIdOf(blob);
        foreach (MasterKey key in _keys)
        {
            KeyWrap wrap = purpose(key);
            if (wrap.KeyId != id) continue;
            using SecretBytes secret = new(KeyWrap.SecretBytesMax);
            return secret.Span[..wrap.Unwrap(blob, secret.Span)].ToArray();
        }
        throw new KeyUnwrapException(KeyUnwrapFailure.UnknownKey,
            $"A {what} is wrapped under key {id:x16}, which this node does not have: give its key file as a second "
            + "--encryption-key-file.");
    }
}
