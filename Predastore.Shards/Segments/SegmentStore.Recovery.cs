using System.Buffers.Binary;
using System.Globalization;
using Predastore.Shards.Disk;

namespace Predastore.Shards.Segments;

/// <content>
/// Opening. The index is the authority: files without a row are deleted, what follows the last live extent of a file is cut
/// off, and no file of an earlier run takes new extents. Doing it again after a crash in the middle gives the same.
/// </content>
public sealed partial class SegmentStore
{
    private const int StoreRowBytes = 40;
    private static readonly byte[] StoreKey = [IndexRow.StorePrefix];

    /// <summary>Opens the store of a data path, or makes an empty one.</summary>
    /// <exception cref="IndexLostException">The index is missing or damaged: see <see cref="RebuildIndex"/>.</exception>
    /// <exception cref="StoreException">The files belong to another cluster, disk or storage id.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static SegmentStore Open(IDisk disk, IOrderedKvFactory kv, SegmentStoreOptions options)
    {
        Validate(options);
        disk.CreateDurableDirectory(Path.Combine(options.Directory, SegmentsFolder));
        var files = ListSegments(disk, options);
        var index = OpenIndex(kv, options, files.Count > 0);
        try
        {
            var store = new SegmentStore(disk, index, options);
            store.Recover(files);
            return store;
        }
        catch (Exception e) when (e is InvalidDataException or KvException { Failure: KvFailure.Damaged })
        {
            index.Dispose();
            throw new IndexLostException($"the index of storage {options.StorageId} is damaged: {e.Message}", e);
        }
        catch
        {
            index.Dispose();
            throw;
        }
    }

    private static void Validate(SegmentStoreOptions options)
    {
        if (options.ExtentBytesMax < 1 || options.FirstStepBytes < 1 || options.PreallocateBytes < 0
            || options.SegmentBytesMax < SegmentHeader.Bytes + ExtentHeader.Footprint(Math.Min(options.FirstStepBytes, options.ExtentBytesMax)))
        {
            throw new ArgumentException("the limits of the store contradict each other", nameof(options));
        }
    }

    private static SortedDictionary<uint, string> ListSegments(IDisk disk, SegmentStoreOptions options)
    {
        var folder = Path.Combine(options.Directory, SegmentsFolder);
        var files = new SortedDictionary<uint, string>();
        foreach (var name in disk.List(folder))
        {
            if (Path.GetExtension(name) != SegmentExtension
                || !uint.TryParse(Path.GetFileNameWithoutExtension(name), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
                    out var number))
            {
                throw new StoreException($"{Path.Combine(folder, name)} is not a segment: move it away");
            }
            files[number] = Path.Combine(folder, name);
        }
        return files;
    }

    private static IOrderedKv OpenIndex(IOrderedKvFactory kv, SegmentStoreOptions options, bool segmentsExist)
    {
        IOrderedKv index;
        try
        {
            index = kv.Open(Path.Combine(options.Directory, IndexFolder), new OrderedKvOptions());
        }
        catch (KvException e) when (e.Failure == KvFailure.Damaged)
        {
            throw new IndexLostException($"the index of storage {options.StorageId} is damaged: {e.Message}", e);
        }
        try
        {
            CheckStoreRow(index, options, segmentsExist);
            return index;
        }
        catch (KvException e) when (e.Failure == KvFailure.Damaged)
        {
            index.Dispose();
            throw new IndexLostException($"the index of storage {options.StorageId} is damaged: {e.Message}", e);
        }
        catch
        {
            index.Dispose();
            throw;
        }
    }

    private static void CheckStoreRow(IOrderedKv index, SegmentStoreOptions options, bool segmentsExist)
    {
        var expected = StoreRow(options);
        var found = index.Get(StoreKey);
        if (found is null)
        {
            // Without this row the index is new, or a rebuild was cut short: taking it for the truth would delete every segment.
            if (segmentsExist)
                throw new IndexLostException($"storage {options.StorageId} has segments but its index is missing or incomplete");
            index.Write(new KvBatch().Put(StoreKey, expected), sync: true);
            return;
        }
        if (found.Length < sizeof(uint) || BinaryPrimitives.ReadUInt32BigEndian(found) != IndexRow.Schema)
            throw new StoreException($"the index of storage {options.StorageId} has a schema this program does not know");
        if (!found.AsSpan().SequenceEqual(expected))
            throw new StoreException($"the index in {options.Directory} belongs to another cluster, disk or storage id: correct the path");
    }

