using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Predastore.Actors.Raft.Journal;

/// <summary>
/// Rows of the journal's database. All numbers big-endian.
/// <code>
/// key   'E' || persistence id (UTF-8) || 00 || sequence number 8
/// value chain 16 | serializer id 4 | manifest length 2 | manifest (UTF-8) | payload
///       chain = first 16 B of SHA-256(chain of the event before || everything after the chain), so that a gap, a swap or a changed
///       byte shows
///
/// key   'H' || persistence id
/// value highest sequence number 8 | its chain 16 | highest deleted sequence number 8 | its chain 16
///
/// key   'B'
/// value batches written so far 8, in each of them: what JournalEnd is compared with
///
/// key   'M'
/// value incarnation of the replica 8; written before the first event, so that a journal that was emptied is not taken for a new one
/// </code>
/// </summary>
internal static class JournalRows
{
    public const int ChainBytes = 16;
    private const byte EventPrefix = (byte)'E';
    private const byte HeadPrefix = (byte)'H';
    private const byte BatchesPrefix = (byte)'B';
    private const byte MarkerPrefix = (byte)'M';
    private const int FixedBytes = ChainBytes + 4 + 2;

    public static readonly byte[] MarkerKey = [MarkerPrefix];

    public static readonly byte[] BatchesKey = [BatchesPrefix];

    public static byte[] Batches(long count)
    {
        byte[] value = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(value, count);
        return value;
    }

    public static long BatchesOf(byte[]? row) => row switch
    {
        null => 0,
        { Length: 8 } => BinaryPrimitives.ReadInt64BigEndian(row),
        _ => throw new JournalDamagedException($"a row of {row.Length} bytes for the number of batches"),
    };

    public static byte[] EventKey(string persistenceId, long sequenceNr)
    {
        int length = Encoding.UTF8.GetByteCount(persistenceId);
        byte[] key = new byte[1 + length + 1 + 8];
        key[0] = EventPrefix;
        Encoding.UTF8.GetBytes(persistenceId, key.AsSpan(1));
        BinaryPrimitives.WriteInt64BigEndian(key.AsSpan(length + 2), sequenceNr);
        return key;
    }

    public static long SequenceOf(ReadOnlySpan<byte> eventKey) => BinaryPrimitives.ReadInt64BigEndian(eventKey[^8..]);

    public static byte[] HeadKey(string persistenceId) => [HeadPrefix, .. Encoding.UTF8.GetBytes(persistenceId)];

    public static byte[] EventValue(ReadOnlySpan<byte> chainBefore, int serializerId, string manifest, ReadOnlySpan<byte> payload)
    {
        int manifestLength = Encoding.UTF8.GetByteCount(manifest);
        byte[] value = new byte[FixedBytes + manifestLength + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(value.AsSpan(ChainBytes), serializerId);
        BinaryPrimitives.WriteUInt16BigEndian(value.AsSpan(ChainBytes + 4), checked((ushort)manifestLength));
        Encoding.UTF8.GetBytes(manifest, value.AsSpan(FixedBytes));
        payload.CopyTo(value.AsSpan(FixedBytes + manifestLength));
        Chain(chainBefore, value.AsSpan(ChainBytes)).CopyTo(value.AsSpan());
        return value;
    }

    /// <summary>Checks the chain and takes the value apart; false if it is not what was written after the event before.</summary>
    public static bool TryRead(
        ReadOnlySpan<byte> chainBefore, ReadOnlySpan<byte> value, out int serializerId, out string manifest, out byte[] payload)
    {
        (serializerId, manifest, payload) = (0, "", []);
        if (value.Length < FixedBytes || !Chain(chainBefore, value[ChainBytes..]).AsSpan().SequenceEqual(value[..ChainBytes]))
            return false;
        serializerId = BinaryPrimitives.ReadInt32BigEndian(value[ChainBytes..]);
        int manifestLength = BinaryPrimitives.ReadUInt16BigEndian(value[(ChainBytes + 4)..]);
        if (value.Length < FixedBytes + manifestLength)
            return false;
        manifest = Encoding.UTF8.GetString(value.Slice(FixedBytes, manifestLength));
        payload = value[(FixedBytes + manifestLength)..].ToArray();
        return true;
    }

    private static byte[] Chain(ReadOnlySpan<byte> before, ReadOnlySpan<byte> rest)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(before);
        hash.AppendData(rest);
        return hash.GetHashAndReset()[..ChainBytes];
    }
}

/// <summary>What the journal remembers of a persistence id apart from its events.</summary>
internal sealed record JournalHead(long Highest, byte[] HighestChain, long Deleted, byte[] DeletedChain)
{
    private const int Bytes = 48;

    /// <summary>Before the first event.</summary>
    public static readonly JournalHead Empty = new(0, new byte[JournalRows.ChainBytes], 0, new byte[JournalRows.ChainBytes]);

    public byte[] Encode()
    {
        byte[] value = new byte[Bytes];
        BinaryPrimitives.WriteInt64BigEndian(value, Highest);
        HighestChain.CopyTo(value, 8);
        BinaryPrimitives.WriteInt64BigEndian(value.AsSpan(24), Deleted);
        DeletedChain.CopyTo(value, 32);
        return value;
    }

    public static JournalHead Decode(ReadOnlySpan<byte> value) => value.Length == Bytes
        ? new JournalHead(
            BinaryPrimitives.ReadInt64BigEndian(value), value[8..24].ToArray(),
            BinaryPrimitives.ReadInt64BigEndian(value[24..]), value[32..].ToArray())
        : throw new JournalDamagedException($"a head row of {value.Length} bytes");
}

/// <summary>The journal does not hold what was written to it. The replica must not speak before it was replaced.</summary>
public sealed class JournalDamagedException(string what) : IOException(
    $"The Raft journal is damaged: {what}. This replica must be replaced: empty its path, start the node with --new-replica and run "
    + "'s3d admin replica replace'.");
