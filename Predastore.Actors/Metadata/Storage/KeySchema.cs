using System.Buffers.Binary;
using System.Text;

namespace Predastore.Actors.Metadata.Storage;

/// <summary>
/// Keys of the metadata database. One ordered map holds every table; the first byte names the table. All numbers are big-endian,
/// so that byte order is number order. Values are protobuf rows of metadata.proto unless the table says otherwise.
/// </summary>
/// <remarks>
/// <code>
/// 00 01                                             schema version   -> 4 B
/// 00 02                                             applied          -> index 8, term 8
/// 00 03                                             counters         -> Counters
/// 00 04                                             cluster          -> ClusterRow
/// 10 name                                           bucket           -> BucketRow
/// 11 bucket 8                                       bucket by id     -> name, UTF-8
/// 20 bucket 8, key*, position 12 inverted           version          -> VersionRow (newest of a key first)
/// 21 bucket 8, key*                                 null version     -> position 12
/// 22 upload id 16                                   upload           -> UploadRow
/// 23 bucket 8, key*, upload id 16                   open upload      -> created_ms 8
/// 24 upload id 16, part number 4                    part             -> PartRow
/// 25 upload id 16, offset 8, part number 4          part by offset   -> empty (completed uploads only)
/// 30 data id 32                                     data             -> DataRow
/// 31 object hash 32                                 alias            -> data id 32 (only where the hash is not the data id)
/// 32 partition 1, index 8, id                       garbage          -> GarbageRow
/// 33 object hash 32                                 garbage by hash  -> the garbage key
/// 34 data id 32                                     heal             -> HealRow
/// 40 session 4                                      session          -> SessionRow
/// 41 session 4, counter 4                           result           -> CommandResult
/// 50 epoch 8                                        ring             -> RingRow
/// 51 storage id 4                                   storage          -> StorageRow
/// 52 storage id 4                                   storage use      -> data rows that name it, 8 B
/// 53 node 4, incarnation 8                          replica          -> ReplicaRow
///
/// key* = UTF-8 of the key with 00 -> 00 FF, then the terminator 00 01: the raw byte order of keys holds, and a key never
///        runs into what follows it. FF never occurs in UTF-8, so a search for escaped text cannot match misaligned.
/// partition = the top six bits of the id's first byte.
/// </code>
/// </remarks>
public static partial class KeySchema
{
    /// <summary>Version of this layout; a database of another one is not opened.</summary>
    public const uint Version = 1;

    /// <summary>Number of partitions that maintenance cuts data ids into.</summary>
    public const int Partitions = 64;

    internal const byte MetaTable = 0x00;
    internal const byte BucketTable = 0x10;
    internal const byte BucketIdTable = 0x11;
    internal const byte VersionTable = 0x20;
    internal const byte NullVersionTable = 0x21;
    internal const byte UploadTable = 0x22;
    internal const byte OpenUploadTable = 0x23;
    internal const byte PartTable = 0x24;
    internal const byte PartOffsetTable = 0x25;
    internal const byte DataTable = 0x30;
    internal const byte AliasTable = 0x31;
    internal const byte GarbageTable = 0x32;
    internal const byte GarbageHashTable = 0x33;
    internal const byte HealTable = 0x34;
    internal const byte SessionTable = 0x40;
    internal const byte ResultTable = 0x41;
    internal const byte RingTable = 0x50;
    internal const byte StorageTable = 0x51;
    internal const byte StorageUseTable = 0x52;
    internal const byte ReplicaTable = 0x53;

    /// <summary>The row that holds <see cref="Version"/>.</summary>
    public static byte[] SchemaVersion { get; } = [MetaTable, 1];

    /// <summary>The row that holds the applied log position.</summary>
    public static byte[] Applied { get; } = [MetaTable, 2];

    /// <summary>The row of the counters.</summary>
    public static byte[] Counters { get; } = [MetaTable, 3];

    /// <summary>The row of the cluster.</summary>
    public static byte[] Cluster { get; } = [MetaTable, 4];

    /// <summary>Key of a bucket.</summary>
    public static byte[] Bucket(string name) => [BucketTable, .. Encoding.UTF8.GetBytes(name)];

