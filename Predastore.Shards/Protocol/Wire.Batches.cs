using Predastore.Shards.Crypto;

namespace Predastore.Shards.Protocol;

/// <summary>
/// Bodies of the frames that carry a batch. Big-endian; sizes in bytes; a batch has at most 8192 entries.
/// <code>
/// row           key 36, attemptId 16, writeId 8, K 2, M 2, length 8, digest 16                           = 88
/// DeleteShards  storageId 4, count 4, { key 36, has attempt 1 (0 or 1), attemptId 16 }
/// Deleted       count 4, { outcome 1 }
/// StatShards    storageId 4, count 4, { key 36 }
/// Stats         count 4, { present 1 (0 or 1), row 88 if present }
/// ListShards    storageId 4, from 32, to 32, limit 4, length of cursor 2, cursor
/// Rows          count 4, { row 88 }, length of cursor 2, cursor
/// </code>
/// </summary>
internal static partial class Wire
{
    private const int KeyBytes = 36;
    private const int RowBytes = 88;

    public static byte[] Encode(DeleteShardsRequest delete)
    {
        CheckBatch(delete.Shards.Count);
        var body = new BodyWriter(8 + (delete.Shards.Count * (KeyBytes + 17)));
        body.U32(delete.StorageId);
        body.U32((uint)delete.Shards.Count);
        foreach (ShardToDelete shard in delete.Shards)
        {
            Key(ref body, shard.Key);
            body.U8(shard.AttemptId is null ? (byte)0 : (byte)1);
            body.Id(shard.AttemptId ?? Guid.Empty);
        }
        return body.End();
    }

    public static DeleteShardsRequest DecodeDeleteShards(ReadOnlySpan<byte> bytes)
    {
        var body = new BodyReader(bytes);
        uint storageId = body.U32();
        var shards = new ShardToDelete[body.Batch(KeyBytes + 17)];
        for (int i = 0; i < shards.Length; i++)
        {
            ShardKey key = Key(ref body);
            bool one = Flag(ref body);
            Guid attempt = body.Id();
            shards[i] = new ShardToDelete(key, one ? attempt : null);
        }
        body.End();
        return new DeleteShardsRequest(storageId, shards);
    }

    public static byte[] Encode(IReadOnlyList<DeleteOutcome> outcomes)
    {
        CheckBatch(outcomes.Count);
        var body = new BodyWriter(4 + outcomes.Count);
        body.U32((uint)outcomes.Count);
        foreach (DeleteOutcome outcome in outcomes) body.U8((byte)outcome);
        return body.End();
    }

    public static DeleteOutcome[] DecodeDeleted(ReadOnlySpan<byte> bytes)
    {
        var body = new BodyReader(bytes);
        var outcomes = new DeleteOutcome[body.Batch(1)];
        for (int i = 0; i < outcomes.Length; i++)
        {
            outcomes[i] = (DeleteOutcome)body.U8();
            if (outcomes[i] > DeleteOutcome.Failed) throw BodyReader.Bad("an unknown outcome");
        }
        body.End();
        return outcomes;
    }

    public static byte[] Encode(StatShardsRequest stat)
    {
        CheckBatch(stat.Shards.Count);
        var body = new BodyWriter(8 + (stat.Shards.Count * KeyBytes));
        body.U32(stat.StorageId);
        body.U32((uint)stat.Shards.Count);
        foreach (ShardKey key in stat.Shards) Key(ref body, key);
        return body.End();
    }

    public static StatShardsRequest DecodeStatShards(ReadOnlySpan<byte> bytes)
    {
        var body = new BodyReader(bytes);
        uint storageId = body.U32();
        var keys = new ShardKey[body.Batch(KeyBytes)];
        for (int i = 0; i < keys.Length; i++) keys[i] = Key(ref body);
        body.End();
        return new StatShardsRequest(storageId, keys);
    }

