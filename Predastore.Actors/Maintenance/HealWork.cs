using System.Collections.Concurrent;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Metadata;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// Works off the heal queue of a partition: what writes, reads and scrub found missing or damaged, and what was written at a narrower
/// geometry. A row that cannot be healed now is passed over until the walk comes round again, so that it holds up no other.
/// </summary>
internal sealed class HealWork(MaintenanceParts parts, RowKeeper keeper, RewriteWork rewrite)
{
    private readonly ConcurrentDictionary<uint, ByteString> _after = [];

    /// <summary>One round over a partition's queue, from where the one before stood.</summary>
    public async Task RunAsync(uint partition, CancellationToken cancel)
    {
        long started = parts.Time.GetTimestamp();
        ByteString after = _after.GetValueOrDefault(partition, ByteString.Empty);
        QueryResult page;
        do
        {
            page = await parts.QueryAsync(
                new Query { WalkHeals = new WalkHeals { Partition = partition, Limit = parts.Settings.PageRows, After = after } }, cancel)
                .ConfigureAwait(false);
            after = page.NextCursor;
            foreach (HealRow heal in page.Heals)
            {
                _after[partition] = heal.DataId;
                using (await parts.Pace.EnterAsync(cancel).ConfigureAwait(false))
                    await HealAsync(heal, cancel).ConfigureAwait(false);
                if (parts.Time.GetElapsedTime(started) > parts.Settings.RoundMax)
                    return;
            }
        }
        while (page.Truncated);
        _after[partition] = ByteString.Empty;
    }

    private async Task HealAsync(HealRow heal, CancellationToken cancel)
    {
        QueryResult found = await parts.QueryAsync(new Query { GetData = new GetData { DataId = heal.DataId } }, cancel)
            .ConfigureAwait(false);
        if (found.Data is not { } row || await parts.BucketAsync(row, cancel).ConfigureAwait(false) is not { } bucket)
            return;
        uint[] wanted = [.. row.Missing.Concat(heal.Shards).Distinct().Where(shard => shard < row.Placement.Count)];
        bool contradicts = false;
        if (wanted.Length > 0)
            (row, _, contradicts) = await keeper.HealAsync(row, bucket, wanted, queued: true, cancel).ConfigureAwait(false);
        if (contradicts || (heal.Rewrite && row.Missing.Count == 0))
            await rewrite.RunAsync(row, bucket, contradicts, cancel).ConfigureAwait(false);
    }
}
