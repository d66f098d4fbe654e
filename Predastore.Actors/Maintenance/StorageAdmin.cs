using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Actors.Topology;
using Predastore.Shards.Striping;

namespace Predastore.Actors.Maintenance;

/// <summary>A change of the storage ids that was not made; the message is one line for the operator.</summary>
/// <param name="refused">True if the cluster refused it as things stand, false if what was asked makes no sense.</param>
/// <param name="message">Why, and what would make it possible.</param>
public sealed class StorageChangeException(bool refused, string message) : Exception(message)
{
    /// <summary>True if it may be possible later.</summary>
    public bool Refused => refused;
}

/// <summary>
/// Which storage ids take part, changed while serving: every change of the ring is a new epoch through Raft, by compare-and-set, and
/// rebalancing follows by itself. Repeating a change that was made does no harm. Members throw
/// <see cref="StoreException"/> when the metadata group does not answer, and <see cref="StorageChangeException"/> otherwise.
/// </summary>
public sealed class StorageAdmin(IMetadata metadata, TimeProvider time)
{
    private const int TriesMax = 8;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Puts storage ids into the ring. Their nodes have started with them, so that their disks are registered; one that was draining
    /// stays where it is and is checked for what it lost meanwhile.
    /// </summary>
    /// <param name="members">Host, zone and weight of each; the node is the one that registered it.</param>
    public Task<RingRow> AddAsync(IReadOnlyList<RingMember> members, CancellationToken cancel) => ChangeAsync(async rows =>
    {
        foreach (RingMember member in members)
        {
            StorageRow storage = Find(rows, member.StorageId);
            member.Node = storage.Node;
            if (storage.State == StorageState.StorageDraining)
                await SetStateAsync(storage, StorageState.StorageHealing, cancel).ConfigureAwait(false);
        }

        return [.. rows.Rings[0].Members.Where(old => members.All(member => member.StorageId != old.StorageId)), .. members];
    }, cancel);

    /// <summary>Takes a storage id out of the ring: it takes no new shards, and those it has move away.</summary>
    public async Task<RingRow> DrainAsync(uint storageId, CancellationToken cancel)
    {
        RingRow ring = await ChangeAsync(rows =>
        {
            Find(rows, storageId);
            return Task.FromResult<IReadOnlyList<RingMember>>(
                [.. rows.Rings[0].Members.Where(member => member.StorageId != storageId)]);
        }, cancel).ConfigureAwait(false);
        await SetStateAsync(Find(await RowsAsync(cancel).ConfigureAwait(false), storageId), StorageState.StorageDraining, cancel)
            .ConfigureAwait(false);
        return ring;
    }

    /// <summary>Puts one storage id into the place of another in one epoch, and drains that one.</summary>
    public async Task<RingRow> ReplaceAsync(uint storageId, RingMember by, CancellationToken cancel)
    {
        RingRow ring = await ChangeAsync(rows =>
        {
            Find(rows, storageId);
            by.Node = Find(rows, by.StorageId).Node;
            return Task.FromResult<IReadOnlyList<RingMember>>(
            [
                .. rows.Rings[0].Members.Where(member => member.StorageId != storageId && member.StorageId != by.StorageId), by,
            ]);
        }, cancel).ConfigureAwait(false);
        await SetStateAsync(Find(await RowsAsync(cancel).ConfigureAwait(false), storageId), StorageState.StorageDraining, cancel)
            .ConfigureAwait(false);
        return ring;
    }

    /// <summary>
    /// Removes a drained storage id for ever. Refused while a data row names it or a session still places by an older ring.
    /// </summary>
    public async Task RemoveAsync(uint storageId, CancellationToken cancel)
    {
        QueryResult rows = await RowsAsync(cancel).ConfigureAwait(false);
        StorageRow? storage = rows.Storages.FirstOrDefault(row => row.Id == storageId)
            ?? throw new StorageChangeException(refused: false, $"Storage id {storageId} is not registered.");
        if (storage.State == StorageState.StorageRemoved)
            return;
        if (rows.Rings[0].Members.Any(member => member.StorageId == storageId))
            throw new StorageChangeException(refused: true, $"Storage id {storageId} is in the ring: drain it first.");
        await SetStateAsync(storage, StorageState.StorageRemoved, cancel).ConfigureAwait(false);
    }

    /// <summary>The rows that all of this is decided on.</summary>
    public Task<QueryResult> RowsAsync(CancellationToken cancel)
        => metadata.QueryAsync(new Query { GetCluster = new GetCluster { RingHistory = 1 } }, Timeout, cancel);

    private async Task<RingRow> ChangeAsync(Func<QueryResult, Task<IReadOnlyList<RingMember>>> change, CancellationToken cancel)
    {
        for (int attempt = 1; ; attempt++)
        {
            QueryResult rows = await RowsAsync(cancel).ConfigureAwait(false);
            if (ClusterView.From(rows) is not { } cluster)
                throw new StorageChangeException(refused: true, "The cluster has no ring yet.");
            IReadOnlyList<RingMember> members = await change(rows).ConfigureAwait(false);
            RingRow now = rows.Rings[0];
            if (members.OrderBy(member => member.StorageId).SequenceEqual(now.Members.OrderBy(member => member.StorageId)))
                return now;
            Check(cluster.Geometry, members);
            var ring = new RingRow { DataShards = now.DataShards, ParityShards = now.ParityShards };
            ring.Members.AddRange(members);
            CommandResult result = await ProposeAsync(
                new Command { SetRing = new SetRing { ExpectedEpoch = now.Epoch, Ring = ring } }, cancel).ConfigureAwait(false);
            if (result.Code == ResultCode.ResultOk)
                return result.Ring;
            if (result.Code != ResultCode.ResultConflict || attempt == TriesMax)
                throw new StorageChangeException(refused: true, $"The ring was not changed: {result.Message}");
        }
    }

    private static void Check(Geometry geometry, IReadOnlyList<RingMember> members)
    {
        if (members.Count < geometry.Total)
        {
            throw new StorageChangeException(
                refused: true,
                $"An object has {geometry.Total} shards and the ring would have {members.Count} storage ids: add one first, or replace.");
        }
    }

    private static StorageRow Find(QueryResult rows, uint storageId)
    {
        StorageRow? row = rows.Storages.FirstOrDefault(storage => storage.Id == storageId);
        return row switch
        {
            null => throw new StorageChangeException(
                refused: true, $"Storage id {storageId} is not registered: start its node with the cluster file that has it."),
            { State: StorageState.StorageRemoved } => throw new StorageChangeException(
                refused: true, $"Storage id {storageId} was removed: use a new id."),
            _ => row,
        };
    }

    private async Task SetStateAsync(StorageRow storage, StorageState state, CancellationToken cancel)
    {
        CommandResult result = await ProposeAsync(
            new Command { SetStorageState = new SetStorageState { Id = storage.Id, DiskUuid = storage.DiskUuid, State = state } },
            cancel).ConfigureAwait(false);
        if (result.Code != ResultCode.ResultOk)
            throw new StorageChangeException(refused: true, result.Message);
    }

    private Task<CommandResult> ProposeAsync(Command command, CancellationToken cancel)
    {
        command.FeatureLevel = Proposer.FeatureLevel;
        command.TimeMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        return metadata.ProposeAsync(command, Timeout, cancel);
    }
}
