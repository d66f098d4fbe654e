using Predastore.Shards.Disk;

namespace Predastore.Actors.Metadata.Replica;

/// <summary>
/// Whether the disk of a replica has room for more metadata. Below the reserve only what frees something or keeps the cluster going is
/// taken: a full journal would stop the replica, and nobody could delete any more. Thread-safe.
/// </summary>
public sealed class MetadataSpace(IDisk disk, string folder, TimeProvider time)
{
    /// <summary>Share of the file system that is kept.</summary>
    public const double ReservePercent = 5;

    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private long? _asked;
    private bool _hasRoom = true;

    /// <summary>True while more than the reserve is free; at most two seconds old. A disk that cannot be asked has room.</summary>
    public bool HasRoom
    {
        get
        {
            lock (_gate)
            {
                if (_asked is { } last && time.GetElapsedTime(last) < Fresh)
                    return _hasRoom;
                _asked = time.GetTimestamp();
                try
                {
                    DiskSpace space = disk.Space(folder);
                    _hasRoom = space.FreeBytes * 100.0 >= space.TotalBytes * ReservePercent;
                }
                catch (IOException)
                {
                    // Its next write says what is wrong with it.
                    _hasRoom = true;
                }

                return _hasRoom;
            }
        }
    }

    /// <summary>True for commands that only add: uploads and buckets. Deleting, healing and membership are never refused.</summary>
    public static bool Grows(Command command) => command.OpCase is Command.OpOneofCase.PutVersion or Command.OpOneofCase.PutPart
        or Command.OpOneofCase.CreateUpload or Command.OpOneofCase.CompleteUpload or Command.OpOneofCase.CreateBucket;
}
