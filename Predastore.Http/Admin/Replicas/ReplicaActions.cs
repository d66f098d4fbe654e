namespace Predastore.Http.Admin.Replicas;

/// <summary>What carries the replica actions out.</summary>
public interface IReplicaAdmin
{
    /// <summary>The group as its leader sees it, and the replicas that wait for being added.</summary>
    /// <exception cref="AdminException">No replica answers.</exception>
    Task<ReplicaList> ListAsync(CancellationToken cancel);
}

/// <summary>The actions of the area <c>replica</c>.</summary>
public static class ReplicaActions
{
    public static IEnumerable<AdminAction> Of(IReplicaAdmin replicas)
    {
        yield return AdminAction.Create(
            "replica/list", changes: false, ReplicaJson.Default.ReplicaListRequest, ReplicaJson.Default.ReplicaList,
            (_, cancel) => replicas.ListAsync(cancel));
    }
}
