using Akka.Actor;
using Akka.Event;
using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;

namespace Predastore.Actors.Stores;

/// <summary>
/// Owns the allocation of one storage id. Commits and deletes that arrive while a sync runs are drained into the next one, so
/// that a sync serves everybody who waited for it; the actor itself never waits for the disk.
/// </summary>
public sealed class StoreActor : ReceiveActor, IWithTimers
{
    /// <summary>Requests in one batch at most.</summary>
    public const int BatchMax = 512;

    /// <summary>Requests waiting at most; more are refused as busy.</summary>
    public const int WaitingMax = 8192;

    private static readonly TimeSpan SpaceInterval = TimeSpan.FromSeconds(5);
    private const long CompactStepBytes = 64L << 20;

    // A disk that fails at every write is opened this often at most, each time at the cost of a scan of its index.
    private static readonly TimeSpan ReopenInterval = TimeSpan.FromSeconds(30);

    // Opening writes: what stood in the log becomes a table.
    private const long ReopenBytesMin = 64L << 20;
    private const int ReopenPercentMin = 1;

    private readonly SegmentStore _store;
    private readonly uint _storageId;
    private readonly IExtentVerifier? _verifier;
    private readonly Action<StoreTrouble>? _reopen;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Queue<StoreMessages.Commit> _commits = new();
    private readonly Queue<StoreMessages.Delete> _deletes = new();
    private bool _syncing;
    private bool _compacting;
    private SpaceState _space;
    private bool _reopenAsked;
    private bool _mayReopen;

    /// <summary>Creates the actor of an open store; the store stays the caller's.</summary>
    /// <param name="store">The store.</param>
    /// <param name="storageId">Its storage id.</param>
    /// <param name="verifier">Tells whether the bytes of a shard are what was sealed.</param>
    /// <param name="reopen">Called once when the owner has to open the store anew, which ends this actor.</param>
    public StoreActor(SegmentStore store, uint storageId, IExtentVerifier? verifier, Action<StoreTrouble>? reopen = null)
    {
        _reopen = reopen;
        _store = store;
        _storageId = storageId;
        _verifier = verifier;
        Receive<StoreMessages.Reserve>(OnReserve);
        Receive<StoreMessages.Commit>(OnCommit);
        Receive<StoreMessages.Delete>(OnDelete);
        Receive<Synced>(_ =>
        {
            _syncing = false;
            Drain();
        });
        Receive<LookAfter>(_ => OnLookAfter());
        Receive<MayReopen>(_ => _mayReopen = true);
        Receive<Compacted>(OnCompacted);
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>Name under <c>/user</c>.</summary>
    public static string NameOf(uint storageId) => $"store-{storageId}";

    /// <summary>Props of the actor.</summary>
    public static Props Props(SegmentStore store, uint storageId, IExtentVerifier? verifier, Action<StoreTrouble>? reopen = null)
        => Akka.Actor.Props.Create(() => new StoreActor(store, storageId, verifier, reopen));

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(LookAfter.Instance, LookAfter.Instance, SpaceInterval);
        Timers.StartSingleTimer(MayReopen.Instance, MayReopen.Instance, ReopenInterval);
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        var gone = new ShardException(ShardError.Unavailable, $"storage id {_storageId} is closing");
        foreach (StoreMessages.Commit commit in _commits)
            commit.Answer.TrySetException(gone);
        foreach (StoreMessages.Delete delete in _deletes)
            delete.Answer.TrySetException(gone);
    }

    private void OnReserve(StoreMessages.Reserve message)
    {
        try
        {
            message.Answer.TrySetResult(_store.Reserve(message.Request));
        }
        catch (Exception error)
        {
            message.Answer.TrySetException(error);
        }
    }

    private void OnCommit(StoreMessages.Commit message)
    {
        if (_commits.Count >= WaitingMax)
        {
            message.Answer.TrySetException(Busy());
            return;
        }

        _commits.Enqueue(message);
        Drain();
    }

    private void OnDelete(StoreMessages.Delete message)
    {
        if (_deletes.Count >= WaitingMax)
        {
            message.Answer.TrySetException(Busy());
            return;
        }

        _deletes.Enqueue(message);
        Drain();
    }

