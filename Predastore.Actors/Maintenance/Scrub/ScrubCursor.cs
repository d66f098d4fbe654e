using System.Buffers.Binary;
using Google.Protobuf;
using Predastore.Actors.Maintenance.Wire;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Maintenance.Scrub;

/// <summary>
/// Where the scrub of one disk stands, in a small file of its data path, so that a restart goes on and does not begin anew. It is no
/// promise of anything: a lost or damaged one only means that the pass begins again.
/// <code>
/// offset size
///      0    4  CRC32C of what follows, big-endian
///      4    n  ScrubState, protobuf; at most 4 KiB
/// </code>
/// </summary>
internal sealed class ScrubCursor(IDisk disk, string folder)
{
    /// <summary>Name of the file in the data path.</summary>
    public const string FileName = "scrub";

    private const int BytesMax = 4096;
    private const int CrcBytes = 4;

    private readonly string _path = Path.Combine(folder, FileName);

    /// <summary>The state, or a new one.</summary>
    public ScrubState Read()
    {
        try
        {
            if (!disk.Exists(_path))
                return new ScrubState();
            byte[] bytes = disk.ReadFile(_path, BytesMax);
            return bytes.Length >= CrcBytes && BinaryPrimitives.ReadUInt32BigEndian(bytes) == Crc32C.Of(bytes.AsSpan(CrcBytes))
                ? ScrubState.Parser.ParseFrom(bytes.AsSpan(CrcBytes))
                : new ScrubState();
        }
        catch (Exception error) when (error is IOException or InvalidDataException or InvalidProtocolBufferException)
        {
            return new ScrubState();
        }
    }

    /// <summary>Replaces the state.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public void Write(ScrubState state)
    {
        byte[] bytes = new byte[CrcBytes + state.CalculateSize()];
        state.WriteTo(bytes.AsSpan(CrcBytes));
        BinaryPrimitives.WriteUInt32BigEndian(bytes, Crc32C.Of(bytes.AsSpan(CrcBytes)));
        disk.ReplaceFile(_path, bytes);
    }
}
