using System.Buffers;
using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;

namespace Predastore.Shards.Segments;

/// <summary>What a <see cref="SegmentStore.CompactStep"/> did.</summary>
/// <param name="CopiedBytes">Footprint of the extents moved.</param>
/// <param name="More">True if another step would find work at once; not while the verifier cannot tell.</param>
/// <param name="NoRoom">True if the disk is too full to copy anything.</param>
/// <param name="Damaged">Shards that cannot be read, or of a fenced segment and not verified: they stay where they are, to be healed.</param>
public sealed record CompactionStep(long CopiedBytes, bool More, bool NoRoom, IReadOnlyList<ShardRow> Damaged);

/// <content>
/// Compaction: copy live extents verbatim to the end of the store, sync, swap the rows that still point at the source, unlink
/// the source, which its readers keep open. Sealed bytes are moved, never opened, except out of a fenced segment.
/// </content>
public sealed partial class SegmentStore
{
    private const int CopyBufferBytes = 1 << 20;

    private readonly Lock _compactLock = new();
    private Segment? _source;
    private long _sourceOffset;

    /// <summary>
    /// Moves about <paramref name="maxBytes"/> out of the segment that gives back the most, at least one extent. Fenced segments
    /// are emptied first, and only if a verifier is given.
    /// </summary>
    /// <exception cref="StoreFailedException">The store has failed.</exception>
    /// <exception cref="IOException">A target cannot be written, or the index not be read.</exception>
    public CompactionStep CompactStep(long maxBytes, IExtentVerifier? verifier = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBytes, 1);
        lock (_compactLock)
        {
            ThrowIfFailed();
            var damaged = new List<ShardRow>();
            if (_source is null || (_source.Fence is not null && verifier is null))
            {
                _source = PickSource(verifier is not null);
                _sourceOffset = 0;
            }
            if (_source is not { } source)
                return new CompactionStep(0, false, false, damaged);
            // Whatever was alive in it may be deleted at any moment, and the file with it.
            if (!source.TryAcquire())
            {
                _source = null;
                return new CompactionStep(0, true, false, damaged);
            }
            var moves = new List<Move>();
            try
            {
                var end = Gather(source, maxBytes, verifier, moves, damaged);
                var copied = Copy(source, moves, damaged);
                Swap(moves);
                if (moves.Any(m => m.Slot!.Segment.Fence is not null))
                    _source = null;
                else if (end == GatherEnd.Source)
                    EndSource(source);
                var more = end != GatherEnd.Unknown && (PickSource(verifier is not null) is not null || _source is not null);
                return new CompactionStep(copied, more, false, damaged);
            }
            catch (StoreFullException)
            {
                // Begun anew once there is room: what this step had listed is still in the source.
                _source = null;
                return new CompactionStep(0, false, true, damaged);
            }
            catch
            {
                _source = null;
                throw;
            }
            finally
            {
                foreach (var move in moves.Where(m => m.Slot is not null))
                    EndMove(move);
                source.Release();
            }
        }
    }

    private Segment? PickSource(bool fencedToo)
    {
        lock (_gate)
        {
            // Nothing else would ever close an active segment that is mostly dead.
            if (_active is { } active && active.Tail >= _options.SegmentBytesMax / 4 && IsWorthIt(active))
                SealActive();
            return _segments.Values
                .Where(s => s.Sealed && s.Reservations == 0 && !s.Stuck && (s.Fence is null ? IsWorthIt(s) : fencedToo))
                .OrderBy(s => s.Fence is null ? 1 : 0)
                .ThenBy(s => (double)s.LiveBytes / Math.Max(1, s.Tail))
                .ThenBy(s => s.Number)
                .FirstOrDefault();
        }
    }

    private bool IsWorthIt(Segment segment) =>
        segment.LiveBytes * 100 < (segment.Tail - SegmentHeader.Bytes) * _options.CompactBelowLivePercent;

    private enum GatherEnd
    {
        Budget,
        Source,
        Unknown,
    }

    /// <summary>Lists the next extents to move, and says why it stopped.</summary>
    private GatherEnd Gather(Segment source, long maxBytes, IExtentVerifier? verifier, List<Move> moves, List<ShardRow> damaged)
    {
        long bytes = 0;
        using var view = _index.View();
        using var at = view.Cursor();
        var first = IndexRow.ExtentKey(source.Number, _sourceOffset);
        var prefix = first[..^8];
        for (at.Seek(first); at.Valid && at.Key.StartsWith(prefix); at.Next())
        {
            if (bytes >= maxBytes)
                return GatherEnd.Budget;
            var (offset, shardKey) = IndexRow.DecodeExtent(at.Key, at.Value);
            _sourceOffset = offset;
            if (view.Get(shardKey) is not { } value)
                continue;
            var row = IndexRow.Decode(shardKey, value);
            if (row.Extents.All(e => e.Segment != source.Number || e.Offset != offset))
                continue;
            var extent = row.Extents.First(e => e.Segment == source.Number && e.Offset == offset);
            var verdict = source.Fence is null ? ExtentVerdict.Whole : Verdict(row, verifier!);
            // The source stays where it is: given up here, it would be stuck until something in it is deleted.
            if (verdict == ExtentVerdict.Unknown)
                return GatherEnd.Unknown;
            _sourceOffset = offset + 1;
            bytes += extent.Footprint;
            if (verdict == ExtentVerdict.Damaged)
                damaged.Add(row.Shard);
            else
                moves.Add(new Move(shardKey, row.Shard, extent, source));
        }
        return GatherEnd.Source;
    }

    private ExtentVerdict Verdict(IndexRow row, IExtentVerifier verifier)
    {
        try
        {
            using var reader = TryOpenRead(row.Shard.Key, row.Shard.AttemptId);
            return reader is null ? ExtentVerdict.Damaged : verifier.Verify(row.Shard, reader);
        }
        catch (IOException)
        {
            return ExtentVerdict.Damaged;
        }
    }

    private long Copy(Segment source, List<Move> moves, List<ShardRow> damaged)
    {
        if (moves.Count == 0)
            return 0;
        long copied = 0;
        var buffer = ArrayPool<byte>.Shared.Rent(CopyBufferBytes);
        try
        {
            foreach (var move in moves)
            {
                lock (_gate)
                {
                    move.Slot = Allocate(move.Extent.Length);
                    move.Slot.Segment.Reservations++;
                }
                move.Copied = TryCopyExtent(source, move, buffer);
                if (move.Copied)
                    copied += move.Extent.Footprint;
                else
                    damaged.Add(move.Shard);
            }
        }
        catch (DiskFullException e)
        {
            throw Full(e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        // No row may point at a copy that a power cut could still take away.
        foreach (var target in moves.Select(m => m.Slot!.Segment).Distinct())
        {
            if (!Planted.Has(PlantedBug.CompactedNotSynced))
                TrySync(target);
        }
        return copied;
    }

    /// <summary>False if the source cannot be read; a target that cannot be written throws.</summary>
    private static bool TryCopyExtent(Segment source, Move move, byte[] buffer)
    {
        var length = ExtentHeader.Bytes + move.Extent.Length;
        for (long at = 0; at < length;)
        {
            var count = (int)Math.Min(length - at, buffer.Length);
            try
            {
                if (source.File.Read(move.Extent.Offset + at, buffer.AsSpan(0, count)) != count)
                    return false;
            }
            catch (IOException)
            {
                return false;
            }
            move.Slot!.Segment.File.Write(move.Slot.Offset + at, buffer.AsSpan(0, count));
            at += count;
        }
        return true;
    }

    private void Swap(List<Move> moves)
    {
        lock (_indexLock)
        {
            var batch = new KvBatch();
            // Several extents of one shard may move together: each change starts from the one before.
            var rows = new Dictionary<string, IndexRow>(StringComparer.Ordinal);
            foreach (var move in moves)
            {
                var name = Convert.ToHexString(move.ShardKey);
                if (!move.Copied || move.Slot!.Segment.Fence is not null)
                    continue;
                if (!rows.TryGetValue(name, out var row))
                {
                    if (_index.Get(move.ShardKey) is not { } value)
                        continue;
                    row = IndexRow.Decode(move.ShardKey, value);
                }
                var part = row.Extents.ToList().IndexOf(move.Extent);
                if (part < 0)
                    continue;
                var extents = row.Extents.ToArray();
                extents[part] = new ExtentLocation(move.Slot.Segment.Number, move.Slot.Offset, move.Extent.Length);
                row = rows[name] = row with { Extents = extents };
                batch.Delete(IndexRow.ExtentKey(move.Extent.Segment, move.Extent.Offset));
                batch.Put(IndexRow.ExtentKey(extents[part].Segment, extents[part].Offset), row.ExtentValue(part));
                batch.Put(move.ShardKey, row.Value());
                move.Swapped = true;
            }
            if (batch.Count == 0)
                return;
            try
            {
                _index.Write(batch, sync: true);
            }
            catch (IOException e)
            {
                foreach (var move in moves)
                    move.Swapped = false;
                throw Fail("swap of compacted extents", e);
            }
            foreach (var move in moves.Where(m => m.Swapped))
            {
                lock (_gate)
                {
                    move.Slot!.Segment.LiveBytes += move.Extent.Footprint;
                    move.Source.LiveBytes -= move.Extent.Footprint;
                }
            }
        }
    }

    private void EndMove(Move move)
    {
        var slot = move.Slot!;
        lock (_gate)
            slot.Segment.Reservations--;
        if (!move.Swapped)
            Punch(slot.Segment, slot.Offset, slot.End);
        RemoveIfEmpty(slot.Segment);
    }

    private void EndSource(Segment source)
    {
        _source = null;
        lock (_gate)
            source.Stuck = source.LiveBytes != 0;
        RemoveIfEmpty(source);
    }

    private sealed class Move(byte[] shardKey, ShardRow shard, ExtentLocation extent, Segment source)
    {
        public ShardRow Shard { get; } = shard;

        public bool Copied { get; set; }

        public byte[] ShardKey { get; } = shardKey;

        public ExtentLocation Extent { get; } = extent;

        public Segment Source { get; } = source;

        public ExtentWriter.Slot? Slot { get; set; }

        public bool Swapped { get; set; }
    }
}
