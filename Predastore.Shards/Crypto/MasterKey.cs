using System.Security.Cryptography;
using System.Text;

namespace Predastore.Shards.Crypto;

/// <summary>
/// One master key: wraps bucket keys and account secrets. Immutable and safe from any thread until disposed, which zeroes it.
/// Nodes use <see cref="MasterKeys"/>, which knows several during a rotation.
/// </summary>
public sealed class MasterKey : IDisposable
{
    /// <summary>Key size.</summary>
    public const int SizeBytes = 32;

    /// <summary>Size of a fingerprint.</summary>
    public const int FingerprintBytes = 16;

    internal const string BucketKeyPurpose = "predastore/1/bucket-key";
    internal const string SecretPurpose = "predastore/1/secret";
    private const string FingerprintPurpose = "predastore/1/fingerprint";

    private readonly SecretBytes _bytes;

    /// <summary>A key from its bytes; see <see cref="MasterKeyFile"/> for the file.</summary>
    /// <exception cref="ArgumentException">Not 32 bytes.</exception>
    public MasterKey(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != SizeBytes) throw new ArgumentException($"A master key has {SizeBytes} bytes.", nameof(bytes));
        _bytes = new SecretBytes(bytes);
        BucketKeys = new KeyWrap(bytes, BucketKeyPurpose);
        Secrets = new KeyWrap(bytes, SecretPurpose);
    }

    /// <summary>
    /// What nodes compare when they join, to learn that they hold the same key without showing it: HKDF-SHA256 of the key with the
    /// cluster id (16 bytes, big-endian) as salt, cut to 16 bytes.
    /// </summary>
    public byte[] Fingerprint(Guid clusterId) => HKDF.DeriveKey(HashAlgorithmName.SHA256, _bytes.Span.ToArray(), FingerprintBytes,
        clusterId.ToByteArray(bigEndian: true), Encoding.ASCII.GetBytes(FingerprintPurpose));

    internal KeyWrap BucketKeys { get; }

    internal KeyWrap Secrets { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        _bytes.Dispose();
        BucketKeys.Dispose();
        Secrets.Dispose();
    }
}
