using Predastore.Shards.Protocol;

namespace Predastore.Shards.Segments;

/// <summary>
/// A committed shard, open for positioned reads from any thread. What it reads does not change while it is open, whatever is
/// deleted or compacted meanwhile; its segments stay until it is disposed.
/// </summary>
public sealed class ShardReader : IDisposable
{
    private readonly Segment[] _segments;
    private int _disposed;

    internal ShardReader(IndexRow row, Segment[] segments)
    {
        Row = row;
        _segments = segments;
    }

    /// <summary>Its row in the index.</summary>
    public IndexRow Row { get; }

    /// <summary>Sealed bytes of the whole shard.</summary>
    public long Length => Row.Shard.Length;

    /// <summary>Reads sealed bytes at an offset in the shard; fewer than asked only at its end.</summary>
    /// <exception cref="ExtentDamagedException">The segment ends before the extent does.</exception>
    /// <exception cref="IOException">The read failed.</exception>
    public async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancel = default)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        var total = 0;
        while (total < buffer.Length && TryMap(offset + total, out var part, out var at, out var left))
        {
            var count = (int)Math.Min(left, buffer.Length - total);
            var read = await _segments[part].File.ReadAsync(at, buffer.Slice(total, count), cancel).ConfigureAwait(false);
            if (read != count)
                throw Short(part);
            total += count;
        }
        return total;
    }

    /// <summary>As <see cref="ReadAsync"/>, on this thread.</summary>
    public int Read(long offset, Span<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        var total = 0;
        while (total < buffer.Length && TryMap(offset + total, out var part, out var at, out var left))
        {
            var count = (int)Math.Min(left, buffer.Length - total);
            if (_segments[part].File.Read(at, buffer.Slice(total, count)) != count)
                throw Short(part);
            total += count;
        }
        return total;
    }

    /// <summary>
    /// Compares the headers of all extents with the row. Reads do not need them, but an index that is lost is rebuilt from them: damage
    /// must not wait for that day.
    /// </summary>
    /// <exception cref="ExtentDamagedException">One is not the one that was written.</exception>
    /// <exception cref="IOException">The read failed.</exception>
    public void CheckHeaders()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        Span<byte> bytes = stackalloc byte[ExtentHeader.Bytes];
        for (var part = 0; part < Row.Extents.Count; part++)
        {
            var extent = Row.Extents[part];
            if (_segments[part].File.Read(extent.Offset, bytes) != bytes.Length
                || !ExtentHeader.TryDecode(bytes, out var header)
                || header.Shard != Row.Shard || header.Part != part || header.Length != extent.Length)
            {
                throw new ExtentDamagedException(
                    $"the extent header at {extent.Offset} of segment {_segments[part].Number:x8} is not that of shard {Row.Shard.Key}");
            }
        }
    }

    /// <summary>Lets go of the segments. No read may be under way.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        foreach (var segment in _segments)
            segment.Release();
    }

    private bool TryMap(long offset, out int part, out long at, out long left)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        for (part = 0; part < Row.Extents.Count; part++)
        {
            var extent = Row.Extents[part];
            if (offset < extent.Length)
            {
                at = extent.Offset + ExtentHeader.Bytes + offset;
                left = extent.Length - offset;
                return true;
            }
            offset -= extent.Length;
        }
        at = left = 0;
        return false;
    }

    private ExtentDamagedException Short(int part) =>
        new($"segment {_segments[part].Number:x8} ends before shard {Row.Shard.Key} does");
}
