using Predastore.Shards.Disk;

namespace Predastore.Shards.Segments;

/// <content>Free space: below the first limit the store asks for compaction, below the second it refuses new shards.</content>
public sealed partial class SegmentStore
{
    // While there is room, the file system is asked once in so many reservations.
    private const int ChecksPerRefresh = 32;

    private SpaceState _space;
    private DiskSpace _lastSpace;
    private int _checksLeft;

    /// <summary>Asks the file system how full it is.</summary>
    public SpaceState RefreshSpace()
    {
        lock (_gate)
        {
            var space = _lastSpace = _disk.Space(_options.Directory);
            _checksLeft = ChecksPerRefresh;
            // Compared as products: a share in whole percent would round the limits.
            return _space = space.FreeBytes * 100.0 < (double)space.TotalBytes * _options.FullSpacePercent ? SpaceState.Full
                : space.FreeBytes * 100.0 < (double)space.TotalBytes * _options.LowSpacePercent ? SpaceState.Low
                : SpaceState.Normal;
        }
    }

    /// <summary>Notes that the file system refused room.</summary>
    internal StoreFullException Full(Exception e)
    {
        // Asks again at the next reservation, so that writes resume as soon as something was freed.
        lock (_gate)
            _checksLeft = 0;
        return new StoreFullException($"storage {_options.StorageId} is full: {e.Message}", e);
    }

    private void CheckSpace()
    {
        if (_space != SpaceState.Normal || --_checksLeft < 0)
            RefreshSpace();
        if (_space == SpaceState.Full)
        {
            throw new StoreFullException(
                $"storage {_options.StorageId} has {_lastSpace.FreeBytes} of {_lastSpace.TotalBytes} bytes free, "
                + $"less than {_options.FullSpacePercent} %: delete objects or add storage");
        }
    }
}
