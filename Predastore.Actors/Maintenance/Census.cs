using System.Diagnostics;
using Google.Protobuf;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Actors.Streams;
using Predastore.Actors.Topology;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;
using Predastore.Shards.Striping;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// Counts the shards on all disks against the data rows, both ways: every shard that a row names is looked up at its storage id, and
/// every shard of every storage id is shown to the metadata group. One page of either is in memory at a time.
/// </summary>
/// <param name="node">This node.</param>
/// <param name="metadata">Way to the metadata group.</param>
/// <param name="shards">Shards wherever they are.</param>
/// <param name="cluster">Ring and storage ids.</param>
internal sealed class Census(uint node, IMetadata metadata, IShardAccess shards, ClusterView cluster)
{
    /// <summary>Problems told in words; the numbers count all of them.</summary>
    public const int ProblemsMax = 50;

    private const int Partitions = 64;
    private const uint PageRows = 500;

    private readonly List<string> _problems = [];
    private readonly HashSet<uint> _silent = [];
    private long _rows, _named, _present, _missing, _wrong, _unreachable, _narrow;

    /// <summary>Counts all of it.</summary>
    /// <exception cref="StoreException">The metadata group does not answer.</exception>
    public async Task<CensusResult> RunAsync(CancellationToken cancel)
    {
        long started = Stopwatch.GetTimestamp();
        for (uint partition = 0; partition < Partitions; partition++)
            await WalkRowsAsync(partition, cancel).ConfigureAwait(false);
        List<CensusOfDisk> disks = [];
        foreach (uint storageId in Storages())
            disks.Add(await ListDiskAsync(storageId, cancel).ConfigureAwait(false));
        QueryResult backlog = await QueryAsync(new Query { GetCluster = new GetCluster { RingHistory = 1 } }, cancel).ConfigureAwait(false);
        return new CensusResult
        {
            AnsweredBy = node,
            Seconds = Math.Round(Stopwatch.GetElapsedTime(started).TotalSeconds, 3),
            Rows = _rows,
            Named = _named,
            Present = _present,
            Missing = _missing,
            Wrong = _wrong,
            Unreachable = _unreachable,
            Narrow = _narrow,
            HealBacklog = (long)backlog.HealBacklog,
            GarbageBacklog = (long)backlog.GarbageBacklog,
            Disks = disks,
            Problems = _problems,
        };
    }

    private IEnumerable<uint> Storages() => cluster.Ring.Members.Select(member => member.StorageId)
        .Concat(cluster.Storages.Values.Where(storage => storage.State != StorageState.StorageRemoved).Select(storage => storage.Id))
        .Distinct().Order();

    private async Task WalkRowsAsync(uint partition, CancellationToken cancel)
    {
        ByteString after = ByteString.Empty;
        while (true)
        {
            QueryResult page = await QueryAsync(
                new Query { WalkData = new WalkData { Partition = partition, After = after, Limit = PageRows } }, cancel).ConfigureAwait(false);
            _rows += page.DataRows.Count;
            _narrow += page.DataRows.Count(row => row.Placement.Count < cluster.Geometry.Total);
            var named = page.DataRows.SelectMany(row => row.Placement.Select((storageId, shard) => (Storage: storageId, Row: row, Shard: shard)));
            foreach (var disk in named.GroupBy(item => item.Storage))
                foreach (var batch in disk.Chunk(ProtocolLimits.BatchMax))
                    await LookUpAsync(disk.Key, [.. batch.Select(item => (item.Row, item.Shard))], cancel).ConfigureAwait(false);
            if (!page.Truncated)
                return;
            after = page.NextCursor;
        }
    }

    private async Task LookUpAsync(uint storageId, (DataRow Row, int Shard)[] wanted, CancellationToken cancel)
    {
        _named += wanted.Length;
        try
        {
            // A disk that was silent once is not waited for again with every page.
            if (_silent.Contains(storageId))
                throw new ShardException(ShardError.Unavailable, "it was silent");
            IReadOnlyList<ShardRow?> found = await shards.StatAsync(
                new StatShardsRequest(storageId, [.. wanted.Select(item => KeyOf(item.Row, item.Shard))]), cancel).ConfigureAwait(false);
            for (int i = 0; i < wanted.Length; i++)
                Judge(storageId, wanted[i].Row, wanted[i].Shard, found[i]);
        }
        catch (Exception error) when (error is ShardException or IOException)
        {
            _unreachable += wanted.Length;
            if (_silent.Add(storageId))
                Tell($"Storage id {storageId} does not answer: {error.Message}");
        }
    }

