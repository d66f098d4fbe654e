namespace Predastore.Shards.Crypto;

/// <summary>
/// Seals an object small enough to lie in the metadata as one fragment: shard index <see cref="FragmentLayout.InlineShardIndex"/>,
/// number 0, end flag set. An empty object is sealed too. Stateless; each call makes a cipher of its own.
/// </summary>
public static class InlineSealer
{
    /// <summary>Largest inline object, in bytes.</summary>
    public const int BodyBytesMax = 4096;

    /// <summary>Seals an object; the result has <c>body.Length + 48</c> bytes.</summary>
    /// <exception cref="ArgumentException">The body is over <see cref="BodyBytesMax"/>.</exception>
    public static byte[] Seal(DataKey key, ObjectHash objectHash, ulong writeId, ReadOnlySpan<byte> body)
    {
        if (body.Length > BodyBytesMax) throw new ArgumentException($"Over {BodyBytesMax} bytes.", nameof(body));
        byte[] result = new byte[body.Length + FragmentLayout.OverheadBytes];
        using FragmentSealer sealer = new(key, objectHash, writeId);
        sealer.Seal(FragmentLayout.InlineShardIndex, 0, end: true, body, result);
        return result;
    }

    /// <summary>Opens what <see cref="Seal"/> made.</summary>
    /// <param name="key">Data key of the write.</param>
    /// <param name="objectHash">Hash of the write.</param>
    /// <param name="writeId">The write id.</param>
    /// <param name="sealedBytes">The sealed object.</param>
    /// <param name="body">The object, or empty if there is a fault.</param>
    public static FragmentFault TryOpen(DataKey key, ObjectHash objectHash, ulong writeId, ReadOnlySpan<byte> sealedBytes,
        out byte[] body)
    {
        body = [];
        int size = sealedBytes.Length - FragmentLayout.OverheadBytes;
        if (size is < 0 or > BodyBytesMax) return FragmentFault.Length;
        byte[] opened = new byte[size];
        using FragmentOpener opener = new(key, objectHash, writeId);
        FragmentFault fault = opener.TryOpen(FragmentLayout.InlineShardIndex, 0UL, end: true, size, sealedBytes, opened);
        if (fault == FragmentFault.None) body = opened;
        return fault;
    }
}
