using Predastore.Shards.Disk;

namespace Predastore.Shards.Segments;

/// <content>
/// Room. A shard gets a contiguous slot, first of its size hint or one step, whichever is less. When the slot is used up and
/// nothing was handed out behind it, it grows in place; else the shard goes on in a new slot, as its next extent. Steps double
/// what was written. So a lone upload makes long extents, concurrent ones interleave in growing pieces, a small shard of
/// known size takes exactly its footprint, and a declared size alone takes one step at most.
/// </content>
public sealed partial class SegmentStore
{
    /// <summary>Begins a shard.</summary>
    /// <exception cref="StoreFullException">The disk is full.</exception>
    /// <exception cref="StoreBusyException">Too many reservations.</exception>
    /// <exception cref="StoreFailedException">The store has failed.</exception>
    public ExtentWriter Reserve(ExtentRequest request)
    {
        if (request.SizeHint < -1)
            throw new ArgumentOutOfRangeException(nameof(request), "a size hint is -1 or not negative");
        ThrowIfFailed();
        lock (_gate)
        {
            CheckSpace();
            if (_reservations.Count >= _options.ReservationsMax)
                throw new StoreBusyException($"{_reservations.Count} shards are being written to storage {_options.StorageId}");
            var writer = new ExtentWriter(this, _nextReservation++, request);
            var slot = Allocate(StepOf(writer));
            slot.Segment.Reservations++;
            writer.Slots.Add(slot);
            _reservations.Add(writer.Id, writer);
            return writer;
        }
    }

    /// <summary>Gives a writer whose last slot is full more room.</summary>
    internal void Grow(ExtentWriter writer)
    {
        ThrowIfFailed();
        lock (_gate)
        {
            CheckSpace();
            var step = StepOf(writer);
            if (TryExtend(writer.Slots[^1], step))
                return;
            var slot = Allocate(step);
            slot.Segment.Reservations++;
            writer.Slots.Add(slot);
        }
    }

    /// <summary>Gives back what a finished writer did not use. It was never written, so it may be handed out again.</summary>
    internal void Trim(ExtentWriter writer)
    {
        var slot = writer.Slots[^1];
        long from, to;
        lock (_gate)
        {
            // Aborted meanwhile: the whole slot is about to be punched out, so none of it may be handed out again.
            if (!_reservations.ContainsKey(writer.Id))
                return;
            from = slot.Offset + ExtentHeader.Footprint(slot.Length);
            to = slot.End;
            slot.End = from;
            if (slot.Segment.Tail == to && !slot.Segment.Sealed)
            {
                slot.Segment.Tail = from;
                return;
            }
        }
        Punch(slot.Segment, from, to);
    }

    /// <summary>Ends a reservation whose shard is not committed.</summary>
    internal void Discard(ExtentWriter writer)
    {
        var dead = new List<(Segment Segment, long From, long To)>(writer.Slots.Count);
        lock (_gate)
        {
            if (!_reservations.Remove(writer.Id))
                return;
            foreach (var slot in writer.Slots)
            {
                slot.Segment.Reservations--;
                dead.Add((slot.Segment, slot.Offset, slot.End));
            }
        }
        foreach (var (segment, from, to) in dead)
        {
            Punch(segment, from, to);
            RemoveIfEmpty(segment);
        }
    }

    private long StepOf(ExtentWriter writer)
    {
        var step = Math.Clamp(writer.Written, _options.FirstStepBytes, Math.Max(_options.FirstStepBytes, _options.StepBytesMax));
        var left = writer.Request.SizeHint - writer.Written;
        if (writer.Request.SizeHint >= 0 && (left > 0 || writer.Written == 0))
            step = Math.Min(step, left);
        return Math.Min(step, _options.ExtentBytesMax);
    }

