namespace Predastore.Shards.Disk;

/// <summary>The file system (or a quota on it) has no room. Deletes may still work.</summary>
public sealed class DiskFullException : IOException
{
    /// <summary>Wraps the platform's error.</summary>
    public DiskFullException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}

/// <summary>Why a key-value database failed.</summary>
public enum KvFailure
{
    /// <summary>The medium failed, or the state after a failed write is unknown: reopen before trusting anything.</summary>
    Io,

    /// <summary>What is on disk contradicts itself. Repair means rebuilding it from elsewhere.</summary>
    Damaged,

    /// <summary>Another process, or another handle of this one, has it open.</summary>
    Locked,

    /// <summary>No room.</summary>
    NoSpace,

    /// <summary>An earlier write failed and this handle takes no more writes.</summary>
    Poisoned,
}

/// <summary>A failure of an <see cref="IOrderedKv"/>, with its kind.</summary>
public sealed class KvException : IOException
{
    /// <summary>Makes the error.</summary>
    public KvException(KvFailure failure, string message, Exception? inner = null) : base(message, inner) => Failure = failure;

    /// <summary>What kind of failure it is.</summary>
    public KvFailure Failure { get; }
}
