namespace Predastore.Actors.Metadata.Replica;

/// <summary>
/// A metadata snapshot as a stream. Numbers are big-endian; rows come in key order, each key once.
/// <code>
/// header   magic 8 "PDMETA\0\1", schema version 4, applied index 8, term 8, CRC32C 4 of the 28 bytes before
/// chunk    length 4 (1 .. ChunkBytesMax), CRC32C 4 of the payload, payload
/// payload  rows: key length 4, value length 4, key, value; a row never spans two chunks
/// end      length 4 = 0, number of rows 8, SHA-256 32 over all payloads
/// </code>
/// </summary>
internal static class SnapshotFormat
{
    public const int HeaderBytes = 32;
    public const int ChunkHeaderBytes = 8;
    public const int TrailerBytes = 4 + 8 + 32;

    /// <summary>A chunk is closed once it holds this much, in bytes.</summary>
    public const int ChunkBytes = 256 << 10;

    /// <summary>Longest chunk taken; one row may be larger than <see cref="ChunkBytes"/>.</summary>
    public const int ChunkBytesMax = 16 << 20;

    public static ReadOnlySpan<byte> Magic => "PDMETA\0\u0001"u8;
}
