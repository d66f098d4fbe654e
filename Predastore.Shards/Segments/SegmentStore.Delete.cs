using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;

namespace Predastore.Shards.Segments;

/// <content>Deletion: rows first, durably, and only then the bytes. The other order would leave rows without bytes.</content>
public sealed partial class SegmentStore
{
    /// <summary>
    /// Deletes shards together, each one attempt or all of them, with one synced batch. Outcomes are in the order of the requests.
    /// </summary>
    public IReadOnlyList<DeleteOutcome> Delete(IReadOnlyList<ShardToDelete> shards)
    {
        ThrowIfFailed();
        var outcomes = new DeleteOutcome[shards.Count];
        var doomed = new Dictionary<(ShardKey, Guid), IndexRow>();
        lock (_indexLock)
        {
            var batch = new KvBatch();
            for (var i = 0; i < shards.Count; i++)
            {
                var rows = Find(shards[i].Key, shards[i].AttemptId);
                outcomes[i] = rows.Count == 0 ? DeleteOutcome.NotFound : DeleteOutcome.Deleted;
                foreach (var row in rows)
                {
                    if (doomed.TryAdd((row.Shard.Key, row.Shard.AttemptId), row))
                        DeleteRow(batch, row);
                }
            }
            if (doomed.Count == 0)
                return outcomes;
            try
            {
                _index.Write(batch, sync: true);
            }
            catch (IOException e)
            {
                Fail("deletion from the index", e);
                for (var i = 0; i < outcomes.Length; i++)
                    outcomes[i] = outcomes[i] == DeleteOutcome.Deleted ? DeleteOutcome.Failed : outcomes[i];
                return outcomes;
            }
            lock (_gate)
                _shards -= doomed.Count;
            foreach (var row in doomed.Values)
                Free(row.Extents);
        }
        return outcomes;
    }

    private static void DeleteRow(KvBatch batch, IndexRow row)
    {
        batch.Delete(IndexRow.Key(row.Shard.Key, row.Shard.AttemptId));
        foreach (var extent in row.Extents)
            batch.Delete(IndexRow.ExtentKey(extent.Segment, extent.Offset));
    }

    /// <summary>Accounts for extents that no row names any more, and gives their blocks back.</summary>
    private void Free(IEnumerable<ExtentLocation> extents)
    {
        foreach (var extent in extents)
        {
            if (!_segments.TryGetValue(extent.Segment, out var segment))
                continue;
            lock (_gate)
            {
                segment.LiveBytes -= extent.Footprint;
                segment.Stuck = false;
            }
            Punch(segment, extent.Offset, extent.Offset + extent.Footprint);
            RemoveIfEmpty(segment);
        }
    }
}
