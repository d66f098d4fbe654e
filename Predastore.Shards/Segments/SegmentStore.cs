using System.Collections.Concurrent;
using Predastore.Shards.Disk;

namespace Predastore.Shards.Segments;

/// <summary>
/// The shards of one storage id: segment files and their index. Invariants:
/// <list type="number">
/// <item>A shard is readable exactly if the index has its row, and a row is written only after its bytes, headers and files were
/// synced; what is acknowledged is both.</item>
/// <item>Room is handed out once. A segment that an earlier run wrote takes no new extents.</item>
/// <item>After a failed sync nothing of that segment is committed any more, and the sync is not tried again.</item>
/// <item>A file is unlinked, and a range punched out, only after no row names it; a range waits for the readers that have it open,
/// a file stays theirs without its name.</item>
/// </list>
/// All members may be called from any thread. <see cref="Commit"/>, <see cref="Delete"/> and the swaps of
/// compaction take turns; give them many requests at once, each call costs its syncs once. They block, on
/// purpose: run them where a thread may wait. Nothing else waits for a sync, except to open a new segment.
/// </summary>
public sealed partial class SegmentStore : IDisposable
{
    /// <summary>Folder of the segment files in the data path.</summary>
    public const string SegmentsFolder = "segments";

    /// <summary>Folder of the index in the data path.</summary>
    public const string IndexFolder = "index";

    private const string SegmentExtension = ".segment";

    private readonly IDisk _disk;
    private readonly WatchedIndex _index;
    private readonly SegmentStoreOptions _options;
    private readonly string _segmentsPath;
    private readonly ConcurrentDictionary<uint, Segment> _segments = new();

    // Short, in memory only, but for new segments and reserving blocks: allocation, accounting, reservations.
    private readonly Lock _gate = new();

    // Held over the syncs of whoever changes rows. Taken before the gate, never inside it.
    private readonly Lock _indexLock = new();

    private readonly Dictionary<ulong, ExtentWriter> _reservations = [];
    private Segment? _active;
    private uint _nextSegment = 1;
    private ulong _nextReservation = 1;
    private ulong _commitSequence;
    private long _shards;
    private volatile string? _failure;
    private int _disposed;

    private SegmentStore(IDisk disk, IOrderedKv index, SegmentStoreOptions options)
    {
        _disk = disk;
        _index = new WatchedIndex(index);
        _options = options;
        _segmentsPath = Path.Combine(options.Directory, SegmentsFolder);
    }

    /// <summary>What the open found; see <see cref="OpenReport"/>.</summary>
    public OpenReport Opened { get; private set; } = new(0, 0, 0, 0);

    /// <summary>Why the index has to be rebuilt, or null: a look-up met a damaged block since the store was opened.</summary>
    public string? IndexDamage => _index.Damage;

    /// <summary>Why the store takes no writes until it is opened anew, or null; its shards can be read all the while.</summary>
    public string? Failure => _failure;

    /// <summary>The writer of a live reservation, or null.</summary>
    public ExtentWriter? FindReservation(ulong id)
    {
        lock (_gate)
            return _reservations.GetValueOrDefault(id);
    }

    /// <summary>Numbers for status and metrics.</summary>
    public StoreStats Stats()
    {
        lock (_gate)
        {
            var all = _segments.Values;
            var live = all.Sum(s => s.LiveBytes);
            return new StoreStats(
                RefreshSpace(),
                _lastSpace,
                all.Count,
                all.Count(s => s.Fence is not null),
                live,
                all.Sum(s => s.Tail - SegmentHeader.Bytes) - live,
                _shards,
                _reservations.Count,
                _failure);
        }
    }

    /// <summary>Closes the files and the index once readers under way have ended. Open reservations are void.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        lock (_compactLock)
        lock (_indexLock)
        {
            _failure ??= "the store is closed";
            foreach (var segment in _segments.Values)
                segment.Retire(unlink: false);
            _index.Dispose();
        }
    }

    private void ThrowIfFailed()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        if (_failure is { } cause)
            throw new StoreFailedException($"storage {_options.StorageId} takes no writes until it is opened anew: {cause}");
    }

    private StoreFailedException Fail(string what, Exception e)
    {
        _failure ??= $"{what}: {e.Message}";
        return new StoreFailedException($"storage {_options.StorageId}, {what}: {e.Message}", e);
    }

    private string SegmentPath(uint number) => Path.Combine(_segmentsPath, $"{number:x8}{SegmentExtension}");
}

/// <summary>What <see cref="SegmentStore.Open"/> found.</summary>
/// <param name="Shards">Rows of the index.</param>
/// <param name="BrokenShards">Rows whose segment is missing or too short; they are not readable.</param>
/// <param name="SegmentsRemoved">Files without a live extent, deleted.</param>
/// <param name="SegmentsFenced">Files with a damaged header, to be copied out.</param>
public sealed record OpenReport(long Shards, long BrokenShards, int SegmentsRemoved, int SegmentsFenced);

/// <summary>Numbers of a store.</summary>
/// <param name="Space">How full the disk is.</param>
/// <param name="Disk">The same in bytes.</param>
/// <param name="Segments">Files.</param>
/// <param name="FencedSegments">Files whose sync failed or whose header is damaged.</param>
/// <param name="LiveBytes">Footprint of committed extents.</param>
/// <param name="DeadBytes">Handed out and not live: aborted, deleted, or being written.</param>
/// <param name="Shards">Committed shards, every attempt.</param>
/// <param name="Reservations">Shards being written.</param>
/// <param name="Failure">Why the store takes no writes, or null.</param>
public sealed record StoreStats(
    SpaceState Space, DiskSpace Disk, int Segments, int FencedSegments, long LiveBytes, long DeadBytes, long Shards, int Reservations,
    string? Failure);