    private bool TryExtend(ExtentWriter.Slot slot, long step)
    {
        var segment = slot.Segment;
        var capacity = Math.Min(slot.Capacity + step, _options.ExtentBytesMax);
        var end = slot.Offset + ExtentHeader.Footprint(capacity);
        if (segment != _active || segment.Sealed || segment.Tail != slot.End || capacity <= slot.Capacity
            || end > _options.SegmentBytesMax)
        {
            return false;
        }
        EnsureAllocated(segment, end);
        segment.Tail = end;
        slot.End = end;
        slot.Capacity = Math.Min(end - slot.DataOffset, _options.ExtentBytesMax);
        return true;
    }

    private ExtentWriter.Slot Allocate(long length)
    {
        var footprint = ExtentHeader.Footprint(length);
        var segment = _active;
        if (segment is null || segment.Sealed
            || (segment.Tail > SegmentHeader.Bytes && segment.Tail + footprint > _options.SegmentBytesMax))
        {
            SealActive();
            segment = _active = CreateSegment();
        }
        EnsureAllocated(segment, segment.Tail + footprint);
        var slot = new ExtentWriter.Slot(segment, segment.Tail, segment.Tail + footprint)
        {
            Capacity = Math.Min(footprint - ExtentHeader.Bytes, Math.Max(length, _options.ExtentBytesMax)),
        };
        segment.Tail += footprint;
        return slot;
    }

    private void SealActive()
    {
        if (_active is not { } segment)
            return;
        _active = null;
        segment.Sealed = true;
        RemoveIfEmpty(segment);
    }

    private Segment CreateSegment()
    {
        var number = _nextSegment++;
        var path = SegmentPath(number);
        IDiskFile? file = null;
        try
        {
            file = _disk.Open(path, DiskOpenMode.CreateNew);
            file.Write(0, new SegmentHeader(_options.ClusterId, _options.StorageId, _options.DiskUuid, number).Encode());
            file.Sync();
            // A synced file whose name is not durable is gone after a power cut, with every shard in it.
            if (!Planted.Has(PlantedBug.DirectoryNotSynced))
                _disk.SyncDirectory(_segmentsPath);
        }
        catch (IOException e)
        {
            // The name may stand half made: the number is spent, and the next open removes a file without rows.
            file?.Dispose();
            throw e is DiskFullException ? Full(e) : new StoreException($"cannot create {path}: {e.Message}", e);
        }
        var segment = new Segment(_disk, number, path, file)
        {
            Tail = SegmentHeader.Bytes,
            AllocatedEnd = SegmentHeader.Bytes,
        };
        _segments[number] = segment;
        return segment;
    }

    private void EnsureAllocated(Segment segment, long end)
    {
        if (end <= segment.AllocatedEnd)
            return;
        var target = Math.Max(end, Math.Min(end + _options.PreallocateBytes, _options.SegmentBytesMax));
        try
        {
            segment.File.Allocate(segment.AllocatedEnd, target - segment.AllocatedEnd);
            segment.AllocatedEnd = target;
        }
        catch (DiskFullException) when (target > end)
        {
            try
            {
                segment.File.Allocate(segment.AllocatedEnd, end - segment.AllocatedEnd);
                segment.AllocatedEnd = end;
            }
            catch (DiskFullException e)
            {
                throw Full(e);
            }
        }
        catch (DiskFullException e)
        {
            throw Full(e);
        }
    }

    private void Punch(Segment segment, long from, long to)
    {
        // After a failure it is unknown which rows are durable: a row that survived must find its bytes.
        if (to - from >= Math.Max(1, _options.PunchBytesMin) && _failure is null)
            segment.Punch(from, to - from);
    }

    /// <summary>Unlinks a closed segment that nothing refers to.</summary>
    private void RemoveIfEmpty(Segment segment)
    {
        lock (_gate)
        {
            if (!segment.Sealed || segment.LiveBytes != 0 || segment.Reservations != 0 || _failure is not null
                || !_segments.TryRemove(segment.Number, out _))
            {
                return;
            }
            if (_active == segment)
                _active = null;
        }
        segment.Retire(unlink: true);
    }
}
