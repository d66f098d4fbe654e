namespace Predastore.Actors.Client;

/// <summary>Why the cluster could not answer.</summary>
public enum StoreFailure
{
    /// <summary>No quorum of metadata replicas or of storage ids right now: 503, retry.</summary>
    Unavailable,

    /// <summary>The deadline passed without a definite answer; the write may or may not take effect: 503, retry.</summary>
    Unknown,

    /// <summary>Storage ids are out of space: 507.</summary>
    Full,

    /// <summary>Fewer than K shards of the object can be read or opened: 500.</summary>
    Damaged,

    /// <summary>A bound of this node is reached (uploads, downloads, queues): 503 SlowDown.</summary>
    Busy,
}

/// <summary>The cluster could not answer.</summary>
public sealed class StoreException(StoreFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Why.</summary>
    public StoreFailure Failure { get; } = failure;
}
