using System.Buffers.Binary;
using System.Text;

namespace Predastore.Actors.Metadata.Storage;

/// <content>Keys of versions, uploads and parts.</content>
public static partial class KeySchema
{
    /// <summary>Bytes of a position: log index 8, place 4.</summary>
    public const int PositionBytes = 12;

    /// <summary>Bytes of an upload id.</summary>
    public const int UploadIdBytes = 16;

    private const int TerminatorBytes = 2;
    private const int BucketBytes = 9;

    /// <summary>UTF-8 of the text with 00 as 00 FF, without the terminator.</summary>
    public static byte[] Escape(string text)
    {
        byte[] raw = Encoding.UTF8.GetBytes(text);
        int zeros = raw.AsSpan().Count((byte)0);
        if (zeros == 0) return raw;
        byte[] escaped = new byte[raw.Length + zeros];
        int at = 0;
        foreach (byte value in raw)
        {
            escaped[at++] = value;
            if (value == 0) escaped[at++] = 0xFF;
        }

        return escaped;
    }

    /// <summary>The text of escaped bytes (without the terminator).</summary>
    public static string Unescape(ReadOnlySpan<byte> escaped)
    {
        if (!escaped.Contains((byte)0)) return Encoding.UTF8.GetString(escaped);
        byte[] raw = new byte[escaped.Length];
        int length = 0;
        for (int i = 0; i < escaped.Length; i++)
        {
            raw[length++] = escaped[i];
            if (escaped[i] == 0) i++;
        }

        return Encoding.UTF8.GetString(raw.AsSpan(0, length));
    }

    /// <summary>Prefix of a bucket's versions.</summary>
    public static byte[] Versions(ulong bucketId) => InBucket(VersionTable, bucketId, []);

    /// <summary>Prefix of a bucket's versions whose key starts with the escaped bytes.</summary>
    internal static byte[] VersionsFrom(ulong bucketId, ReadOnlySpan<byte> escaped) => InBucket(VersionTable, bucketId, escaped);

    /// <summary>Prefix of the versions of one key.</summary>
    public static byte[] VersionsOf(ulong bucketId, string key) => OfKey(VersionTable, bucketId, key, []);

    /// <summary>Key of one version.</summary>
    public static byte[] VersionAt(ulong bucketId, string key, Position position)
    {
        Span<byte> inverted = stackalloc byte[PositionBytes];
        WritePosition(inverted, position);
        for (int i = 0; i < PositionBytes; i++) inverted[i] = (byte)~inverted[i];
        return OfKey(VersionTable, bucketId, key, inverted);
    }

    /// <summary>Key of the pointer to a key's null version.</summary>
    public static byte[] NullVersion(ulong bucketId, string key) => OfKey(NullVersionTable, bucketId, key, []);

    /// <summary>Key of an upload.</summary>
    public static byte[] Upload(ReadOnlySpan<byte> uploadId) => [UploadTable, .. uploadId];

    /// <summary>Key of an upload in the index of open ones.</summary>
    public static byte[] OpenUpload(ulong bucketId, string key, ReadOnlySpan<byte> uploadId) =>
        OfKey(OpenUploadTable, bucketId, key, uploadId);

    /// <summary>Prefix of a bucket's open uploads.</summary>
    public static byte[] OpenUploads(ulong bucketId) => InBucket(OpenUploadTable, bucketId, []);

    /// <summary>Prefix of a bucket's open uploads whose key starts with the escaped bytes.</summary>
    internal static byte[] OpenUploadsFrom(ulong bucketId, ReadOnlySpan<byte> escaped) =>
        InBucket(OpenUploadTable, bucketId, escaped);

    /// <summary>Key of a part.</summary>
    public static byte[] PartOf(ReadOnlySpan<byte> uploadId, uint number)
    {
        byte[] key = new byte[1 + uploadId.Length + 4];
        key[0] = PartTable;
        uploadId.CopyTo(key.AsSpan(1));
        BinaryPrimitives.WriteUInt32BigEndian(key.AsSpan(1 + uploadId.Length), number);
        return key;
    }

    /// <summary>Prefix of an upload's parts.</summary>
    public static byte[] Parts(ReadOnlySpan<byte> uploadId) => [PartTable, .. uploadId];

    /// <summary>Key of a completed part by its offset in the object.</summary>
    public static byte[] PartAt(ReadOnlySpan<byte> uploadId, ulong offset, uint number)
    {
        byte[] key = new byte[1 + uploadId.Length + 12];
        key[0] = PartOffsetTable;
        uploadId.CopyTo(key.AsSpan(1));
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(1 + uploadId.Length), offset);
        BinaryPrimitives.WriteUInt32BigEndian(key.AsSpan(9 + uploadId.Length), number);
        return key;
    }

    /// <summary>Prefix of an upload's parts by offset.</summary>
    public static byte[] PartOffsets(ReadOnlySpan<byte> uploadId) => [PartOffsetTable, .. uploadId];

    /// <summary>Writes a position's 12 bytes.</summary>
    public static void WritePosition(Span<byte> target, Position position)
    {
        BinaryPrimitives.WriteUInt64BigEndian(target, position.Index);
        BinaryPrimitives.WriteUInt32BigEndian(target[8..], position.Place);
    }

    /// <summary>Reads a position's 12 bytes.</summary>
    public static Position ReadPosition(ReadOnlySpan<byte> bytes) => new()
    {
        Index = BinaryPrimitives.ReadUInt64BigEndian(bytes),
        Place = BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]),
    };

    /// <summary>The escaped key (without terminator) in a key of the version table.</summary>
    internal static ReadOnlySpan<byte> EscapedKeyOfVersion(ReadOnlySpan<byte> key) =>
        key[BucketBytes..^(PositionBytes + TerminatorBytes)];

    /// <summary>The escaped key (without terminator) in a key of the open upload table.</summary>
    internal static ReadOnlySpan<byte> EscapedKeyOfOpenUpload(ReadOnlySpan<byte> key) =>
        key[BucketBytes..^(UploadIdBytes + TerminatorBytes)];

    /// <summary>The upload id in a key of the open upload table.</summary>
    internal static ReadOnlySpan<byte> UploadIdOfOpenUpload(ReadOnlySpan<byte> key) => key[^UploadIdBytes..];

    private static byte[] InBucket(byte table, ulong bucketId, ReadOnlySpan<byte> escaped)
    {
        byte[] key = new byte[BucketBytes + escaped.Length];
        key[0] = table;
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(1), bucketId);
        escaped.CopyTo(key.AsSpan(BucketBytes));
        return key;
    }

    private static byte[] OfKey(byte table, ulong bucketId, string text, ReadOnlySpan<byte> suffix)
    {
        byte[] escaped = Escape(text);
        byte[] key = new byte[BucketBytes + escaped.Length + TerminatorBytes + suffix.Length];
        key[0] = table;
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(1), bucketId);
        escaped.CopyTo(key.AsSpan(BucketBytes));
        key[BucketBytes + escaped.Length + 1] = 1;
        suffix.CopyTo(key.AsSpan(BucketBytes + escaped.Length + TerminatorBytes));
        return key;
    }
}
