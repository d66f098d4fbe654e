namespace Predastore.Shards.Striping;

/// <summary>Consecutive stripe or fragment numbers: [First, First + Count).</summary>
public readonly record struct IndexRange(long First, long Count)
{
    /// <summary>One past the last.</summary>
    public long End => First + Count;
}
