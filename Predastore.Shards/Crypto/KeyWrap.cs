using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Predastore.Shards.Crypto;

/// <summary>
/// Wraps short secrets by RFC 5649 (AES key wrap with padding) under a key derived from another for one purpose. Immutable and safe
/// from any thread until disposed, which zeroes the derived key.
/// <code>
/// wrapped blob
///   0   1  format   1
///   1   8  key id   of the wrapping key, so that the right one of several is taken
///   9   n  RFC 5649 ciphertext: 8 B more than the secret, rounded up to 8 B
///
/// derivation: HKDF-SHA256, no salt, info = ASCII purpose -> 40 B: AES-256 key 32, key id 8
/// </code>
/// </summary>
public sealed class KeyWrap : IDisposable
{
    /// <summary>Longest secret, in bytes: what is wrapped here are keys.</summary>
    public const int SecretBytesMax = 1024;

    private const byte Format = 1;
    private const int PrefixBytes = 9;
    private const int CipherBytesMin = 16;
    private readonly SecretBytes _key = new(32);

    /// <summary>Derives a wrapping key.</summary>
    /// <param name="key">Key to derive from; at least 16 bytes. Not kept.</param>
    /// <param name="purpose">Keeps uses of one key apart: what was wrapped for one purpose does not unwrap for another.</param>
    public KeyWrap(ReadOnlySpan<byte> key, string purpose)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(key.Length, 16, nameof(key));
        Span<byte> derived = stackalloc byte[40];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, derived, [], Encoding.ASCII.GetBytes(purpose));
        derived[..32].CopyTo(_key.Span);
        KeyId = BinaryPrimitives.ReadUInt64BigEndian(derived[32..]);
        CryptographicOperations.ZeroMemory(derived);
    }

    /// <summary>Names this key in what it wraps; says nothing about the key's bytes.</summary>
    public ulong KeyId { get; }

    /// <summary>Wraps a secret of 1 to <see cref="SecretBytesMax"/> bytes. Equal secrets give equal blobs.</summary>
    public byte[] Wrap(ReadOnlySpan<byte> secret)
    {
        ArgumentOutOfRangeException.ThrowIfZero(secret.Length, nameof(secret));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(secret.Length, SecretBytesMax, nameof(secret));
        byte[] blob = new byte[PrefixBytes + WrappedLength(secret.Length)];
        blob[0] = Format;
        BinaryPrimitives.WriteUInt64BigEndian(blob.AsSpan(1), KeyId);
        using Aes aes = CreateAes();
        aes.EncryptKeyWrapPadded(secret, blob.AsSpan(PrefixBytes));
        return blob;
    }

    /// <summary>Unwraps a blob.</summary>
    /// <param name="blob">What <see cref="Wrap"/> made.</param>
    /// <param name="destination">Gets the secret; at least <c>blob.Length - 17</c> bytes.</param>
    /// <returns>Bytes of the secret.</returns>
    /// <exception cref="KeyUnwrapException">The blob is malformed, of another key, or damaged.</exception>
    public int Unwrap(ReadOnlySpan<byte> blob, Span<byte> destination)
    {
        ulong id = KeyIdOf(blob);
        if (id != KeyId)
            throw new KeyUnwrapException(KeyUnwrapFailure.UnknownKey, $"Wrapped under key {id:x16}, not under {KeyId:x16}.");
        using Aes aes = CreateAes();
        try
        {
            if (!aes.TryDecryptKeyWrapPadded(blob[PrefixBytes..], destination, out int written))
                throw new ArgumentException("No room for the secret.", nameof(destination));
            return written;
        }
        catch (CryptographicException)
        {
            CryptographicOperations.ZeroMemory(destination);
            throw new KeyUnwrapException(KeyUnwrapFailure.Damaged, $"A key wrapped under {id:x16} fails its integrity check.");
        }
    }

    /// <summary>The id of the key that wrapped a blob.</summary>
    /// <exception cref="KeyUnwrapException">The blob is malformed.</exception>
    public static ulong KeyIdOf(ReadOnlySpan<byte> blob)
    {
        int cipher = blob.Length - PrefixBytes;
        if (cipher < CipherBytesMin || cipher % 8 != 0 || cipher > WrappedLength(SecretBytesMax) || blob[0] != Format)
            throw new KeyUnwrapException(KeyUnwrapFailure.Format, $"{blob.Length} bytes are no wrapped key of format {Format}.");
        return BinaryPrimitives.ReadUInt64BigEndian(blob[1..]);
    }

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    private static int WrappedLength(int secret) => (secret + 7) / 8 * 8 + 8;

    private Aes CreateAes()
    {
        // A new instance for each call: Aes does not promise to be safe from several threads.
        Aes aes = Aes.Create();
        aes.SetKey(_key.Span);
        return aes;
    }
}
