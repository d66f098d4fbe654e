using System.Collections.Concurrent;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Metadata;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// Deletes the shards of data that lost its last reference, once no open read can still see it, and then its garbage row. A row
/// stays until every storage id it names has answered; the walk goes on behind it, and in the next round from where it stood.
/// </summary>
internal sealed class GarbageWork(MaintenanceParts parts, ILogger log)
{
    private const uint PartsPerStep = 500;

    private readonly ConcurrentDictionary<uint, ByteString> _after = [];

    /// <summary>One round over a partition.</summary>
    public async Task RunAsync(uint partition, CancellationToken cancel)
    {
        long started = parts.Time.GetTimestamp();
        QueryResult page;
        do
        {
            ByteString after = _after.GetValueOrDefault(partition, ByteString.Empty);
            page = await parts.QueryAsync(
                new Query { WalkGarbage = new WalkGarbage { Partition = partition, Limit = parts.Settings.PageRows, After = after } }, cancel)
                .ConfigureAwait(false);
            await CollectAsync(page.Garbage, cancel).ConfigureAwait(false);
            _after[partition] = page.Truncated ? page.NextCursor : ByteString.Empty;
        }
        while (page.Truncated && parts.Time.GetElapsedTime(started) <= parts.Settings.RoundMax);
    }

    private async Task CollectAsync(IReadOnlyList<GarbageRow> garbage, CancellationToken cancel)
    {
        foreach (GarbageRow upload in garbage.Where(row => row.WhatCase == GarbageRow.WhatOneofCase.UploadId))
            await ExpandAsync(upload, cancel).ConfigureAwait(false);
        GarbageRow[] rows = [.. garbage.Where(row => row.WhatCase == GarbageRow.WhatOneofCase.Data)];
        if (rows.Length == 0)
            return;
        HashSet<ByteString> kept = await DeleteShardsAsync(rows, cancel).ConfigureAwait(false);
        var collect = new CollectGarbage();
        collect.Rows.AddRange(rows.Where(row => !kept.Contains(row.Data.ObjectHash))
            .Select(row => new GarbageKey { Index = row.Index, Id = row.Id }));
        if (collect.Rows.Count == 0)
            return;
        await parts.Proposer.RunAsync(new Command { CollectGarbage = collect }, cancel).ConfigureAwait(false);
        parts.Progress.CollectedGarbage(collect.Rows.Count);
    }

    private async Task ExpandAsync(GarbageRow upload, CancellationToken cancel)
        => await parts.Proposer.RunAsync(
            new Command
            {
                ExpandGarbage = new ExpandGarbage
                {
                    Row = new GarbageKey { Index = upload.Index, Id = upload.Id },
                    Limit = PartsPerStep,
                },
            },
            cancel).ConfigureAwait(false);

    // One request for each storage id; returns the object hashes of which some shard may still be there.
    private async Task<HashSet<ByteString>> DeleteShardsAsync(GarbageRow[] rows, CancellationToken cancel)
    {
        HashSet<ByteString> kept = [];
        var byStorage = rows
            .SelectMany(row => row.Data.Placement.Select((storageId, shard) => (Storage: storageId, Row: row.Data, Shard: (uint)shard)))
            .GroupBy(item => item.Storage)
            .Where(group => !IsRemoved(group.Key));
        foreach (var group in byStorage)
        {
            var items = group.ToArray();
            try
            {
                IReadOnlyList<DeleteOutcome> outcomes = await parts.Shards.DeleteAsync(
                    new DeleteShardsRequest(group.Key, [.. items.Select(item => new ShardToDelete(
                        new ShardKey(new ObjectHash(item.Row.ObjectHash.Span), item.Shard), null))]),
                    cancel).ConfigureAwait(false);
                for (int i = 0; i < items.Length; i++)
                    if (outcomes[i] == DeleteOutcome.Failed)
                        kept.Add(items[i].Row.ObjectHash);
            }
            catch (Exception error) when (error is ShardException or IOException)
            {
                Log.GarbageKept(log, group.Key, error.Message);
                foreach (var item in items)
                    kept.Add(item.Row.ObjectHash);
            }
        }

        return kept;
    }

    // A removed storage id holds nothing and never answers: waiting for it would keep the row for ever.
    private bool IsRemoved(uint storageId)
        => parts.Cluster.Require().Storages.TryGetValue(storageId, out StorageRow? row) && row.State == StorageState.StorageRemoved;
}
