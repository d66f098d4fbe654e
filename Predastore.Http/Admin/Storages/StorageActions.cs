namespace Predastore.Http.Admin.Storages;

/// <summary>What carries the storage actions out. Members throw <see cref="AdminException"/>.</summary>
public interface IStorageAdmin
{
    /// <summary>All storage ids: of the ring, registered, and removed.</summary>
    Task<StorageList> ListAsync(CancellationToken cancel);

    /// <summary>Puts storage ids into the ring.</summary>
    Task<StorageList> AddAsync(StorageIds ids, CancellationToken cancel);

    /// <summary>Takes storage ids out of the ring; their shards move away.</summary>
    Task<StorageList> DrainAsync(StorageIds ids, CancellationToken cancel);

    /// <summary>Removes drained storage ids for ever.</summary>
    Task<StorageList> RemoveAsync(StorageIds ids, CancellationToken cancel);

    /// <summary>Puts one storage id into the place of another, which is drained.</summary>
    Task<StorageList> ReplaceAsync(StorageReplacement ids, CancellationToken cancel);

    /// <summary>Begins a scrub at full rate.</summary>
    Task<StorageIds> ScrubAsync(StorageIds ids, CancellationToken cancel);
}

/// <summary>The actions of the area <c>storage</c>.</summary>
public static class StorageActions
{
    public static IEnumerable<AdminAction> Of(IStorageAdmin storages)
    {
        yield return AdminAction.Create(
            "storage/list", changes: false, StorageJson.Default.StorageListRequest, StorageJson.Default.StorageList,
            (_, cancel) => storages.ListAsync(cancel));
        yield return Change("storage/add", storages.AddAsync);
        yield return Change("storage/drain", storages.DrainAsync);
        yield return Change("storage/remove", storages.RemoveAsync);
        yield return AdminAction.Create(
            "storage/replace", changes: true, StorageJson.Default.StorageReplacement, StorageJson.Default.StorageList,
            storages.ReplaceAsync);
        yield return AdminAction.Create(
            "storage/scrub", changes: true, StorageJson.Default.StorageIds, StorageJson.Default.StorageIds, storages.ScrubAsync);
    }

    private static AdminAction Change(string name, Func<StorageIds, CancellationToken, Task<StorageList>> run) => AdminAction.Create(
        name, changes: true, StorageJson.Default.StorageIds, StorageJson.Default.StorageList,
        (ids, cancel) => ids.Ids.Count > 0
            ? run(ids, cancel)
            : throw new AdminException(AdminFault.Invalid, $"{name} needs storage ids."));
}