    private static byte[] StoreRow(SegmentStoreOptions options)
    {
        var row = new byte[StoreRowBytes];
        BinaryPrimitives.WriteUInt32BigEndian(row, IndexRow.Schema);
        options.ClusterId.TryWriteBytes(row.AsSpan(4), bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32BigEndian(row.AsSpan(20), options.StorageId);
        options.DiskUuid.TryWriteBytes(row.AsSpan(24), bigEndian: true, out _);
        return row;
    }

    private void Recover(SortedDictionary<uint, string> files)
    {
        try
        {
            var live = new Dictionary<uint, (long Bytes, long End)>();
            var lengths = new Dictionary<uint, long>();
            int removed = 0, fenced = 0;
            long shards = 0, broken = 0;
            foreach (var row in Rows())
            {
                shards++;
                _commitSequence = Math.Max(_commitSequence, row.CommitSequence);
                foreach (var extent in row.Extents)
                {
                    var (bytes, end) = live.GetValueOrDefault(extent.Segment);
                    live[extent.Segment] = (bytes + extent.Footprint, Math.Max(end, extent.Offset + extent.Footprint));
                }
            }
            foreach (var (number, path) in files)
            {
                _nextSegment = Math.Max(_nextSegment, number + 1);
                if (!live.TryGetValue(number, out var used))
                {
                    _disk.DeleteFile(path);
                    removed++;
                    continue;
                }
                var segment = OpenSegment(number, path, used.Bytes, used.End);
                lengths[number] = segment.File.Length;
                fenced += segment.Fence is null ? 0 : 1;
            }
            // A number that a row names is never given to a new file, even if its own file is lost.
            foreach (var number in live.Keys)
                _nextSegment = Math.Max(_nextSegment, number + 1);
            if (live.Any(s => !lengths.TryGetValue(s.Key, out var length) || length < DataEndMin(s.Value.End)))
                broken = Rows().Count(r => r.Extents.Any(e => lengths.GetValueOrDefault(e.Segment) < e.Offset + ExtentHeader.Bytes + e.Length));
            _shards = shards;
            Opened = new OpenReport(shards, broken, removed, fenced);
            RefreshSpace();
        }
        catch
        {
            foreach (var segment in _segments.Values)
                segment.Retire(unlink: false);
            throw;
        }
    }

    // The last extent of a file need not be padded to the full block.
    private static long DataEndMin(long end) => end - ExtentHeader.Alignment + 1;

    private Segment OpenSegment(uint number, string path, long liveBytes, long end)
    {
        var file = _disk.Open(path, DiskOpenMode.Existing);
        var segment = new Segment(_disk, number, path, file) { Sealed = true, LiveBytes = liveBytes };
        _segments[number] = segment;
        if (ReadHeader(segment) is not { } header)
        {
            segment.SetFence("its header is damaged");
        }
        else if (header != new SegmentHeader(_options.ClusterId, _options.StorageId, _options.DiskUuid, number))
        {
            throw new StoreException(
                $"{path} belongs to cluster {header.ClusterId}, storage {header.StorageId}, disk {header.DiskUuid}, segment "
                + $"{header.Number:x8}: it was put here by mistake, move it away");
        }
        // Room that was reserved ahead, and extents nobody committed: dead, and never to be used again.
        if (file.Length > end)
            file.SetLength(end);
        segment.Tail = segment.AllocatedEnd = Math.Max(end, SegmentHeader.Bytes);
        return segment;
    }

    /// <summary>Null if it is damaged. One sector that cannot be read is no reason to do without the whole disk.</summary>
    private static SegmentHeader? ReadHeader(Segment segment)
    {
        var block = new byte[SegmentHeader.Bytes];
        try
        {
            var read = segment.File.Read(0, block);
            return SegmentHeader.TryDecode(block.AsSpan(0, read), out var header) ? header : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private IEnumerable<IndexRow> Rows()
    {
        using var view = _index.View();
        using var at = view.Cursor();
        for (at.Seek([IndexRow.ShardPrefix]); at.Valid && at.Key[0] == IndexRow.ShardPrefix; at.Next())
            yield return IndexRow.Decode(at.Key, at.Value);
    }
}
