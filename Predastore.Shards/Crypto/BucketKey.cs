using System.Security.Cryptography;

namespace Predastore.Shards.Crypto;

/// <summary>
/// A version of a bucket's key: wraps the data keys of the bucket's objects. Immutable and safe from any thread until disposed,
/// which zeroes it.
/// </summary>
public sealed class BucketKey : IDisposable
{
    /// <summary>Key size.</summary>
    public const int SizeBytes = 32;

    internal const string DataKeyPurpose = "predastore/1/data-key";

    private readonly SecretBytes _bytes;
    private readonly KeyWrap _wrap;

    /// <summary>A key from its bytes.</summary>
    /// <param name="bytes">32 bytes.</param>
    /// <param name="version">Version in the bucket row, from 1; the newest one wraps.</param>
    public BucketKey(ReadOnlySpan<byte> bytes, uint version)
    {
        if (bytes.Length != SizeBytes) throw new ArgumentException($"A bucket key has {SizeBytes} bytes.", nameof(bytes));
        _bytes = new SecretBytes(bytes);
        _wrap = new KeyWrap(bytes, DataKeyPurpose);
        Version = version;
    }

    /// <summary>A new random key.</summary>
    public static BucketKey Generate(uint version)
    {
        using SecretBytes random = SecretBytes.Random(SizeBytes);
        return new BucketKey(random.Span, version);
    }

    /// <summary>Version in the bucket row.</summary>
    public uint Version { get; }

    /// <summary>The id that data keys wrapped by this key name; see <see cref="KeyWrap.KeyIdOf"/>.</summary>
    public ulong KeyId => _wrap.KeyId;

    internal ReadOnlySpan<byte> Bytes => _bytes.Span;

    /// <summary>Wraps a data key; 49 bytes.</summary>
    public byte[] WrapDataKey(DataKey key) => _wrap.Wrap(key.Bytes);

    /// <summary>Unwraps a data key. The caller disposes it.</summary>
    /// <exception cref="KeyUnwrapException">The blob is malformed, of another key, or damaged.</exception>
    public DataKey UnwrapDataKey(ReadOnlySpan<byte> blob)
    {
        Span<byte> bytes = stackalloc byte[KeyWrap.SecretBytesMax];
        try
        {
            int length = _wrap.Unwrap(blob, bytes);
            if (length != DataKey.SizeBytes)
                throw new KeyUnwrapException(KeyUnwrapFailure.Format, $"A wrapped data key of {length} bytes.");
            return new DataKey(bytes[..length]);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _bytes.Dispose();
        _wrap.Dispose();
    }
}
