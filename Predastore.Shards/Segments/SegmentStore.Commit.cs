using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;

namespace Predastore.Shards.Segments;

/// <summary>Asks for a completed writer's shard to be made durable.</summary>
/// <param name="ReservationId"><see cref="ExtentWriter.Id"/>.</param>
/// <param name="Length">Sealed bytes the sender sent.</param>
/// <param name="Digest">First 16 bytes, big-endian, of SHA-256 over the shard's tags.</param>
public readonly record struct CommitRequest(ulong ReservationId, long Length, UInt128 Digest);

/// <summary>What became of a commit.</summary>
public enum CommitOutcome
{
    /// <summary>Durable and readable.</summary>
    Committed,

    /// <summary>No live, completed reservation of that id; nothing was stored.</summary>
    NoReservation,

    /// <summary>Another number of bytes arrived; nothing was stored and the reservation is gone.</summary>
    LengthMismatch,

    /// <summary>The shard has a row of this attempt already; that one stays.</summary>
    Duplicate,

    /// <summary>A disk failure; not acknowledged, and the shard has to be written anew.</summary>
    Failed,
}

/// <summary>Result of one <see cref="CommitRequest"/>.</summary>
/// <param name="Outcome">What became of it.</param>
/// <param name="Detail">For logs, if it failed.</param>
public readonly record struct CommitResult(CommitOutcome Outcome, string? Detail = null);

/// <content>When is a shard durable? After its segments' sync and its row's sync, both in here.</content>
public sealed partial class SegmentStore
{
    /// <summary>
    /// Makes shards durable together: headers, one sync of each segment touched, one synced batch of rows. A failed segment fails
    /// only the shards in it. Results are in the order of the requests; none is <see cref="CommitOutcome.Committed"/> before
    /// everything of it is on disk.
    /// </summary>
    public IReadOnlyList<CommitResult> Commit(IReadOnlyList<CommitRequest> requests)
    {
        var results = new CommitResult[requests.Count];
        var group = new List<Pending>(requests.Count);
        lock (_indexLock)
        {
            for (var i = 0; i < requests.Count; i++)
            {
                if (Admit(requests[i], i, out results[i]) is { } pending)
                    group.Add(pending);
            }
            WriteHeaders(group, results);
            SyncSegments(group, results);
            WriteRows(group, results);
        }
        return results;
    }

    private Pending? Admit(CommitRequest request, int position, out CommitResult result)
    {
        var writer = FindReservation(request.ReservationId);
        if (writer is null || !writer.TryBeginCommit())
        {
            result = new CommitResult(CommitOutcome.NoReservation);
            return null;
        }
        var pending = new Pending(position, writer);
        result = default;
        try
        {
            if (writer.Written != request.Length)
            {
                result = new CommitResult(CommitOutcome.LengthMismatch, $"{writer.Written} bytes arrived, {request.Length} were sent");
            }
            else if (_failure is { } failure)
            {
                result = new CommitResult(CommitOutcome.Failed, failure);
            }
            else if (_index.Get(IndexRow.Key(writer.Request.Shard, writer.Request.AttemptId)) is not null)
            {
                result = new CommitResult(CommitOutcome.Duplicate);
            }
            else
            {
                pending.Row = MakeRow(writer, request.Digest);
                return pending;
            }
        }
        catch (IOException e)
        {
            result = new CommitResult(CommitOutcome.Failed, e.Message);
        }
        Drop(pending);
        return null;
    }

    private IndexRow MakeRow(ExtentWriter writer, UInt128 digest)
    {
        var of = writer.Request;
        var shard = new ShardRow(of.Shard, of.AttemptId, of.WriteId, of.K, of.M, writer.Written, digest);
        return new IndexRow(
            shard,
            ++_commitSequence,
            [.. writer.Slots.Select(s => new ExtentLocation(s.Segment.Number, s.Offset, s.Length))]);
    }