    /// <summary>Key that finds the name of a bucket id.</summary>
    public static byte[] BucketById(ulong id)
    {
        byte[] key = new byte[9];
        key[0] = BucketIdTable;
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(1), id);
        return key;
    }

    /// <summary>Key of a data row.</summary>
    public static byte[] Data(ReadOnlySpan<byte> dataId) => [DataTable, .. dataId];

    /// <summary>Key of the alias of a rewritten object's hash.</summary>
    public static byte[] Alias(ReadOnlySpan<byte> objectHash) => [AliasTable, .. objectHash];

    /// <summary>Key of a garbage row.</summary>
    public static byte[] Garbage(ulong index, ReadOnlySpan<byte> id)
    {
        byte[] key = new byte[10 + id.Length];
        key[0] = GarbageTable;
        key[1] = (byte)PartitionOf(id);
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(2), index);
        id.CopyTo(key.AsSpan(10));
        return key;
    }

    /// <summary>Prefix of a partition's garbage.</summary>
    public static byte[] GarbagePartition(int partition) => [GarbageTable, (byte)partition];

    /// <summary>Key that finds the garbage row of an object hash.</summary>
    public static byte[] GarbageByHash(ReadOnlySpan<byte> objectHash) => [GarbageHashTable, .. objectHash];

    /// <summary>Key of a heal row.</summary>
    public static byte[] Heal(ReadOnlySpan<byte> dataId) => [HealTable, .. dataId];

    /// <summary>First key of a partition in a table keyed by data id.</summary>
    internal static byte[] PartitionStart(byte table, int partition) => [table, (byte)(partition << 2)];

    /// <summary>First key after a partition in a table keyed by data id.</summary>
    internal static byte[] PartitionEnd(byte table, int partition) =>
        partition == Partitions - 1 ? [(byte)(table + 1)] : [table, (byte)((partition + 1) << 2)];

    /// <summary>Partition of a data id or upload id: the top six bits of its first byte.</summary>
    public static int PartitionOf(ReadOnlySpan<byte> id) => id.IsEmpty ? 0 : id[0] >> 2;

    /// <summary>Key of a session.</summary>
    public static byte[] Session(uint id) => Number(SessionTable, id);

    /// <summary>Key of a kept result.</summary>
    public static byte[] Result(ulong writeId)
    {
        byte[] key = new byte[9];
        key[0] = ResultTable;
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(1), writeId);
        return key;
    }

    /// <summary>Prefix of a session's results.</summary>
    public static byte[] Results(uint session) => Number(ResultTable, session);

    /// <summary>Key of a ring epoch.</summary>
    public static byte[] Ring(ulong epoch)
    {
        byte[] key = new byte[9];
        key[0] = RingTable;
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(1), epoch);
        return key;
    }

    /// <summary>Key of a storage id.</summary>
    public static byte[] Storage(uint id) => Number(StorageTable, id);

    /// <summary>Key of the number of data rows that name a storage id.</summary>
    public static byte[] StorageUse(uint id) => Number(StorageUseTable, id);

    /// <summary>Key of a replica.</summary>
    public static byte[] Replica(uint node, ulong incarnation)
    {
        byte[] key = new byte[13];
        key[0] = ReplicaTable;
        BinaryPrimitives.WriteUInt32BigEndian(key.AsSpan(1), node);
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(5), incarnation);
        return key;
    }

    /// <summary>Prefix of a node's replicas.</summary>
    public static byte[] Replicas(uint node) => Number(ReplicaTable, node);

    /// <summary>The first key after every key that starts with <paramref name="prefix"/>.</summary>
    public static byte[] After(ReadOnlySpan<byte> prefix)
    {
        byte[] end = prefix.ToArray();
        int last = end.Length - 1;
        while (last >= 0 && end[last] == 0xFF) last--;
        if (last < 0) return [.. prefix, 0xFF];
        end[last]++;
        return end[..(last + 1)];
    }

    private static byte[] Number(byte table, uint number)
    {
        byte[] key = new byte[5];
        key[0] = table;
        BinaryPrimitives.WriteUInt32BigEndian(key.AsSpan(1), number);
        return key;
    }
}
