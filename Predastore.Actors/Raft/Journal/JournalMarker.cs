using System.Buffers.Binary;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Raft.Journal;

/// <summary>
/// The row that says whose a journal is, while nobody else has the database open. RocksDB makes what is missing, so without it an
/// emptied journal would look like one that nothing was written to yet. Members throw <see cref="IOException"/> where it cannot be
/// opened.
/// </summary>
internal static class JournalMarker
{
    /// <summary>Marks a journal, durably.</summary>
    public static void Write(IOrderedKvFactory databases, string folder, ulong incarnation)
    {
        byte[] value = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(value, incarnation);
        using IOrderedKv database = Open(databases, folder);
        database.Write(new KvBatch().Put(JournalRows.MarkerKey, value), sync: true);
    }

    /// <summary>True if the journal bears the mark of this incarnation.</summary>
    public static bool IsOf(IOrderedKvFactory databases, string folder, ulong incarnation)
    {
        using IOrderedKv database = Open(databases, folder);
        return database.Get(JournalRows.MarkerKey) is { Length: 8 } value && BinaryPrimitives.ReadUInt64BigEndian(value) == incarnation;
    }

    /// <summary>True if nothing was ever written to the journal but a mark.</summary>
    public static bool IsUnused(IOrderedKvFactory databases, string folder)
    {
        using IOrderedKv database = Open(databases, folder);
        using IKvView view = database.View();
        using IKvCursor cursor = view.Cursor();
        cursor.Seek([]);
        if (cursor.Valid && cursor.Key.SequenceEqual(JournalRows.MarkerKey))
            cursor.Next();
        return !cursor.Valid;
    }

    private static IOrderedKv Open(IOrderedKvFactory databases, string folder)
        => databases.Open(folder, new OrderedKvOptions(WriteAheadLog: true));
}
