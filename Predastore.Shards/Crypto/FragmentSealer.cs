using System.Security.Cryptography;

namespace Predastore.Shards.Crypto;

/// <summary>
/// Seals the fragments of one write, of all its shards. Not thread-safe, and says so when misused: for sealing in parallel make one
/// for each thread. Within an instance the fragments of a shard go forward only, so that no nonce is used for two bodies.
/// Retry by sending the sealed bytes again, never by sealing again.
/// </summary>
public sealed class FragmentSealer : IDisposable
{
    private readonly AesGcm _cipher;
    private readonly ObjectHash _objectHash;
    private readonly ulong _shardNum;
    private readonly Dictionary<uint, ulong> _next = [];
    private SingleUser _user;

    /// <summary>Makes a sealer for a write.</summary>
    /// <param name="key">The write's data key; not kept, the caller goes on owning it.</param>
    /// <param name="objectHash">Hash of the write.</param>
    /// <param name="writeId">The write id: shardNum in the header.</param>
    public FragmentSealer(DataKey key, ObjectHash objectHash, ulong writeId)
    {
        _cipher = key.CreateCipher();
        _objectHash = objectHash;
        _shardNum = writeId;
    }

    /// <summary>Seals one fragment.</summary>
    /// <param name="shardIndex">0..K+M-1, or <see cref="FragmentLayout.InlineShardIndex"/>.</param>
    /// <param name="fragNum">Number in the shard, above all sealed before for this shard.</param>
    /// <param name="end">True for the shard's last fragment; only that one may be shorter than 8192 bytes.</param>
    /// <param name="body">Plaintext. It may lie in <paramref name="destination"/> at offset 32, and nowhere else in it.</param>
    /// <param name="destination">At least <c>body.Length + 48</c> bytes.</param>
    /// <returns>Bytes written: <c>body.Length + 48</c>.</returns>
    /// <exception cref="InvalidOperationException">The fragment or a later one was sealed already, or two threads call.</exception>
    public int Seal(uint shardIndex, ulong fragNum, bool end, ReadOnlySpan<byte> body, Span<byte> destination)
    {
        if (body.Length > FragmentLayout.BodyBytesMax || (!end && body.Length != FragmentLayout.BodyBytesMax))
            throw new ArgumentException($"A body of {body.Length} bytes.", nameof(body));
        if (destination.Length < body.Length + FragmentLayout.OverheadBytes)
            throw new ArgumentException("No room for the fragment.", nameof(destination));
        _user.Enter();
        try
        {
            Advance(shardIndex, fragNum, 1, end);
            return SealOne(shardIndex, fragNum, end, body, destination);
        }
        finally
        {
            _user.Exit();
        }
    }

    /// <summary>Seals consecutive fragments of one shard.</summary>
    /// <param name="shardIndex">0..K+M-1.</param>
    /// <param name="firstFragNum">Number of the first one.</param>
    /// <param name="end">True if <paramref name="body"/> ends the shard; else its length is a multiple of 8192.</param>
    /// <param name="body">Plaintext of all; may be empty, which seals nothing. It must not overlap the destination.</param>
    /// <param name="destination">At least <see cref="FragmentLayout.SealedBytes"/> of <c>body.Length</c>.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="InvalidOperationException">As for <see cref="Seal"/>.</exception>
    public int SealShardRun(uint shardIndex, ulong firstFragNum, bool end, ReadOnlySpan<byte> body, Span<byte> destination)
    {
        if (!end && body.Length % FragmentLayout.BodyBytesMax != 0)
            throw new ArgumentException($"A run of {body.Length} bytes, no multiple of 8192.", nameof(body));
        if (destination.Length < FragmentLayout.SealedBytes(body.Length))
            throw new ArgumentException("No room for the fragments.", nameof(destination));
        if (body.IsEmpty) return 0;
        _user.Enter();
        try
        {
            ulong count = (ulong)FragmentLayout.FragmentCount(body.Length);
            Advance(shardIndex, firstFragNum, count, end);
            int written = 0;
            for (ulong i = 0; i < count; i++)
            {
                int size = Math.Min(FragmentLayout.BodyBytesMax, body.Length);
                written += SealOne(shardIndex, firstFragNum + i, end && i == count - 1, body[..size], destination[written..]);
                body = body[size..];
            }
            return written;
        }
        finally
        {
            _user.Exit();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _cipher.Dispose();

    private void Advance(uint shardIndex, ulong fragNum, ulong count, bool end)
    {
        ulong next = _next.GetValueOrDefault(shardIndex);
        if (fragNum < next)
            throw new InvalidOperationException($"Fragment {fragNum} of shard {shardIndex} must not be sealed again.");
        _next[shardIndex] = end ? ulong.MaxValue : checked(fragNum + count);
    }

    private int SealOne(uint shardIndex, ulong fragNum, bool end, ReadOnlySpan<byte> body, Span<byte> destination)
    {
        Span<byte> nonce = stackalloc byte[FragmentLayout.NonceBytes];
        Span<byte> aad = stackalloc byte[FragmentLayout.AadBytes];
        FragmentLayout.WriteNonce(nonce, shardIndex, fragNum);
        FragmentLayout.WriteAad(aad, _objectHash, shardIndex, _shardNum, fragNum);
        _cipher.Encrypt(nonce, body, destination.Slice(FragmentLayout.HeaderBytes, body.Length),
            destination.Slice(FragmentLayout.HeaderBytes + body.Length, FragmentLayout.TagBytes), aad);
        FragmentLayout.WriteHeader(destination, fragNum, _shardNum, body.Length, end);
        return FragmentLayout.OverheadBytes + body.Length;
    }
}
