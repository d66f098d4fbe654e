using RocksDbSharp;

namespace Predastore.Shards.Disk;

/// <summary>
/// Opens RocksDB databases with bounded memory: block cache (which also holds indexes and filters) plus at most
/// <see cref="MemtablesMax"/> in-memory tables. A torn tail of the write-ahead log is cut off, as a crash leaves one; any
/// other damage refuses to open.
/// </summary>
public sealed class RocksKvFactory : IOrderedKvFactory
{
    /// <summary>In-memory tables at most: one taking writes, the rest being written out.</summary>
    public const int MemtablesMax = 2;

    private const int OpenFilesMax = 256;
    private const int BloomBitsPerKey = 10;
    private const ulong InfoLogBytesMax = 4 << 20;

    private readonly IDisk _disk;

    /// <summary>A factory on the real disk.</summary>
    public RocksKvFactory() : this(new FileDisk())
    {
    }

    /// <summary>A factory that makes directories durable through <paramref name="disk"/>, which must be the real one.</summary>
    public RocksKvFactory(IDisk disk) => _disk = disk;

    /// <inheritdoc/>
    /// <exception cref="KvException">With the kind of failure.</exception>
    public IOrderedKv Open(string directory, OrderedKvOptions options)
    {
        _disk.DeleteDirectory(DyingOf(directory));
        // RocksDB syncs its own directory but not the ones above it: without this a power cut loses the whole database.
        _disk.CreateDurableDirectory(directory);
        var cache = Cache.CreateLru((ulong)options.BlockCacheBytes);
        var filter = BloomFilterPolicy.Create(BloomBitsPerKey, false);
        var table = new BlockBasedTableOptions()
            .SetBlockCache(cache)
            .SetFilterPolicy(filter)
            .SetCacheIndexAndFilterBlocks(true)
            .SetPinL0FilterAndIndexBlocksInCache(true)
            .SetIndexType(BlockBasedTableIndexType.TwoLevelIndex);
        // In one piece, the filter or index of a large table is larger than a shard of the cache and is read again for every lookup.
        Native.Instance.rocksdb_block_based_options_set_partition_filters(table.Handle, 1);
        var native = new DbOptions()
            .SetCreateIfMissing(true)
            .SetParanoidChecks(true)
            .SetWalRecoveryMode(Recovery.TolerateCorruptedTailRecords)
            .SetBlockBasedTableFactory(table)
            .SetCompression(Compression.Lz4)
            .SetWriteBufferSize((ulong)options.MemtableBytes)
            .SetMaxWriteBufferNumber(MemtablesMax)
            .SetMaxTotalWalSize((ulong)options.MemtableBytes * 4)
            .SetMaxOpenFiles(OpenFilesMax)
            .SetMaxBackgroundFlushes(1)
            .SetMaxBackgroundCompactions(1)
            .SetLevelCompactionDynamicLevelBytes(true)
            .SetInfoLogLevel(InfoLogLevel.Warn)
            .SetMaxLogFileSize(InfoLogBytesMax)
            .SetKeepLogFileNum(2)
            .SetStatsDumpPeriodSec(0);
        try
        {
            return new RocksKv(RocksDb.Open(native, directory), options.WriteAheadLog, (native, table, cache, filter));
        }
        catch (RocksDbException e)
        {
            throw Typed($"open of {directory}", e);
        }
    }

    /// <inheritdoc/>
    public void Delete(string directory)
    {
        var dying = DyingOf(directory);
        _disk.DeleteDirectory(dying);
        if (!_disk.Exists(directory))
            return;
        // Out of the way first, durably: of a half-deleted database the log may be gone and the rest open as an older state.
        _disk.Rename(directory, dying);
        if (Path.GetDirectoryName(Path.GetFullPath(directory)) is { } parent)
            _disk.SyncDirectory(parent);
        _disk.DeleteDirectory(dying);
    }

    // Where a database stands while it is deleted.
    private static string DyingOf(string directory) => Path.TrimEndingDirectorySeparator(directory) + ".deleting";

    /// <summary>Reads the kind of failure from RocksDB's message, which is all that its C interface gives.</summary>
    internal static KvException Typed(string what, RocksDbException e)
    {
        var message = e.Message;
        var failure =
            message.Contains("lock", StringComparison.OrdinalIgnoreCase)
                && message.Contains("LOCK", StringComparison.Ordinal) ? KvFailure.Locked
            : message.Contains("No space left", StringComparison.OrdinalIgnoreCase) ? KvFailure.NoSpace
            : message.StartsWith("Corruption", StringComparison.OrdinalIgnoreCase)
                || message.Contains("No such file", StringComparison.OrdinalIgnoreCase)
                || message.StartsWith("Invalid argument", StringComparison.OrdinalIgnoreCase) ? KvFailure.Damaged
            : KvFailure.Io;
        return new KvException(failure, $"key-value database, {what}: {message}", e);
    }
}
