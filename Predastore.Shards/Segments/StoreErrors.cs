namespace Predastore.Shards.Segments;

/// <summary>A failure of a <see cref="SegmentStore"/>.</summary>
public class StoreException : IOException
{
    /// <summary>Makes the error.</summary>
    public StoreException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}

/// <summary>The disk has no room for new shards; deletes and compaction still run.</summary>
public sealed class StoreFullException(string message, Exception? inner = null) : StoreException(message, inner);

/// <summary>Too many shards are being written at once.</summary>
public sealed class StoreBusyException(string message) : StoreException(message);

/// <summary>
/// A sync of a segment failed, so what was written to it and not yet committed is lost. The shard has to be written anew.
/// </summary>
public sealed class SegmentFencedException(string message, Exception? inner = null) : StoreException(message, inner);

/// <summary>A committed extent is not as it was written: its header is damaged, or its segment ends before it does.</summary>
public sealed class ExtentDamagedException(string message) : StoreException(message);

/// <summary>The index failed; the store takes no writes until it is opened anew.</summary>
public sealed class StoreFailedException(string message, Exception? inner = null) : StoreException(message, inner);

/// <summary>The index is missing or damaged while segments are there: a rebuild makes a new one.</summary>
public sealed class IndexLostException(string message, Exception? inner = null) : StoreException(message, inner);
