using System.Security.Cryptography;

namespace Predastore.Shards.Crypto;

/// <summary>
/// Opens fragments of one write, of any of its shards, in any order. Not thread-safe, and says so when misused: make one for each
/// thread.
/// </summary>
public sealed class FragmentOpener : IDisposable
{
    private readonly AesGcm _cipher;
    private readonly ObjectHash _objectHash;
    private readonly ulong _shardNum;
    private SingleUser _user;

    /// <summary>Makes an opener for a write; the parameters are those of <see cref="FragmentSealer"/>.</summary>
    public FragmentOpener(DataKey key, ObjectHash objectHash, ulong writeId)
    {
        _cipher = key.CreateCipher();
        _objectHash = objectHash;
        _shardNum = writeId;
    }

    /// <summary>Opens one fragment if it is exactly the expected one.</summary>
    /// <param name="shardIndex">Shard it has to belong to.</param>
    /// <param name="fragNum">Number it has to have.</param>
    /// <param name="end">True if it has to be the shard's last.</param>
    /// <param name="bodySize">Body size it has to have, in bytes.</param>
    /// <param name="sealedBytes">The fragment: <c>bodySize + 48</c> bytes.</param>
    /// <param name="destination">
    /// Gets the body, at least <paramref name="bodySize"/> bytes; it may be the body's place inside
    /// <paramref name="sealedBytes"/>. After <see cref="FragmentFault.Tag"/> it holds zeros.
    /// </param>
    public FragmentFault TryOpen(uint shardIndex, ulong fragNum, bool end, int bodySize, ReadOnlySpan<byte> sealedBytes,
        Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bodySize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bodySize, FragmentLayout.BodyBytesMax);
        if (destination.Length < bodySize) throw new ArgumentException("No room for the body.", nameof(destination));
        if (sealedBytes.Length != bodySize + FragmentLayout.OverheadBytes) return FragmentFault.Length;
        Span<byte> header = stackalloc byte[FragmentLayout.HeaderBytes];
        FragmentLayout.WriteHeader(header, fragNum, _shardNum, bodySize, end);
        if (!header.SequenceEqual(sealedBytes[..FragmentLayout.HeaderBytes])) return FragmentFault.Header;

        Span<byte> nonce = stackalloc byte[FragmentLayout.NonceBytes];
        Span<byte> aad = stackalloc byte[FragmentLayout.AadBytes];
        FragmentLayout.WriteNonce(nonce, shardIndex, fragNum);
        FragmentLayout.WriteAad(aad, _objectHash, shardIndex, _shardNum, fragNum);
        _user.Enter();
        try
        {
            _cipher.Decrypt(nonce, sealedBytes.Slice(FragmentLayout.HeaderBytes, bodySize),
                sealedBytes[(FragmentLayout.HeaderBytes + bodySize)..], destination[..bodySize], aad);
            return FragmentFault.None;
        }
        catch (AuthenticationTagMismatchException)
        {
            CryptographicOperations.ZeroMemory(destination[..bodySize]);
            return FragmentFault.Tag;
        }
        finally
        {
            _user.Exit();
        }
    }

    /// <summary>Opens a fragment of a shard whose size is known, which gives the expected end flag and body size.</summary>
    /// <param name="shardIndex">Shard it has to belong to.</param>
    /// <param name="fragment">Number it has to have; within the shard.</param>
    /// <param name="shardBytes">Body bytes of the whole shard.</param>
    /// <param name="sealedBytes">The fragment.</param>
    /// <param name="destination">Gets the body.</param>
    public FragmentFault TryOpen(uint shardIndex, long fragment, long shardBytes, ReadOnlySpan<byte> sealedBytes,
        Span<byte> destination) =>
        TryOpen(shardIndex, (ulong)fragment, FragmentLayout.IsEnd(shardBytes, fragment),
            FragmentLayout.BodySize(shardBytes, fragment), sealedBytes, destination);

    /// <summary>Opens consecutive fragments of a shard into one contiguous body, and stops at the first that does not open.</summary>
    /// <param name="shardIndex">Shard they have to belong to.</param>
    /// <param name="first">Number of the first one.</param>
    /// <param name="count">How many; all within the shard.</param>
    /// <param name="shardBytes">Body bytes of the whole shard.</param>
    /// <param name="sealedBytes">
    /// The fragments, one after the other; if there are fewer bytes than <paramref name="count"/> fragments have, those that are
    /// whole are opened and the fault is <see cref="FragmentFault.Length"/>.
    /// </param>
    /// <param name="destination">Gets the bodies; room for all of them. Must not overlap <paramref name="sealedBytes"/>.</param>
    public FragmentRunResult OpenShardRun(uint shardIndex, long first, int count, long shardBytes,
        ReadOnlySpan<byte> sealedBytes, Span<byte> destination)
    {
        for (int i = 0; i < count; i++)
        {
            int body = FragmentLayout.BodySize(shardBytes, first + i);
            int length = Math.Min(body + FragmentLayout.OverheadBytes, sealedBytes.Length);
            FragmentFault fault = TryOpen(shardIndex, first + i, shardBytes, sealedBytes[..length], destination);
            if (fault != FragmentFault.None) return new FragmentRunResult(i, fault);
            sealedBytes = sealedBytes[length..];
            destination = destination[body..];
        }
        return new FragmentRunResult(count, sealedBytes.IsEmpty ? FragmentFault.None : FragmentFault.Length);
    }

    /// <inheritdoc/>
    public void Dispose() => _cipher.Dispose();
}
