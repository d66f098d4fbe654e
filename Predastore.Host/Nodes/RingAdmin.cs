using Predastore.Actors.Client;
using Predastore.Actors.Maintenance;
using Predastore.Actors.Metadata;
using Predastore.Actors.Nodes;
using Predastore.Host.Config;
using Predastore.Http.Admin;
using Predastore.Http.Admin.Storages;
using StorageEntry = Predastore.Http.Admin.Storages.StorageEntry;

namespace Predastore.Host.Nodes;

/// <summary>The storage actions of an operator: host, zone and weight come from the cluster file, everything else from Raft.</summary>
internal sealed class RingAdmin(ClusterFile file, ClusterNode node) : IStorageAdmin
{
    public Task<StorageList> ListAsync(CancellationToken cancel) => GuardAsync(() => Task.CompletedTask, cancel);

    public Task<StorageList> AddAsync(StorageIds ids, CancellationToken cancel)
    {
        RingMember[] members = [.. ids.Ids.Select(Member)];
        return GuardAsync(() => node.Storages.AddAsync(members, cancel), cancel);
    }

    public Task<StorageList> DrainAsync(StorageIds ids, CancellationToken cancel) => GuardAsync(async () =>
    {
        foreach (uint id in ids.Ids)
            await node.Storages.DrainAsync(id, cancel);
    }, cancel);

    public Task<StorageList> RemoveAsync(StorageIds ids, CancellationToken cancel) => GuardAsync(async () =>
    {
        foreach (uint id in ids.Ids)
            await node.Storages.RemoveAsync(id, cancel);
    }, cancel);

    public Task<StorageList> ReplaceAsync(StorageReplacement ids, CancellationToken cancel)
    {
        RingMember by = Member(ids.By);
        return GuardAsync(() => node.Storages.ReplaceAsync(ids.Old, by, cancel), cancel);
    }

    public async Task<StorageIds> ScrubAsync(StorageIds ids, CancellationToken cancel)
        => new() { Ids = await node.ScrubAsync([.. ids.Ids], cancel) };

    private RingMember Member(uint id)
    {
        Config.StorageEntry entry = file.Storages.FirstOrDefault(storage => storage.Id == id)
            ?? throw new AdminException(AdminFault.NotFound, $"The cluster file of node {node.Node} has no storage id {id}: give every node the same file.");
        return new RingMember
        {
            StorageId = id, Node = entry.Node, Host = file.HostOf(entry.Node), Zone = entry.Zone ?? "", Weight = (uint)entry.Weight,
        };
    }

    private async Task<StorageList> GuardAsync(Func<Task> change, CancellationToken cancel)
    {
        try
        {
            await change();
            return Show(await node.Storages.RowsAsync(cancel));
        }
        catch (StorageChangeException error)
        {
            throw new AdminException(error.Refused ? AdminFault.Refused : AdminFault.NotFound, error.Message);
        }
        catch (StoreException error)
        {
            throw new AdminException(
                error.Failure == StoreFailure.Unknown ? AdminFault.Unknown : AdminFault.Unavailable, error.Message);
        }
    }

    private StorageList Show(QueryResult rows)
    {
        RingRow ring = rows.Rings[0];
        IEnumerable<uint> ids = ring.Members.Select(member => member.StorageId)
            .Concat(rows.Storages.Select(storage => storage.Id)).Concat(file.Storages.Select(storage => storage.Id));
        return new StorageList
        {
            Epoch = ring.Epoch,
            Shards = (int)(ring.DataShards + ring.ParityShards),
            Storages = [.. ids.Distinct().Order().Select(id => Show(id, ring, rows))],
        };
    }

    private StorageEntry Show(uint id, RingRow ring, QueryResult rows)
    {
        RingMember? member = ring.Members.FirstOrDefault(of => of.StorageId == id);
        StorageRow? row = rows.Storages.FirstOrDefault(of => of.Id == id);
        uint onNode = row?.Node ?? member?.Node ?? file.Storages.First(of => of.Id == id).Node;
        string state = row is null ? "unregistered" : row.State switch
        {
            StorageState.StorageHealing => "healing",
            StorageState.StorageDraining => "draining",
            StorageState.StorageRemoved => "removed",
            _ => "normal",
        };
        long named = (long)(rows.StorageUse.FirstOrDefault(use => use.StorageId == id)?.DataRows ?? 0);
        return new StorageEntry(
            id, onNode, member is not null, state, named, member?.Weight ?? 0, member?.Zone ?? "", member?.Host ?? "");
    }
}
