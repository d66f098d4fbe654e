using System.Security.Cryptography;

namespace Predastore.Shards.Crypto;

/// <summary>Key bytes, pinned so that the garbage collector leaves no copies behind, and zeroed when disposed.</summary>
internal sealed class SecretBytes : IDisposable
{
    private readonly byte[] _bytes;
    private volatile bool _disposed;

    public SecretBytes(int length) => _bytes = GC.AllocateArray<byte>(length, pinned: true);

    public SecretBytes(ReadOnlySpan<byte> bytes) : this(bytes.Length) => bytes.CopyTo(_bytes);

    public static SecretBytes Random(int length)
    {
        SecretBytes secret = new(length);
        RandomNumberGenerator.Fill(secret._bytes);
        return secret;
    }

    /// <summary>The bytes.</summary>
    /// <exception cref="ObjectDisposedException">They are zeroed: sealing with a key of zeros would give the data away.</exception>
    public Span<byte> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _bytes;
        }
    }

    public void Dispose()
    {
        _disposed = true;
        CryptographicOperations.ZeroMemory(_bytes);
    }
}