    private void Drain()
    {
        if (_syncing || (_commits.Count == 0 && _deletes.Count == 0))
            return;
        _syncing = true;
        StoreMessages.Commit[] commits = Take(_commits);
        StoreMessages.Delete[] deletes = Take(_deletes);
        IActorRef self = Self;
        _ = Task.Run(() =>
        {
            try
            {
                CommitAll(commits);
                DeleteAll(deletes);
            }
            finally
            {
                self.Tell(Synced.Instance);
            }
        });
    }

    private static T[] Take<T>(Queue<T> queue)
    {
        var taken = new T[Math.Min(queue.Count, BatchMax)];
        for (int i = 0; i < taken.Length; i++)
            taken[i] = queue.Dequeue();
        return taken;
    }

    private void CommitAll(StoreMessages.Commit[] commits)
    {
        if (commits.Length == 0)
            return;
        try
        {
            IReadOnlyList<CommitResult> results = _store.Commit([.. commits.Select(commit => commit.Request)]);
            for (int i = 0; i < commits.Length; i++)
                commits[i].Answer.TrySetResult(results[i]);
        }
        catch (Exception error)
        {
            foreach (StoreMessages.Commit commit in commits)
                commit.Answer.TrySetException(error);
        }
    }

    private void DeleteAll(StoreMessages.Delete[] deletes)
    {
        if (deletes.Length == 0)
            return;
        try
        {
            IReadOnlyList<DeleteOutcome> outcomes = _store.Delete([.. deletes.SelectMany(delete => delete.Shards)]);
            int at = 0;
            foreach (StoreMessages.Delete delete in deletes)
            {
                delete.Answer.TrySetResult([.. outcomes.Skip(at).Take(delete.Shards.Count)]);
                at += delete.Shards.Count;
            }
        }
        catch (Exception error)
        {
            foreach (StoreMessages.Delete delete in deletes)
                delete.Answer.TrySetException(error);
        }
    }

    private void OnLookAfter()
    {
        if (_reopenAsked)
            return;
        if (_store.IndexDamage is { } damage)
        {
            AskReopen(new StoreTrouble(damage, IndexLost: true));
            return;
        }

        SpaceState space = _store.RefreshSpace();
        if (space != _space)
        {
            _space = space;
            if (space == SpaceState.Normal)
                _log.Info("Storage id {0} has room again", _storageId);
            else
                _log.Warning("Storage id {0} is {1} on space", _storageId, space);
        }

        if (_store.Failure is { } failure)
        {
            // Closed, it could not even be read any more: not before there is room to open it again.
            DiskSpace disk = _store.Stats().Disk;
            if (_mayReopen && disk.FreeBytes >= Math.Min(ReopenBytesMin, disk.TotalBytes / 100 * ReopenPercentMin))
                AskReopen(new StoreTrouble(failure, IndexLost: false));
            return;
        }

        Compact();
    }

    private void AskReopen(StoreTrouble trouble)
    {
        _reopenAsked = true;
        _reopen?.Invoke(trouble);
    }

    private void Compact()
    {
        if (_compacting)
            return;
        _compacting = true;
        IActorRef self = Self;
        _ = Task.Run(() =>
        {
            try
            {
                self.Tell(new Compacted(_store.CompactStep(CompactStepBytes, _verifier), null));
            }
            catch (Exception error)
            {
                self.Tell(new Compacted(null, error));
            }
        });
    }

    private void OnCompacted(Compacted compacted)
    {
        _compacting = false;
        if (compacted.Error is { } error)
            _log.Error(error, "Compaction of storage id {0} failed", _storageId);
        foreach (ShardRow damaged in compacted.Step?.Damaged ?? [])
            _log.Warning("Shard {0} of {1} on storage id {2} cannot be compacted: damaged", damaged.Key.ShardIndex, damaged.Key.ObjectHash, _storageId);
        if (compacted.Step is { More: true, NoRoom: false })
            Compact();
    }

    private ShardException Busy() => new(ShardError.Busy, $"storage id {_storageId} has {WaitingMax} requests waiting");

    private sealed record Compacted(CompactionStep? Step, Exception? Error) : INoSerializationVerificationNeeded;

    private sealed class Synced : INoSerializationVerificationNeeded
    {
        public static readonly Synced Instance = new();
    }

    private sealed class MayReopen : INoSerializationVerificationNeeded
    {
        public static readonly MayReopen Instance = new();
    }

    private sealed class LookAfter : INoSerializationVerificationNeeded
    {
        public static readonly LookAfter Instance = new();
    }
}
