using Predastore.Shards.Crypto;
using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;

namespace Predastore.Shards.Segments;

/// <content>Look-ups and listings. They take no lock that a sync is waited for under.</content>
public sealed partial class SegmentStore
{
    // A row moves under a reader only when compaction swaps it, which is rarer than any look-up.
    private const int OpenTriesMax = 16;

    /// <summary>
    /// Opens a committed shard: the attempt asked for, or the newest. Null if there is none, or if its segment is missing.
    /// </summary>
    /// <exception cref="IOException">The index cannot be read.</exception>
    public ShardReader? TryOpenRead(ShardKey shard, Guid? attemptId = null)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        for (var attempt = 0; attempt < OpenTriesMax; attempt++)
        {
            var moved = false;
            foreach (var row in Find(shard, attemptId))
            {
                if (TryAcquire(row) is not { } segments)
                {
                    moved |= Changed(row);
                    continue;
                }
                // Deleted or moved between the look-up and the acquisition: the range may be punched out already.
                if (!Changed(row))
                    return new ShardReader(row, segments);
                Release(segments);
                moved = true;
            }
            if (!moved)
                return null;
        }
        throw new StoreException($"shard {shard} kept moving while it was opened");
    }

    /// <summary>The newest committed attempt, or null.</summary>
    public ShardRow? Stat(ShardKey shard) => Find(shard, null).FirstOrDefault()?.Shard;

    /// <summary>
    /// A page of the index, every attempt, in order of (objectHash, shardIndex, attempt id).
    /// </summary>
    /// <param name="from">First object hash, inclusive.</param>
    /// <param name="to">Last object hash, inclusive.</param>
    /// <param name="cursor">Empty to begin, then <see cref="ShardPage.Next"/>.</param>
    /// <param name="limit">Rows at most, at least 1.</param>
    /// <exception cref="ArgumentException">The cursor is not one of this listing.</exception>
    public ShardPage Scan(ObjectHash from, ObjectHash to, ReadOnlyMemory<byte> cursor, int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        var first = IndexRow.KeyPrefix(new ShardKey(from, 0));
        if (cursor.Length != 0)
        {
            if (cursor.Length != IndexRow.ShardKeyBytes || cursor.Span[0] != IndexRow.ShardPrefix
                || cursor.Span.SequenceCompareTo(first) < 0)
            {
                throw new ArgumentException("the cursor does not belong to this listing", nameof(cursor));
            }
            first = cursor.ToArray();
        }
        var rows = new List<ShardRow>();
        using var view = _index.View();
        using var at = view.Cursor();
        for (at.Seek(first); at.Valid && at.Key[0] == IndexRow.ShardPrefix; at.Next())
        {
            var row = IndexRow.Decode(at.Key, at.Value);
            if (row.Shard.Key.ObjectHash > to)
                break;
            if (rows.Count == limit)
                return new ShardPage(rows, at.Key.ToArray());
            rows.Add(row.Shard);
        }
        return new ShardPage(rows, ReadOnlyMemory<byte>.Empty);
    }

    /// <summary>Rows of a shard, newest first.</summary>
    private List<IndexRow> Find(ShardKey shard, Guid? attemptId)
    {
        var rows = new List<IndexRow>(1);
        if (attemptId is { } attempt)
        {
            var key = IndexRow.Key(shard, attempt);
            if (_index.Get(key) is { } value)
                rows.Add(IndexRow.Decode(key, value));
            return rows;
        }
        var prefix = IndexRow.KeyPrefix(shard);
        using var view = _index.View();
        using var at = view.Cursor();
        for (at.Seek(prefix); at.Valid && at.Key.StartsWith(prefix); at.Next())
            rows.Add(IndexRow.Decode(at.Key, at.Value));
        rows.Sort((a, b) => b.CommitSequence.CompareTo(a.CommitSequence));
        return rows;
    }

    private bool Changed(IndexRow row) =>
        _index.Get(IndexRow.Key(row.Shard.Key, row.Shard.AttemptId)) is not { } value || !value.AsSpan().SequenceEqual(row.Value());

    private Segment[]? TryAcquire(IndexRow row)
    {
        var segments = new Segment[row.Extents.Count];
        for (var i = 0; i < segments.Length; i++)
        {
            if (_segments.TryGetValue(row.Extents[i].Segment, out var segment) && segment.TryAcquire())
            {
                segments[i] = segment;
                continue;
            }
            Release(segments.AsSpan(0, i));
            return null;
        }
        return segments;
    }

    private static void Release(ReadOnlySpan<Segment> segments)
    {
        foreach (var segment in segments)
            segment.Release();
    }
}
