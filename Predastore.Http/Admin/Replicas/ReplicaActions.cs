namespace Predastore.Http.Admin.Replicas;

/// <summary>What carries the replica actions out.</summary>
public interface IReplicaAdmin
{
    /// <summary>The group as its leader sees it, and the replicas that wait for being added.</summary>
    /// <exception cref="AdminException">No replica answers.</exception>
    Task<ReplicaList> ListAsync(CancellationToken cancel);

    /// <summary>Makes a replica that waits a learner.</summary>
    /// <exception cref="AdminException">It was not done; the message says why and what would help.</exception>
    Task<ReplicaChange> AddAsync(ReplicaTarget target, CancellationToken cancel);

    /// <summary>Gives a learner that has caught up a vote.</summary>
    /// <exception cref="AdminException">As above.</exception>
    Task<ReplicaChange> PromoteAsync(ReplicaTarget target, CancellationToken cancel);

    /// <summary>Takes a voter or learner out; a leader hands over first.</summary>
    /// <exception cref="AdminException">As above.</exception>
    Task<ReplicaChange> RemoveAsync(ReplicaTarget target, CancellationToken cancel);

    /// <summary>
    /// Puts the new replica of a node in the place of the one that its folder was before: adds it, waits until it has caught up, removes
    /// the old one, promotes the new one. Asked again, it goes on where it stands.
    /// </summary>
    /// <exception cref="AdminException">As above.</exception>
    Task<ReplicaChange> ReplaceAsync(ReplicaTarget target, CancellationToken cancel);
}

/// <summary>The actions of the area <c>replica</c>.</summary>
public static class ReplicaActions
{
    public static IEnumerable<AdminAction> Of(IReplicaAdmin replicas)
    {
        yield return AdminAction.Create(
            "replica/list", changes: false, ReplicaJson.Default.ReplicaListRequest, ReplicaJson.Default.ReplicaList,
            (_, cancel) => replicas.ListAsync(cancel));
        yield return Change("replica/add", replicas.AddAsync);
        yield return Change("replica/promote", replicas.PromoteAsync);
        yield return Change("replica/remove", replicas.RemoveAsync);
        yield return Change("replica/replace", replicas.ReplaceAsync);
    }

    private static AdminAction Change(string name, Func<ReplicaTarget, CancellationToken, Task<ReplicaChange>> run)
        => AdminAction.Create(name, changes: true, ReplicaJson.Default.ReplicaTarget, ReplicaJson.Default.ReplicaChange, run);
}
