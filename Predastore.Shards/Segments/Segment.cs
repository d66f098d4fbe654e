using Predastore.Shards.Disk;

namespace Predastore.Shards.Segments;

/// <summary>
/// One open segment file. The fields of allocation are guarded by the store's gate; readers are counted here, because dead
/// ranges are punched out, and a retired file is closed, only when no reader is left.
/// </summary>
internal sealed class Segment
{
    // Beyond this, dead ranges wait for compaction instead of memory.
    private const int PendingPunchesMax = 1 << 16;

    private readonly IDisk _disk;
    private readonly Lock _sync = new();
    private readonly List<(long Offset, long Length)> _pendingPunches = [];
    private int _users;
    private bool _retired;

    public Segment(IDisk disk, uint number, string path, IDiskFile file)
    {
        _disk = disk;
        Number = number;
        Path = path;
        File = file;
    }

    /// <summary>Held while the file is synced. Taken before the gate.</summary>
    public Lock Syncing { get; } = new();

    public uint Number { get; }

    public string Path { get; }

    public IDiskFile File { get; }

    /// <summary>End of the last room handed out. Guarded by the gate.</summary>
    public long Tail { get; set; }

    /// <summary>End of the blocks reserved from the file system. Guarded by the gate.</summary>
    public long AllocatedEnd { get; set; }

    /// <summary>Footprint of committed extents. Guarded by the gate.</summary>
    public long LiveBytes { get; set; }

    /// <summary>Rooms handed out whose fate is open. Guarded by the gate.</summary>
    public int Reservations { get; set; }

    /// <summary>Takes no more extents. Guarded by the gate.</summary>
    public bool Sealed { get; set; }

    /// <summary>Compaction could not empty it; tried again after something in it was deleted. Guarded by the gate.</summary>
    public bool Stuck { get; set; }

    private volatile string? _fence;

    /// <summary>Why nothing new in it can be trusted, or null.</summary>
    public string? Fence => _fence;

    public void SetFence(string cause)
    {
        _fence ??= cause;
        Sealed = true;
    }

    public void ThrowIfFenced()
    {
        if (_fence is { } cause)
            throw new SegmentFencedException($"segment {Number:x8} is fenced: {cause}");
    }

    /// <summary>Begins a use of the file; false once it is retired.</summary>
    public bool TryAcquire()
    {
        lock (_sync)
        {
            if (_retired)
                return false;
            _users++;
            return true;
        }
    }

    public void Release()
    {
        List<(long, long)>? punches = null;
        lock (_sync)
        {
            if (--_users > 0)
                return;
            if (!_retired && _pendingPunches.Count > 0)
            {
                punches = [.. _pendingPunches];
                _pendingPunches.Clear();
                _users++;
            }
        }
        if (punches is not null)
        {
            foreach (var (offset, length) in punches)
                TryPunch(offset, length);
            Release();
            return;
        }
        CloseIfUnused();
    }

    /// <summary>Gives a dead range back to the file system, once the readers under way have closed.</summary>
    public void Punch(long offset, long length)
    {
        lock (_sync)
        {
            if (_retired)
                return;
            if (_users > 0)
            {
                if (_pendingPunches.Count < PendingPunchesMax)
                    _pendingPunches.Add((offset, length));
                return;
            }
            _users++;
        }
        TryPunch(offset, length);
        Release();
    }

    /// <summary>Unlinks the file if asked, and closes it when its last user has left.</summary>
    public void Retire(bool unlink)
    {
        lock (_sync)
        {
            if (_retired)
                return;
            _retired = true;
            _pendingPunches.Clear();
        }
        // Not left to the last reader: by then the store may have been opened anew over an index that names this file again.
        if (unlink)
            TryUnlink();
        CloseIfUnused();
    }

    private void TryUnlink()
    {
        try
        {
            _disk.DeleteFile(Path);
        }
        catch (IOException)
        {
            // Nothing refers to the file any more; the next open finds it without live extents and deletes it.
        }
    }

    private void CloseIfUnused()
    {
        lock (_sync)
        {
            if (!_retired || _users != 0)
                return;
            _users = int.MinValue;
        }
        File.Dispose();
    }

    private void TryPunch(long offset, long length)
    {
        try
        {
            File.PunchHole(offset, length);
        }
        catch (IOException)
        {
            // The range stays dead and allocated until compaction; no data depends on it.
        }
    }
}
