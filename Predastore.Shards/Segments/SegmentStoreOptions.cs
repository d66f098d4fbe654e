namespace Predastore.Shards.Segments;

/// <summary>Which disk a store is, and its limits.</summary>
/// <param name="Directory">The data path of the storage id; segments and index are made below it.</param>
/// <param name="ClusterId">The cluster.</param>
/// <param name="StorageId">The storage id.</param>
/// <param name="DiskUuid">From the identity file.</param>
public sealed record SegmentStoreOptions(string Directory, Guid ClusterId, uint StorageId, Guid DiskUuid)
{
    /// <summary>Sealed bytes in one extent at most; a longer shard has several.</summary>
    public long ExtentBytesMax { get; init; } = 256L << 20;

    /// <summary>A segment is closed before it grows past this, in bytes.</summary>
    public long SegmentBytesMax { get; init; } = 4L << 30;

    /// <summary>
    /// Room given to a shard at first, in bytes; less if its declared size is less. Later steps double what it has written, so
    /// that an upload which stalls holds at most about as much unused room as it sent.
    /// </summary>
    public long FirstStepBytes { get; init; } = 4L << 20;

    /// <summary>Largest later step, in bytes.</summary>
    public long StepBytesMax { get; init; } = 64L << 20;

    /// <summary>Blocks are reserved this far ahead of the last extent, in bytes; 0 reserves only what is needed.</summary>
    public long PreallocateBytes { get; init; } = 8L << 20;

    /// <summary>Dead ranges shorter than this are left to compaction instead of being punched out, in bytes.</summary>
    public long PunchBytesMin { get; init; } = 16L << 10;

    /// <summary>Segments with a smaller live share are compacted, in percent.</summary>
    public int CompactBelowLivePercent { get; init; } = 70;

    /// <summary>Below this share of free space the store asks for compaction, in percent.</summary>
    public int LowSpacePercent { get; init; } = 15;

    /// <summary>Below this share of free space the store takes no new shards, in percent.</summary>
    public int FullSpacePercent { get; init; } = 5;

    /// <summary>Shards being written at once, at most.</summary>
    public int ReservationsMax { get; init; } = 4096;
}

/// <summary>Free space as the store sees it.</summary>
public enum SpaceState
{
    /// <summary>Enough.</summary>
    Normal,

    /// <summary>Compaction should run and the node should say so.</summary>
    Low,

    /// <summary>New shards are refused; deletes still work.</summary>
    Full,
}

/// <summary>Tells whether the sealed bytes of a shard are what was sealed. Given by who holds the keys.</summary>
public interface IExtentVerifier
{
    /// <summary>Whether every tag of the shard's bytes opens. Called from the thread that compacts or rebuilds.</summary>
    ExtentVerdict Verify(Protocol.ShardRow shard, ShardReader reader);
}

/// <summary>What an <see cref="IExtentVerifier"/> found.</summary>
public enum ExtentVerdict
{
    /// <summary>The bytes are what was sealed.</summary>
    Whole,

    /// <summary>They are not, or nobody can tell any more.</summary>
    Damaged,

    /// <summary>Whoever has the keys does not answer now: to be asked again.</summary>
    Unknown,
}
