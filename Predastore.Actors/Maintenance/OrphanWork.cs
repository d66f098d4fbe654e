using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Metadata;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// Deletes extents that nobody committed. The extents are listed first and the question is put to the metadata group after that: what
/// was undecided when it was listed is kept, whatever a clock says.
/// </summary>
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
        do
        {
            ShardPage page = await parts.Shards.ListAsync(
                new ListShardsRequest(storageId, from, to, cursor, PageRows), cancel).ConfigureAwait(false);
            cursor = page.Next;
            if (page.Rows.Count > 0)
                await CheckAsync(storageId, page.Rows, cancel).ConfigureAwait(false);
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
        if (answer.Orphans.Count != rows.Count)
            return;
        ShardToDelete[] orphans = [.. rows.Where((_, i) => answer.Orphans[i])
            .Select(row => new ShardToDelete(row.Key, row.AttemptId))];
        if (orphans.Length == 0)
            return;
        await parts.Shards.DeleteAsync(new DeleteShardsRequest(storageId, orphans), cancel).ConfigureAwait(false);
        parts.Progress.DeletedOrphans(orphans.Length);
        Log.Orphans(log, orphans.Length, storageId);
    }

    private static (ObjectHash From, ObjectHash To) RangeOf(int partition)
    {
        byte[] from = new byte[ObjectHash.SizeBytes];
        from[0] = (byte)(partition << (8 - PartitionBits));
        byte[] to = Enumerable.Repeat((byte)0xFF, ObjectHash.SizeBytes).ToArray();
        to[0] = (byte)(from[0] | ((1 << (8 - PartitionBits)) - 1));
        return (new ObjectHash(from), new ObjectHash(to));
    }
}
