using System.Buffers.Binary;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Raft.Journal;

/// <summary>
/// How far the journal was synced for certain, in a file of its own beside the database's. RocksDB takes a log whose end is cut off or zeros
/// for one that a crash tore, and goes on without what stood there: without this number a replica would forget votes and entries that it
/// has answered for. The file itself is not synced: after a power cut it names fewer batches than there are, never more.
/// <code>
/// two slots at 0 and 512, written in turn, so that a torn write leaves the other; big-endian
/// offset size  field
///      0    8  magic "PREDASYN"
///      8    4  format, 1
///     12    8  batches of the journal that were synced
///     20    4  CRC-32C of everything before
/// </code>
/// Not thread-safe.
/// </summary>
internal sealed class JournalEnd : IDisposable
{
    /// <summary>Name in the journal's folder; none that RocksDB takes for its own.</summary>
    public const string FileName = "synced";

    private const uint Format = 1;
    private const int SlotBytes = 512;
    private const int Slots = 2;
    private const int RecordBytes = 24;

    private readonly IDiskFile _file;

    private JournalEnd(IDiskFile file) => _file = file;

    private static ReadOnlySpan<byte> Magic => "PREDASYN"u8;

    /// <summary>Opens the file of a journal, and makes that of a new one durable.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="folder">The journal's.</param>
    /// <param name="batches">How many the database holds.</param>
    /// <exception cref="JournalDamagedException">The database holds less than was synced, or nobody can tell.</exception>
    public static JournalEnd Open(IDisk disk, string folder, long batches)
    {
        string path = Path.Combine(folder, FileName);
        if (!disk.Exists(path))
        {
            if (batches > 0)
                throw new JournalDamagedException($"{path} is missing, which says how far it was synced");
            byte[] slots = new byte[Slots * SlotBytes];
            for (int slot = 0; slot < Slots; slot++)
                Encode(0, slots.AsSpan(slot * SlotBytes));
            disk.ReplaceFile(path, slots);
        }

        IDiskFile file = disk.Open(path, DiskOpenMode.Existing);
        try
        {
            long synced = Read(file) ?? throw new JournalDamagedException($"{path} is damaged, which says how far it was synced");
            return batches >= synced
                ? new JournalEnd(file)
                : throw new JournalDamagedException($"it ends after batch {batches}, and {synced} were synced");
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Notes that so many batches are synced.</summary>
    public void Advance(long batches)
    {
        Span<byte> record = stackalloc byte[RecordBytes];
        Encode(batches, record);
        try
        {
            _file.Write(batches % Slots * SlotBytes, record);
        }
        catch (IOException)
        {
            // It goes on to name an earlier batch, which is true as well.
        }
    }

    public void Dispose() => _file.Dispose();

    private static void Encode(long batches, Span<byte> record)
    {
        Magic.CopyTo(record);
        BinaryPrimitives.WriteUInt32BigEndian(record[8..], Format);
        BinaryPrimitives.WriteInt64BigEndian(record[12..], batches);
        BinaryPrimitives.WriteUInt32BigEndian(record[20..], Crc32C.Of(record[..20]));
    }

    private static long? Read(IDiskFile file)
    {
        long? newest = null;
        Span<byte> record = stackalloc byte[RecordBytes];
        for (int slot = 0; slot < Slots; slot++)
        {
            if (file.Read(slot * SlotBytes, record) == RecordBytes && record.StartsWith(Magic)
                && BinaryPrimitives.ReadUInt32BigEndian(record[8..]) == Format
                && BinaryPrimitives.ReadUInt32BigEndian(record[20..]) == Crc32C.Of(record[..20]))
                newest = Math.Max(newest ?? 0, BinaryPrimitives.ReadInt64BigEndian(record[12..]));
        }

        return newest;
    }
}
