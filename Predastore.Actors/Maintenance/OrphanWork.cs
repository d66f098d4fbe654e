using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Metadata;
using Predastore.Shards;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// Deletes extents that nobody committed, and attempts of a shard that a later one has superseded: who heals a shard and dies before it has
/// deleted the damaged attempt leaves both. The extents are listed first and the question is put to the metadata group after that: what was
/// undecided when it was listed is kept, whatever a clock says.
/// </summary>
/// <remarks>
/// The newest attempt in a place that a row names stays: nobody takes back what it wrote there, so what is kept here is not lost to its writer.
/// </remarks>
internal sealed class OrphanWork(MaintenanceParts parts, ILogger log)
{
    private const int PageRows = 500;
    private const int PartitionBits = 6;

    /// <summary>One round over a partition on every storage id.</summary>
    public async Task RunAsync(int partition, CancellationToken cancel)
    {
        (ObjectHash from, ObjectHash to) = RangeOf(partition);
        foreach (uint storageId in parts.Cluster.Require().NodesOfStorages().Keys.Order())
        {
            if (!parts.Usable(storageId))
                continue;
            try
            {
                await RunAsync(storageId, from, to, cancel).ConfigureAwait(false);
            }
            catch (Exception error) when (error is ShardException or IOException)
            {
                Log.GarbageKept(log, storageId, error.Message);
            }
        }
    }

    private async Task RunAsync(uint storageId, ObjectHash from, ObjectHash to, CancellationToken cancel)
    {
        ReadOnlyMemory<byte> cursor = ReadOnlyMemory<byte>.Empty;
        ShardRow? last = null;
        do
        {
            ShardPage page = await parts.Shards.ListAsync(
                new ListShardsRequest(storageId, from, to, cursor, PageRows), cancel).ConfigureAwait(false);
            cursor = page.Next;
            if (page.Rows.Count == 0)
                continue;

            // The attempts of a shard follow each other, over the end of a page too.
            IReadOnlyList<ShardRow> rows = last is { } before && before.Key == page.Rows[0].Key ? [before, .. page.Rows] : page.Rows;
            last = page.Rows[^1];
            await CheckAsync(storageId, rows, cancel).ConfigureAwait(false);
        }
        while (!cursor.IsEmpty);
    }

    private async Task CheckAsync(uint storageId, IReadOnlyList<ShardRow> rows, CancellationToken cancel)
    {
        var check = new CheckExtents { StorageId = storageId };
        check.Extents.AddRange(rows.Select(row => new ExtentName
        {
            ObjectHash = ByteString.CopyFrom(row.Key.ObjectHash.ToArray()),
            Shard = row.Key.ShardIndex,
            WriteId = row.WriteId,
        }));
        QueryResult answer = await parts.QueryAsync(new Query { CheckExtents = check }, cancel).ConfigureAwait(false);
        if (answer.Extents.Count != rows.Count)
            return;
        ShardToDelete[] orphans = [.. rows.Where((_, i) => answer.Extents[i] == ExtentState.ExtentOrphan).Select(Delete)];
        ShardToDelete[] superseded = await SupersededAsync(
            storageId, [.. rows.Where((_, i) => answer.Extents[i] == ExtentState.ExtentNamed)], cancel).ConfigureAwait(false);
        if (orphans.Length + superseded.Length == 0)
            return;
        await parts.Shards.DeleteAsync(new DeleteShardsRequest(storageId, [.. orphans, .. superseded]), cancel).ConfigureAwait(false);
        parts.Progress.DeletedOrphans(orphans.Length + superseded.Length);
        Log.Orphans(log, orphans.Length + superseded.Length, storageId);
    }

    // Of several attempts in a named place, those that were listed and are not the newest.
    private async Task<ShardToDelete[]> SupersededAsync(uint storageId, IReadOnlyList<ShardRow> named, CancellationToken cancel)
    {
        ShardRow[][] several = [.. named.GroupBy(row => row.Key).Where(attempts => attempts.Count() > 1).Select(attempts => attempts.ToArray())];
        if (several.Length == 0 || Planted.Has(PlantedBug.SupersededKept))
            return [];
        IReadOnlyList<ShardRow?> newest = await parts.Shards.StatAsync(
            new StatShardsRequest(storageId, [.. several.Select(attempts => attempts[0].Key)]), cancel).ConfigureAwait(false);
        return [.. several.SelectMany((attempts, i) =>
            attempts.Where(row => newest[i] is { } keep && row.AttemptId != keep.AttemptId).Select(Delete))];
    }

    private static ShardToDelete Delete(ShardRow row) => new(row.Key, row.AttemptId);

    private static (ObjectHash From, ObjectHash To) RangeOf(int partition)
    {
        byte[] from = new byte[ObjectHash.SizeBytes];
        from[0] = (byte)(partition << (8 - PartitionBits));
        byte[] to = Enumerable.Repeat((byte)0xFF, ObjectHash.SizeBytes).ToArray();
        to[0] = (byte)(from[0] | ((1 << (8 - PartitionBits)) - 1));
        return (new ObjectHash(from), new ObjectHash(to));
    }
}