    private void WriteHeaders(List<Pending> group, CommitResult[] results)
    {
        Span<byte> bytes = stackalloc byte[ExtentHeader.Bytes];
        for (var i = group.Count - 1; i >= 0; i--)
        {
            var pending = group[i];
            try
            {
                for (var part = 0; part < pending.Writer.Slots.Count; part++)
                {
                    var slot = pending.Writer.Slots[part];
                    slot.Segment.ThrowIfFenced();
                    new ExtentHeader(pending.Row.Shard, (uint)part, (uint)pending.Writer.Slots.Count, slot.Length,
                        pending.Row.CommitSequence).Encode(bytes);
                    slot.Segment.File.Write(slot.Offset, bytes);
                }
            }
            catch (IOException e)
            {
                Reject(group, i, results, e.Message);
            }
        }
    }

    private void SyncSegments(List<Pending> group, CommitResult[] results)
    {
        foreach (var segment in group.SelectMany(p => p.Writer.Slots).Select(s => s.Segment).Distinct().OrderBy(s => s.Number))
            TrySync(segment);
        for (var i = group.Count - 1; i >= 0; i--)
        {
            if (group[i].Writer.Slots.Select(s => s.Segment.Fence).FirstOrDefault(f => f is not null) is { } fence)
                Reject(group, i, results, fence);
        }
    }

    /// <summary>Syncs a segment, or fences it: which of its dirty pages the failed sync dropped is unknowable.</summary>
    private bool TrySync(Segment segment)
    {
        // One at a time: of two syncs of a file the kernel tells only one that a page was lost, and the other must not acknowledge.
        lock (segment.Syncing)
        {
            if (segment.Fence is not null)
                return false;
            if (Planted.Has(PlantedBug.SegmentNotSynced))
                return true;
            try
            {
                segment.File.Sync();
                return true;
            }
            catch (IOException) when (Planted.Has(PlantedBug.FailedSyncIgnored))
            {
                return true;
            }
            catch (IOException e)
            {
                lock (_gate)
                    segment.SetFence($"its sync failed: {e.Message}");
                return false;
            }
        }
    }

    private void WriteRows(List<Pending> group, CommitResult[] results)
    {
        if (group.Count == 0)
            return;
        var batch = new KvBatch();
        var keys = new HashSet<(ShardKey, Guid)>();
        for (var i = group.Count - 1; i >= 0; i--)
        {
            var row = group[i].Row;
            if (!keys.Add((row.Shard.Key, row.Shard.AttemptId)))
            {
                results[group[i].Position] = new CommitResult(CommitOutcome.Duplicate);
                Drop(group[i]);
                group.RemoveAt(i);
                continue;
            }
            PutRow(batch, row);
        }
        try
        {
            _index.Write(batch, sync: !Planted.Has(PlantedBug.IndexRowNotSynced));
        }
        catch (IOException e)
        {
            Fail("write of the index", e);
            for (var i = group.Count - 1; i >= 0; i--)
                Reject(group, i, results, e.Message);
            return;
        }
        foreach (var pending in group)
        {
            lock (_gate)
            {
                _reservations.Remove(pending.Writer.Id);
                _shards++;
                foreach (var slot in pending.Writer.Slots)
                {
                    slot.Segment.Reservations--;
                    slot.Segment.LiveBytes += ExtentHeader.Footprint(slot.Length);
                }
            }
            pending.Writer.EndCommit(committed: true);
            results[pending.Position] = new CommitResult(CommitOutcome.Committed);
        }
    }

    private static void PutRow(KvBatch batch, IndexRow row)
    {
        batch.Put(IndexRow.Key(row.Shard.Key, row.Shard.AttemptId), row.Value());
        for (var part = 0; part < row.Extents.Count; part++)
            batch.Put(IndexRow.ExtentKey(row.Extents[part].Segment, row.Extents[part].Offset), row.ExtentValue(part));
    }

    private void Reject(List<Pending> group, int index, CommitResult[] results, string why)
    {
        results[group[index].Position] = new CommitResult(CommitOutcome.Failed, why);
        Drop(group[index]);
        group.RemoveAt(index);
    }

    private void Drop(Pending pending)
    {
        pending.Writer.EndCommit(committed: false);
        Discard(pending.Writer);
    }

    private sealed class Pending(int position, ExtentWriter writer)
    {
        public int Position { get; } = position;

        public ExtentWriter Writer { get; } = writer;

        public IndexRow Row { get; set; } = null!;
    }
}