    private void Judge(uint storageId, DataRow row, int shard, ShardRow? found)
    {
        if (found is not { } there)
        {
            _missing++;
            Tell($"Shard {shard} of {Name(row)} is missing on storage id {storageId}{(row.Missing.Contains((uint)shard) ? "; its row says so" : "")}.");
            return;
        }

        var layout = new StripeLayout((long)row.Size, new Geometry((int)row.DataShards, (int)row.ParityShards));
        bool right = there.K == row.DataShards && there.M == row.ParityShards
            && there.Length == FragmentLayout.SealedBytes(layout.ShardBytes)
            && there.Digest == Digests.ToNumber(row.Digests[shard].Span);
        if (right)
        {
            _present++;
            return;
        }

        _wrong++;
        Tell($"Shard {shard} of {Name(row)} on storage id {storageId} is not what its row tells: {there.Length} bytes of RS({there.K},{there.M}).");
    }

    private async Task<CensusOfDisk> ListDiskAsync(uint storageId, CancellationToken cancel)
    {
        var count = new DiskCount();
        ReadOnlyMemory<byte> cursor = ReadOnlyMemory<byte>.Empty;
        string? failed = null;
        try
        {
            do
            {
                ShardPage page = await shards.ListAsync(
                    new ListShardsRequest(storageId, First, Last, cursor, (int)PageRows), cancel).ConfigureAwait(false);
                cursor = page.Next;
                if (page.Rows.Count > 0)
                    await CountAsync(storageId, page.Rows, count, cancel).ConfigureAwait(false);
            }
            while (!cursor.IsEmpty);
        }
        catch (Exception error) when (error is ShardException or IOException)
        {
            failed = error.Message;
        }

        return new CensusOfDisk(
            storageId, count.Listed, count.Named, count.Duplicates, count.Undecided, count.Garbage, count.Orphans, failed);
    }

    private async Task CountAsync(uint storageId, IReadOnlyList<ShardRow> rows, DiskCount count, CancellationToken cancel)
    {
        var check = new CheckExtents { StorageId = storageId };
        check.Extents.AddRange(rows.Select(row => new ExtentName
        {
            ObjectHash = ByteString.CopyFrom(row.Key.ObjectHash.ToArray()), Shard = row.Key.ShardIndex, WriteId = row.WriteId,
        }));
        QueryResult answer = await QueryAsync(new Query { CheckExtents = check }, cancel).ConfigureAwait(false);
        if (answer.Extents.Count != rows.Count)
            throw new StoreException(StoreFailure.Unavailable, "The replica that answered runs a version without this census.");
        for (int i = 0; i < rows.Count; i++)
        {
            count.Listed++;
            switch (answer.Extents[i])
            {
                // The listing is ordered by shard, its attempts follow each other.
                case ExtentState.ExtentNamed when count.Last == rows[i].Key:
                    count.Duplicates++;
                    Tell($"Storage id {storageId} has more than one attempt of shard {rows[i].Key.ShardIndex} of {rows[i].Key.ObjectHash}.");
                    break;
                case ExtentState.ExtentNamed:
                    count.Named++;
                    break;
                case ExtentState.ExtentUndecided:
                    count.Undecided++;
                    break;
                case ExtentState.ExtentGarbage:
                    count.Garbage++;
                    break;
                default:
                    count.Orphans++;
                    Tell($"Storage id {storageId} has an orphan: shard {rows[i].Key.ShardIndex} of {rows[i].Key.ObjectHash}, write id {rows[i].WriteId:x16}.");
                    break;
            }

            count.Last = rows[i].Key;
        }
    }

    private void Tell(string problem)
    {
        if (_problems.Count < ProblemsMax)
            _problems.Add(problem);
    }

    private Task<QueryResult> QueryAsync(Query query, CancellationToken cancel)
        => metadata.QueryAsync(query, MaintenanceParts.QueryTimeout, cancel);

    private static ObjectHash First => new(new byte[ObjectHash.SizeBytes]);

    private static ObjectHash Last => new(Enumerable.Repeat((byte)0xFF, ObjectHash.SizeBytes).ToArray());

    private static ShardKey KeyOf(DataRow row, int shard) => new(new ObjectHash(row.ObjectHash.Span), (uint)shard);

    private static string Name(DataRow row) => Convert.ToHexStringLower(row.ObjectHash.Span);

    private sealed class DiskCount
    {
        public long Listed, Named, Duplicates, Undecided, Garbage, Orphans;
        public ShardKey? Last;
    }
}
