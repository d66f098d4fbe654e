using Akka.Actor;
using Predastore.Actors.Stores;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;
using Predastore.Simulation.Tests.Raft;
using Predastore.Testing.Disk;

namespace Predastore.Simulation.Tests.Store;

/// <summary>
/// One storage id of a process: the production store, and in the place of its actor one that batches commits and deletes behind a
/// sync in the same way, on virtual time.
/// </summary>
internal sealed class SimStore : MinimalActorRef
{
    private const int BatchMax = 512;

    private readonly SimProcess _process;
    private readonly ClusterSimulation _simulation;
    private readonly Queue<StoreMessages.Commit> _commits = new();
    private readonly Queue<StoreMessages.Delete> _deletes = new();
    private bool _syncing;

    public SimStore(SimProcess process, ClusterSimulation simulation, uint storageId)
    {
        (_process, _simulation, StorageId) = (process, simulation, storageId);
        Store = Open(process.Host, simulation, storageId);
        simulation.CheckKept(storageId, Store);
        _process.After(simulation.Settings.CompactMs, LookAfter);
    }

    public uint StorageId { get; }

    public SegmentStore Store { get; }

    public override ActorPath Path { get; } = new RootActorPath(new Address("akka", "simulation")) / "store";

    public override IActorRefProvider Provider => throw new NotSupportedException();

    protected override void TellInternal(object message, IActorRef sender)
    {
        switch (message)
        {
            case StoreMessages.Reserve reserve:
                Reserve(reserve);
                break;
            case StoreMessages.Commit commit:
                _commits.Enqueue(commit);
                Drain();
                break;
            case StoreMessages.Delete delete:
                _deletes.Enqueue(delete);
                Drain();
                break;
        }
    }

    private static SegmentStore Open(SimHost host, ClusterSimulation simulation, uint storageId)
    {
        SegmentStoreOptions options = simulation.OptionsOf(host, storageId);
        try
        {
            return SegmentStore.Open(host.DiskOf(storageId), host.Databases, options);
        }
        catch (IndexLostException)
        {
            SegmentStore.RebuildIndex(host.DiskOf(storageId), host.Databases, options);
            return SegmentStore.Open(host.DiskOf(storageId), host.Databases, options);
        }
    }

    private void Reserve(StoreMessages.Reserve reserve)
    {
        try
        {
            reserve.Answer.TrySetResult(Store.Reserve(reserve.Request));
        }
        catch (Exception error) when (error is not SimulatedCrashException)
        {
            reserve.Answer.TrySetException(error);
        }
    }

    private void Drain()
    {
        if (_syncing || (_commits.Count == 0 && _deletes.Count == 0))
            return;
        _syncing = true;
        _process.After(_simulation.DiskDelay(_process.Host), () =>
        {
            StoreMessages.Commit[] commits = Take(_commits);
            StoreMessages.Delete[] deletes = Take(_deletes);
            CommitAll(commits);
            DeleteAll(deletes);
            _syncing = false;
            Drain();
        });
    }

    private static T[] Take<T>(Queue<T> queue) => [.. Enumerable.Range(0, Math.Min(queue.Count, BatchMax)).Select(_ => queue.Dequeue())];

    private void CommitAll(StoreMessages.Commit[] commits)
    {
        if (commits.Length == 0)
            return;
        ExtentWriter?[] writers = [.. commits.Select(commit => Store.FindReservation(commit.Request.ReservationId))];
        try
        {
            IReadOnlyList<CommitResult> results = Store.Commit([.. commits.Select(commit => commit.Request)]);
            for (int i = 0; i < commits.Length; i++)
            {
                if (results[i].Outcome == CommitOutcome.Committed)
                {
                    _simulation.ObserveShard(StorageId, writers[i]!.Request.Shard, commits[i].Request.Digest);
                    _simulation.Keep(StorageId, Store, writers[i]!.Request.Shard, writers[i]!.Request.AttemptId);
                }

                commits[i].Answer.TrySetResult(results[i]);
            }
        }
        catch (Exception error) when (error is not (SimulatedCrashException or InvariantException))
        {
            foreach (StoreMessages.Commit commit in commits)
                commit.Answer.TrySetException(error);
        }
    }

    private void DeleteAll(StoreMessages.Delete[] deletes)
    {
        if (deletes.Length == 0)
            return;
        _simulation.Forget(StorageId, deletes.SelectMany(delete => delete.Shards));
        try
        {
            IReadOnlyList<DeleteOutcome> outcomes = Store.Delete([.. deletes.SelectMany(delete => delete.Shards)]);
            int at = 0;
            foreach (StoreMessages.Delete delete in deletes)
            {
                delete.Answer.TrySetResult([.. outcomes.Skip(at).Take(delete.Shards.Count)]);
                at += delete.Shards.Count;
            }
        }
        catch (Exception error) when (error is not SimulatedCrashException)
        {
            foreach (StoreMessages.Delete delete in deletes)
                delete.Answer.TrySetException(error);
        }
    }

    private void LookAfter()
    {
        try
        {
            Store.RefreshSpace();
            Store.CompactStep(64L << 20);
        }
        catch (IOException)
        {
            // As the actor does: logged, tried again.
        }

        if (Store.Stats().Failure is not null)
        {
            // Its owner opens it anew; here all of the process begins again.
            _simulation.RestartSoon(_process);
            return;
        }

        _process.After(_simulation.Settings.CompactMs, LookAfter);
    }
}
