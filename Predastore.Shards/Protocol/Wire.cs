using System.Text;
using Predastore.Shards.Crypto;

namespace Predastore.Shards.Protocol;

/// <summary>
/// Bodies of the frames that carry no batch. Big-endian; sizes in bytes. <c>id</c> is a Guid in network order, <c>key</c> is
/// objectHash 32, shardIndex 4.
/// <code>
/// PutShard   key 36, writeId 8, attemptId 16, K 2, M 2, storageId 4, sizeHint 8 (all ones: unknown)      = 76
/// GetShard   key 36, storageId 4, offset 8, length 8 (all ones: to the end)                              = 56
/// Found      length of the shard 8, bytes that follow 8, attemptId 16                                    = 32
/// Commit     length 8, digest 16                                                                         = 24
/// Message    kind 4                                                                                      =  4
/// Ping, Pong nonce 8                                                                                     =  8
/// Error      code 2, length 2, text in UTF-8                                                             = 4 + text
/// Abort, Accepted, Committed, End, Reply  empty
/// </code>
/// </summary>
internal static partial class Wire
{
    public static byte[] Encode(in PutShardRequest put)
    {
        var body = new BodyWriter(76);
        Key(ref body, put.Key);
        body.U64(put.WriteId);
        body.Id(put.AttemptId);
        body.U16(put.K);
        body.U16(put.M);
        body.U32(put.StorageId);
        body.I64(put.SizeHint);
        return body.End();
    }

    public static PutShardRequest DecodePutShard(ReadOnlySpan<byte> bytes)
    {
        var body = new BodyReader(bytes);
        ShardKey key = Key(ref body);
        var put = new PutShardRequest(
            key.ObjectHash, key.ShardIndex, body.U64(), body.Id(), body.U16(), body.U16(), body.U32(), body.CountOrMinusOne());
        body.End();
        if (put.K == 0 || key.ShardIndex >= put.K + put.M) throw BodyReader.Bad("the shard index is outside the geometry");
        return put;
    }

    public static byte[] Encode(in GetShardRequest get)
    {
        var body = new BodyWriter(56);
        Key(ref body, get.Key);
        body.U32(get.StorageId);
        body.I64(get.Offset);
        body.I64(get.Length);
        return body.End();
    }

    public static GetShardRequest DecodeGetShard(ReadOnlySpan<byte> bytes)
    {
        var body = new BodyReader(bytes);
        ShardKey key = Key(ref body);
        var get = new GetShardRequest(key.ObjectHash, key.ShardIndex, body.U32(), body.Count(), body.CountOrMinusOne());
        body.End();
        return get;
    }

    public static byte[] EncodeFound(long shardLength, long rangeLength, Guid attemptId)
    {
        var body = new BodyWriter(32);
        body.I64(shardLength);
        body.I64(rangeLength);
        body.Id(attemptId);
        return body.End();
    }

    public static (long ShardLength, long RangeLength, Guid AttemptId) DecodeFound(ReadOnlySpan<byte> bytes)
    {
        var body = new BodyReader(bytes);
        var found = (ShardLength: body.Count(), RangeLength: body.Count(), AttemptId: body.Id());
        body.End();
        return found.RangeLength <= found.ShardLength ? found : throw BodyReader.Bad("the range is longer than the shard");
    }

    public static byte[] EncodeCommit(long length, UInt128 digest)
    {
        var body = new BodyWriter(24);
        body.I64(length);
        body.U128(digest);
        return body.End();
    }

    public static (long Length, UInt128 Digest) DecodeCommit(ReadOnlySpan<byte> bytes)
    {
        var body = new BodyReader(bytes);
        (long, UInt128) commit = (body.Count(), body.U128());
        body.End();
        return commit;
    }

    public static byte[] EncodeMessage(uint kind)
    {
        var body = new BodyWriter(4);
        body.U32(kind);
        return body.End();
    }

    public static uint DecodeMessage(ReadOnlySpan<byte> bytes)
    {
        var body = new BodyReader(bytes);
        uint kind = body.U32();
        body.End();
        return kind;
    }

    public static byte[] EncodePing(ulong nonce)
    {
        var body = new BodyWriter(8);
        body.U64(nonce);
        return body.End();
    }

    public static ulong DecodePing(ReadOnlySpan<byte> bytes)
    {
        var body = new BodyReader(bytes);
        ulong nonce = body.U64();
        body.End();
        return nonce;
    }

    public static byte[] EncodeError(ShardError error, string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        int length = utf8.Length;
        if (length > ProtocolLimits.ErrorTextBytesMax)
        {
            length = ProtocolLimits.ErrorTextBytesMax;
            // A character cut in two would make the text malformed: continuation bytes are 10xxxxxx.
            while ((utf8[length] & 0xC0) == 0x80) length--;
        }
        var body = new BodyWriter(4 + length);
        body.U16((ushort)error);
        body.U16((ushort)length);
        body.Bytes(utf8.AsSpan(0, length));
        return body.End();
    }

    public static ShardException DecodeError(ReadOnlySpan<byte> bytes)
    {
        var body = new BodyReader(bytes);
        var error = (ShardError)body.U16();
        string text = body.Text(body.U16());
        body.End();
        // A newer peer may know more reasons; for us they are a plain failure.
        return new ShardException(Enum.IsDefined(error) ? error : ShardError.Failed, text);
    }

    /// <summary>For the frames without a body.</summary>
    public static void DecodeEmpty(ReadOnlySpan<byte> bytes) => new BodyReader(bytes).End();

    private static void Key(ref BodyWriter body, in ShardKey key)
    {
        body.Hash(key.ObjectHash);
        body.U32(key.ShardIndex);
    }

    private static ShardKey Key(ref BodyReader body) => new(body.Hash(), body.U32());
}
