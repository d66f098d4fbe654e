using System.Security.Cryptography;

namespace Predastore.Shards.Crypto;

/// <summary>
/// The random key of one write. It seals nothing else, ever: that is what keeps nonces from repeating after a restore or a clone.
/// Immutable and safe from any thread until disposed, which zeroes it.
/// </summary>
public sealed class DataKey : IDisposable
{
    /// <summary>Key size (AES-256).</summary>
    public const int SizeBytes = 32;

    private readonly SecretBytes _bytes;

    /// <summary>A key from its bytes.</summary>
    /// <exception cref="ArgumentException">Not 32 bytes.</exception>
    public DataKey(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != SizeBytes) throw new ArgumentException($"A data key has {SizeBytes} bytes.", nameof(bytes));
        _bytes = new SecretBytes(bytes);
    }

    private DataKey(SecretBytes bytes) => _bytes = bytes;

    /// <summary>A new random key, for a new write.</summary>
    public static DataKey Generate() => new(SecretBytes.Random(SizeBytes));

    /// <summary>The key bytes; do not copy them.</summary>
    internal ReadOnlySpan<byte> Bytes => _bytes.Span;

    /// <summary>A cipher of its own for one thread: an <see cref="AesGcm"/> shared by two corrupts in silence on Linux.</summary>
    internal AesGcm CreateCipher() => new(_bytes.Span, FragmentLayout.TagBytes);

    /// <inheritdoc/>
    public void Dispose() => _bytes.Dispose();
}