    public static byte[] Encode(IReadOnlyList<ShardRow?> stats)
    {
        CheckBatch(stats.Count);
        int present = stats.Count(row => row is not null);
        var body = new BodyWriter(4 + stats.Count + (present * RowBytes));
        body.U32((uint)stats.Count);
        foreach (ShardRow? stat in stats)
        {
            body.U8(stat is null ? (byte)0 : (byte)1);
            if (stat is { } row) Row(ref body, row);
        }
        return body.End();
    }

    public static ShardRow?[] DecodeStats(ReadOnlySpan<byte> bytes)
    {
        var body = new BodyReader(bytes);
        var stats = new ShardRow?[body.Batch(1)];
        for (int i = 0; i < stats.Length; i++) stats[i] = Flag(ref body) ? Row(ref body) : null;
        body.End();
        return stats;
    }

    public static byte[] Encode(ListShardsRequest list)
    {
        CheckBatch(list.Limit);
        CheckCursor(list.Cursor.Length);
        var body = new BodyWriter(74 + list.Cursor.Length);
        body.U32(list.StorageId);
        body.Hash(list.From);
        body.Hash(list.To);
        body.U32((uint)list.Limit);
        body.U16((ushort)list.Cursor.Length);
        body.Bytes(list.Cursor.Span);
        return body.End();
    }

    public static ListShardsRequest DecodeListShards(ReadOnlySpan<byte> bytes)
    {
        var body = new BodyReader(bytes);
        uint storageId = body.U32();
        ObjectHash from = body.Hash(), to = body.Hash();
        uint limit = body.U32();
        if (limit is 0 or > ProtocolLimits.BatchMax) throw BodyReader.Bad($"a limit of {limit} rows");
        byte[] cursor = Cursor(ref body);
        body.End();
        return new ListShardsRequest(storageId, from, to, cursor, (int)limit);
    }

    public static byte[] Encode(ShardPage page)
    {
        CheckBatch(page.Rows.Count);
        CheckCursor(page.Next.Length);
        var body = new BodyWriter(6 + (page.Rows.Count * RowBytes) + page.Next.Length);
        body.U32((uint)page.Rows.Count);
        foreach (ShardRow row in page.Rows) Row(ref body, row);
        body.U16((ushort)page.Next.Length);
        body.Bytes(page.Next.Span);
        return body.End();
    }

    public static ShardPage DecodeRows(ReadOnlySpan<byte> bytes)
    {
        var body = new BodyReader(bytes);
        var rows = new ShardRow[body.Batch(RowBytes)];
        for (int i = 0; i < rows.Length; i++) rows[i] = Row(ref body);
        byte[] next = Cursor(ref body);
        body.End();
        return new ShardPage(rows, next);
    }

    private static void Row(ref BodyWriter body, in ShardRow row)
    {
        Key(ref body, row.Key);
        body.Id(row.AttemptId);
        body.U64(row.WriteId);
        body.U16(row.K);
        body.U16(row.M);
        body.I64(row.Length);
        body.U128(row.Digest);
    }

    private static ShardRow Row(ref BodyReader body) =>
        new(Key(ref body), body.Id(), body.U64(), body.U16(), body.U16(), body.Count(), body.U128());

    private static byte[] Cursor(ref BodyReader body)
    {
        int length = body.U16();
        if (length > ProtocolLimits.CursorBytesMax) throw BodyReader.Bad($"a cursor of {length} bytes");
        return body.Bytes(length).ToArray();
    }

    private static bool Flag(ref BodyReader body) => body.U8() switch
    {
        0 => false,
        1 => true,
        byte other => throw BodyReader.Bad($"a flag of {other}"),
    };

    private static void CheckBatch(int count)
    {
        if (count is < 0 or > ProtocolLimits.BatchMax)
            throw new ShardException(ShardError.TooLarge, $"a batch of {count} exceeds the limit of {ProtocolLimits.BatchMax}");
    }

    private static void CheckCursor(int length)
    {
        if (length > ProtocolLimits.CursorBytesMax)
            throw new ShardException(ShardError.TooLarge, $"a cursor of {length} bytes exceeds the limit of {ProtocolLimits.CursorBytesMax}");
    }
}
