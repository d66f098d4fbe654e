using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;

namespace Predastore.Shards.Segments;

/// <summary>What <see cref="SegmentStore.RebuildIndex"/> found.</summary>
/// <param name="Shards">Rows written.</param>
/// <param name="Incomplete">Shards of which an extent is missing or torn; not in the index.</param>
/// <param name="Rejected">Complete shards that did not verify; not in the index.</param>
/// <param name="DamagedSegments">Files with a damaged header or a block that cannot be read; their other extents are used all the same.</param>
public sealed record RebuildReport(long Shards, long Incomplete, long Rejected, int DamagedSegments);

/// <content>
/// Rebuilding a lost index from the extents' own headers. What was deleted shortly before may come back, and so may what was
/// about to be committed: both are orphans, which orphan collection removes. Headers are durable with their commit, but a
/// header alone does not prove its bytes: give a verifier, or verify every shard before trusting it.
/// </content>
public sealed partial class SegmentStore
{
    private const int WalkBufferBytes = 1 << 20;
    private const int RebuildBatchRows = 512;

    /// <summary>
    /// Replaces the index of a closed store. The row that makes it count is written last, so a rebuild that is cut short is one
    /// that has to be done again.
    /// </summary>
    /// <exception cref="StoreException">A segment belongs to another cluster, disk or storage id.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static RebuildReport RebuildIndex(
        IDisk disk, IOrderedKvFactory kv, SegmentStoreOptions options, IExtentVerifier? verifier = null)
    {
        Validate(options);
        disk.CreateDurableDirectory(Path.Combine(options.Directory, SegmentsFolder));
        var directory = Path.Combine(options.Directory, IndexFolder);
        kv.Delete(directory);
        using var index = kv.Open(directory, new OrderedKvOptions());
        var found = new Dictionary<(ShardKey, Guid, ulong), Candidate>();
        var segments = new Dictionary<uint, Segment>();
        var damaged = 0;
        try
        {
            // In ascending order: of an extent and its copy by a compaction cut short, the first is the one that was durable.
            foreach (var (number, path) in ListSegments(disk, options))
            {
                var segment = segments[number] = new Segment(disk, number, path, disk.Open(path, DiskOpenMode.ReadOnly));
                damaged += CheckHeader(segment, options) & Walk(segment, found) ? 0 : 1;
            }
            var report = WriteIndex(index, found, segments, verifier);
            index.Write(new KvBatch().Put(StoreKey, StoreRow(options)), sync: true);
            return report with { DamagedSegments = damaged };
        }
        finally
        {
            foreach (var segment in segments.Values)
                segment.Retire(unlink: false);
        }
    }

    private static bool CheckHeader(Segment segment, SegmentStoreOptions options)
    {
        if (ReadHeader(segment) is not { } header)
            return false;
        if (header != new SegmentHeader(options.ClusterId, options.StorageId, options.DiskUuid, segment.Number))
            throw new StoreException($"{segment.Path} belongs to another cluster, disk or storage id: move it away");
        return true;
    }

    /// <summary>False if a block that may hold a header cannot be read.</summary>
    private static bool Walk(Segment segment, Dictionary<(ShardKey, Guid, ulong), Candidate> found)
    {
        var whole = true;
        var length = segment.File.Length;
        var buffer = new byte[WalkBufferBytes];
        long bufferAt = 0, bufferEnd = 0, singlyUntil = 0;
        for (long at = SegmentHeader.Bytes; at + ExtentHeader.Bytes <= length;)
        {
            if (at + ExtentHeader.Bytes > bufferEnd || at < bufferAt)
            {
                var wanted = at < singlyUntil ? ExtentHeader.Alignment : buffer.Length;
                bufferAt = at;
                try
                {
                    bufferEnd = at + segment.File.Read(at, buffer.AsSpan(0, wanted));
                }
                catch (IOException)
                {
                    bufferEnd = 0;
                    // Block by block, then: a bad sector must not cost the shards around it.
                    if (wanted > ExtentHeader.Alignment)
                    {
                        singlyUntil = at + wanted;
                        continue;
                    }
                    whole = false;
                    at += ExtentHeader.Alignment;
                    continue;
                }
                if (bufferEnd < at + ExtentHeader.Bytes)
                    return whole;
            }
            if (!ExtentHeader.TryDecode(buffer.AsSpan((int)(at - bufferAt), ExtentHeader.Bytes), out var header)
                || header.Length > length - at - ExtentHeader.Bytes)
            {
                at += ExtentHeader.Alignment;
                continue;
            }
            var key = (header.Shard.Key, header.Shard.AttemptId, header.CommitSequence);
            if (!found.TryGetValue(key, out var candidate))
                found.Add(key, candidate = new Candidate(header));
            candidate.Add(header, new ExtentLocation(segment.Number, at, header.Length));
            at += ExtentHeader.Footprint(header.Length);
        }
        return whole;
    }

    private static RebuildReport WriteIndex(
        IOrderedKv index, Dictionary<(ShardKey, Guid, ulong), Candidate> found, Dictionary<uint, Segment> segments, IExtentVerifier? verifier)
    {
        long shards = 0, incomplete = 0, rejected = 0;
        var batch = new KvBatch();
        var written = new HashSet<(ShardKey, Guid)>();
        // Newest first: an attempt may have been tried before, and what a failed try left behind must not stand in for it.
        foreach (var ((shard, attempt, _), candidate) in found.OrderByDescending(c => c.Key.Item3))
        {
            if (written.Contains((shard, attempt)))
                continue;
            var rows = candidate.Rows();
            var row = rows.Find(r => verifier is null || Verifies(r, segments, verifier));
            if (row is null)
            {
                incomplete += rows.Count == 0 ? 1 : 0;
                rejected += rows.Count == 0 ? 0 : 1;
                continue;
            }
            PutRow(batch, row);
            written.Add((shard, attempt));
            shards++;
            if (batch.Count < RebuildBatchRows)
                continue;
            index.Write(batch, sync: false);
            batch.Clear();
        }
        index.Write(batch, sync: true);
        return new RebuildReport(shards, incomplete, rejected, 0);
    }

    private static bool Verifies(IndexRow row, Dictionary<uint, Segment> segments, IExtentVerifier verifier)
    {
        var used = row.Extents.Select(e => segments[e.Segment]).ToArray();
        foreach (var segment in used)
            segment.TryAcquire();
        using var reader = new ShardReader(row, used);
        try
        {
            // Without an answer the header is believed, as it is without a verifier.
            return verifier.Verify(row.Shard, reader) != ExtentVerdict.Damaged;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>The extents found of one attempt of one shard.</summary>
    private sealed class Candidate(ExtentHeader first)
    {
        private readonly Dictionary<uint, List<ExtentLocation>> _parts = [];

        public void Add(ExtentHeader header, ExtentLocation at)
        {
            if (header.Shard != first.Shard || header.Parts != first.Parts)
                return;
            if (!_parts.TryGetValue(header.Part, out var places))
                _parts.Add(header.Part, places = []);
            places.Add(at);
        }

        /// <summary>Complete rows, the likelier first: of the oldest copy of every part, then of the newest.</summary>
        public List<IndexRow> Rows()
        {
            if (_parts.Count != first.Parts)
                return [];
            var parts = _parts.OrderBy(p => p.Key).Select(p => p.Value).ToList();
            IndexRow[] rows =
            [
                new IndexRow(first.Shard, first.CommitSequence, [.. parts.Select(p => p[0])]),
                new IndexRow(first.Shard, first.CommitSequence, [.. parts.Select(p => p[^1])]),
            ];
            return [.. rows.Where(r => r.Extents.Sum(e => e.Length) == first.Shard.Length)];
        }
    }
}
