using System.Buffers.Binary;

namespace Predastore.Shards.Disk;

/// <summary>What a data path belongs to.</summary>
public enum IdentityKind
{
    /// <summary>A metadata replica; <see cref="DiskIdentity.Number"/> is its node number.</summary>
    Replica = 1,

    /// <summary>A disk of shards; <see cref="DiskIdentity.Number"/> is its storage id.</summary>
    Storage = 2,
}

/// <summary>Who a data path is.</summary>
/// <param name="ClusterId">The cluster.</param>
/// <param name="Kind">Replica or storage.</param>
/// <param name="Number">Node number of a replica, storage id of a disk.</param>
/// <param name="DiskUuid">Random, made with the file; names this very disk.</param>
/// <param name="Incarnation">Counts the lives of a replica: an emptied one returns under a new incarnation.</param>
/// <param name="Boots">Starts so far; behind what Raft has seen, the disk was restored from an older copy.</param>
public sealed record DiskIdentity(Guid ClusterId, IdentityKind Kind, uint Number, Guid DiskUuid, ulong Incarnation, ulong Boots);

/// <summary>Why an identity file was refused.</summary>
public enum IdentityFault
{
    /// <summary>Wrong length, magic or checksum.</summary>
    Damaged,

    /// <summary>Written by a newer program.</summary>
    UnknownFormat,

    /// <summary>The disk belongs to another cluster.</summary>
    ForeignCluster,

    /// <summary>A replica's path given as storage, or the other way round.</summary>
    WrongKind,

    /// <summary>Another node number or storage id.</summary>
    WrongNumber,
}

/// <summary>A data path that may not be used as what the configuration says it is. The message says what to do.</summary>
public sealed class IdentityException(IdentityFault fault, string message) : IOException(message)
{
    /// <summary>Why.</summary>
    public IdentityFault Fault { get; } = fault;
}

/// <summary>
/// The file <c>identity</c> at the top of every data path, which keeps foreign, swapped and restored disks out.
/// <code>
/// offset size  field (big-endian)
///      0    8  magic "PREDAIDN"
///      8    4  format, 1
///     12    4  kind, 1 replica, 2 storage
///     16   16  cluster id
///     32    4  number: node number or storage id
///     36    4  reserved, 0
///     40   16  disk uuid
///     56    8  incarnation
///     64    8  boots
///     72    4  CRC32C of bytes 0..71
/// </code>
/// </summary>
public static class IdentityFile
{
    /// <summary>Name of the file in the data path.</summary>
    public const string Name = "identity";

    /// <summary>Size of the file in bytes.</summary>
    public const int Bytes = 76;

    /// <summary>Format written.</summary>
    public const uint Format = 1;

    private static ReadOnlySpan<byte> Magic => "PREDAIDN"u8;

    /// <summary>The identity in a data path, or null if it holds none.</summary>
    /// <exception cref="IdentityException">The file is there and cannot be trusted.</exception>
    public static DiskIdentity? TryRead(IDisk disk, string dataPath)
    {
        var path = Path.Combine(dataPath, Name);
        return disk.Exists(path) ? Decode(ReadBytes(disk, path), path) : null;
    }

    /// <summary>
    /// The identity in a data path, checked against what the configuration expects there; null if the path holds none.
    /// </summary>
    /// <exception cref="IdentityException">Damaged, or the disk is another one.</exception>
    public static DiskIdentity? TryRead(IDisk disk, string dataPath, Guid clusterId, IdentityKind kind, uint number)
    {
        if (TryRead(disk, dataPath) is not { } found)
            return null;
        if (found.ClusterId != clusterId)
        {
            throw new IdentityException(IdentityFault.ForeignCluster,
                $"{dataPath} belongs to cluster {found.ClusterId}, this one is {clusterId}: give this node its own path");
        }
        if (found.Kind != kind)
        {
            throw new IdentityException(IdentityFault.WrongKind,
                $"{dataPath} belongs to a {Describe(found.Kind)}, the configuration wants a {Describe(kind)} there: correct the path");
        }
        if (found.Number != number)
        {
            throw new IdentityException(IdentityFault.WrongNumber,
                $"{dataPath} is {Describe(kind)} {found.Number}, the configuration says {number}: correct the path or the id");
        }
        return found;
    }

    /// <summary>Writes the identity durably, replacing an older one atomically; creates the data path if missing.</summary>
    public static void Write(IDisk disk, string dataPath, DiskIdentity identity)
    {
        disk.CreateDurableDirectory(dataPath);
        disk.ReplaceFile(Path.Combine(dataPath, Name), Encode(identity));
    }

    /// <summary>The bytes of the file.</summary>
    public static byte[] Encode(DiskIdentity identity)
    {
        var bytes = new byte[Bytes];
        var span = bytes.AsSpan();
        Magic.CopyTo(span);
        BinaryPrimitives.WriteUInt32BigEndian(span[8..], Format);
        BinaryPrimitives.WriteUInt32BigEndian(span[12..], (uint)identity.Kind);
        identity.ClusterId.TryWriteBytes(span[16..], bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32BigEndian(span[32..], identity.Number);
        identity.DiskUuid.TryWriteBytes(span[40..], bigEndian: true, out _);
        BinaryPrimitives.WriteUInt64BigEndian(span[56..], identity.Incarnation);
        BinaryPrimitives.WriteUInt64BigEndian(span[64..], identity.Boots);
        BinaryPrimitives.WriteUInt32BigEndian(span[72..], Crc32C.Of(span[..72]));
        return bytes;
    }

    /// <summary>Reads the bytes of a file; <paramref name="path"/> is for messages.</summary>
    /// <exception cref="IdentityException">Damaged, or of a newer format.</exception>
    public static DiskIdentity Decode(ReadOnlySpan<byte> bytes, string path)
    {
        if (bytes.Length < 12 || !bytes[..8].SequenceEqual(Magic))
            throw Damaged(path, "it is not an identity file");
        var format = BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]);
        if (format > Format)
        {
            throw new IdentityException(IdentityFault.UnknownFormat,
                $"{path} has format {format}, this program knows up to {Format}: run the newer version");
        }
        if (bytes.Length != Bytes || format == 0)
            throw Damaged(path, $"{bytes.Length} bytes of format {format}, expected {Bytes} of format {Format}");
        if (BinaryPrimitives.ReadUInt32BigEndian(bytes[72..]) != Crc32C.Of(bytes[..72]))
            throw Damaged(path, "its checksum is wrong");
        var kind = (IdentityKind)BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]);
        if (kind is not (IdentityKind.Replica or IdentityKind.Storage))
            throw Damaged(path, $"unknown kind {(uint)kind}");
        return new DiskIdentity(
            new Guid(bytes.Slice(16, 16), bigEndian: true),
            kind,
            BinaryPrimitives.ReadUInt32BigEndian(bytes[32..]),
            new Guid(bytes.Slice(40, 16), bigEndian: true),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[56..]),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[64..]));
    }

    private static byte[] ReadBytes(IDisk disk, string path)
    {
        try
        {
            return disk.ReadFile(path, 4096);
        }
        catch (InvalidDataException e)
        {
            throw Damaged(path, e.Message);
        }
    }

    private static string Describe(IdentityKind kind) => kind == IdentityKind.Replica ? "metadata replica" : "storage disk";

    private static IdentityException Damaged(string path, string why) => new(IdentityFault.Damaged,
        $"{path} is damaged ({why}): restore the disk from its own copy, or empty the path to have it rebuilt");
}
