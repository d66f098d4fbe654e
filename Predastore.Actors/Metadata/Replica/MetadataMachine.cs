using Google.Protobuf;
using Predastore.Actors.Client;
using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Metadata.Replica;

/// <summary>
/// The state machine of one replica: the database <c>state-N</c> in its folder, snapshots out of it and into a new one. The Raft
/// replica calls <see cref="IStateMachine"/> members from one thread; <see cref="Answer"/> runs from any, and a database that was
/// replaced stays open until its last query or snapshot source is done.
/// </summary>
public sealed class MetadataMachine : IStateMachine
{
    private const string Prefix = "state-";
    private const string First = Prefix + "0";

    private readonly string _root;
    private readonly IDisk _disk;
    private readonly IOrderedKvFactory _databases;
    private readonly Lock _gate = new();
    private Lease? _current;
    private volatile string? _damaged;

    /// <summary>A machine that is not open yet.</summary>
    /// <param name="root">The replica's folder; created if missing.</param>
    /// <param name="disk">Its files.</param>
    /// <param name="databases">Opens databases on the same disk.</param>
    public MetadataMachine(string root, IDisk disk, IOrderedKvFactory databases)
    {
        _root = root;
        _disk = disk;
        _databases = databases;
    }

    /// <summary>Called, from any thread, when rows cannot be read any more: the replica has to open the machine anew.</summary>
    public event Action<string>? Damaged;

    /// <inheritdoc/>
    public LogPosition Applied { get; private set; }

    /// <summary>True if the last <see cref="Open"/> found a damaged database and began an empty one.</summary>
    public bool WasDamaged { get; private set; }

    /// <summary>Feature level of the cluster's commands; 0 before it was initialised.</summary>
    public uint ClusterFeatureLevel { get; private set; }

    /// <inheritdoc/>
    public void Open(string folder)
    {
        Close();
        _disk.CreateDirectory(_root);
        string name = folder.Length == 0 ? First : folder;
        foreach (string other in _disk.List(_root))
            if (other.StartsWith(Prefix, StringComparison.Ordinal) && (other != name || other == _damaged)) Delete(other);
        WasDamaged = _damaged == name;
        _damaged = null;
        Lease lease;
        try
        {
            lease = Start(name);
        }
        catch (KvException e) when (e.Failure == KvFailure.Damaged)
        {
            // Nothing is lost: the log after it, or a peer's snapshot, makes the rows again.
            Delete(name);
            lease = Start(name);
            WasDamaged = true;
        }

        Use(lease);
    }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte>[] Apply(ReadOnlySpan<CommittedEntry> entries)
    {
        var batch = new MetadataEntry[entries.Length];
        for (int i = 0; i < entries.Length; i++)
        {
            CommittedEntry entry = entries[i];
            batch[i] = new MetadataEntry(entry.Position.Index, entry.Position.Term, entry.IsCommand ? entry.Command : default);
            if (entry.IsCommand && entry.Command.IsEmpty)
                throw new UnknownCommandException($"log entry {entry.Position.Index} is a command of no bytes");
        }

        Lease lease = Current();
        CommandResult[] results = Watch(lease, () => lease.Store.Apply(batch));
        Applied = new LogPosition(lease.Store.AppliedIndex, lease.Store.AppliedTerm);
        var bytes = new ReadOnlyMemory<byte>[entries.Length];
        for (int i = 0; i < bytes.Length; i++)
        {
            if (!entries[i].IsCommand) continue;
            bytes[i] = results[i].ToByteArray();
            if (results[i].Cluster is { } cluster) ClusterFeatureLevel = cluster.FeatureLevel;
        }

        return bytes;
    }

    /// <inheritdoc/>
    public ReplicaStart StartOf(ReplicaId replica)
    {
        Lease lease = Current();
        ReplicaRow? row = Watch(lease, () =>
        {
            using IKvView view = lease.Store.View();
            return new Storage.MetadataReader(view).Replica(replica.Node, replica.Incarnation);
        });
        return row is null ? default : new ReplicaStart(row.Boots, RaftReplica.ProcessOf(row.Nonce.Span));
    }

    /// <inheritdoc/>
    public void Flush()
    {
        Lease lease = Current();
        Watch(lease, () =>
        {
            lease.Store.Flush();
            return true;
        });
    }

    /// <summary>Answers a query from the rows applied so far.</summary>
    /// <param name="query">The query.</param>
    /// <param name="readIndex">What the rows must hold: a replica that failed since this index was confirmed may stand before it. 0: whatever is there.</param>
    /// <exception cref="StoreException">They do not.</exception>
    /// <exception cref="InvalidOperationException">The machine is not open.</exception>
    public QueryResult Answer(Query query, ulong readIndex = 0)
    {
        Lease lease = Rent();
        try
        {
            if (lease.Store.AppliedIndex < readIndex)
                throw new StoreException(StoreFailure.Unavailable, "the metadata of this replica is being read anew");
            return Watch(lease, () => lease.Store.Answer(query));
        }
        finally
        {
            lease.Return();
        }
    }

    /// <inheritdoc/>
    public ISnapshotSource TakeSnapshot()
    {
        Lease lease = Rent();
        IKvView? view = null;
        try
        {
            return Watch(lease, () => new SnapshotSource(view = lease.Store.View(), lease.Return, error => Report(lease, error)));
        }
        catch
        {
            // A view that is left keeps the database open and locked for as long as the process runs.
            view?.Dispose();
            lease.Return();
            throw;
        }
    }

    /// <inheritdoc/>
    public ISnapshotSink ReceiveSnapshot(LogPosition position)
    {
        string name = NextName();

        // A power loss may have taken the folder's name and left a database: rows of another time must not lie under those that come.
        _databases.Delete(PathOf(name));
        _disk.CreateDirectory(PathOf(name));
        IOrderedKv database = _databases.Open(PathOf(name), new OrderedKvOptions(WriteAheadLog: false));
        return new SnapshotSink(name, position, database, complete =>
        {
            if (complete) _disk.SyncDirectory(_root);
            else Delete(name);
        });
    }

    /// <inheritdoc/>
    public void Install(string folder)
    {
        // Opened, a folder that is gone would be an empty state that answers as if everything had been deleted.
        if (!_disk.Exists(PathOf(folder)))
            throw new IOException($"the received state {folder} is gone from {_root}");
        Lease next = Start(folder);
        Lease? old;
        lock (_gate) old = _current;
        Use(next);
        old?.Retire(() => Delete(old.Name));
    }

    /// <inheritdoc/>
    public void Discard(string folder) => Delete(folder);

    /// <inheritdoc/>
    public void Dispose() => Close();

    // A bad block met while running: what it held is in the log or at a peer, and nothing may be read past it.
    private T Watch<T>(Lease lease, Func<T> use)
    {
        try
        {
            return use();
        }
        catch (KvException error) when (error.Failure == KvFailure.Damaged)
        {
            Report(lease, error);
            throw;
        }
    }

    private void Report(Lease lease, KvException error)
    {
        lock (_gate)
        {
            if (_current != lease || _damaged is not null) return;
            _damaged = lease.Name;
        }

        Damaged?.Invoke($"the metadata database {PathOf(lease.Name)} is damaged: {error.Message}");
    }

    private Lease Start(string name)
    {
        _disk.CreateDirectory(PathOf(name));
        IOrderedKv database = _databases.Open(PathOf(name), new OrderedKvOptions(WriteAheadLog: false));
        try
        {
            return new Lease(name, new MetadataStore(database));
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    private void Use(Lease lease)
    {
        using (IKvView view = lease.Store.View())
            ClusterFeatureLevel = new Storage.MetadataReader(view).Cluster()?.FeatureLevel ?? 0;
        Applied = new LogPosition(lease.Store.AppliedIndex, lease.Store.AppliedTerm);
        lock (_gate) _current = lease;
    }

    private void Close()
    {
        Lease? old;
        lock (_gate)
        {
            old = _current;
            _current = null;
        }

        old?.Retire(static () => { });
    }

    private Lease Current()
    {
        lock (_gate) return _current ?? throw new InvalidOperationException("the metadata machine is not open");
    }

    private Lease Rent()
    {
        lock (_gate)
        {
            Lease lease = _current ?? throw new InvalidOperationException("the metadata machine is not open");
            lease.Rent();
            return lease;
        }
    }

    private string NextName()
    {
        int last = 0;
        foreach (string name in _disk.List(_root))
            if (name.StartsWith(Prefix, StringComparison.Ordinal) && int.TryParse(name.AsSpan(Prefix.Length), out int n)) last = Math.Max(last, n);
        return Prefix + (last + 1).ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    private void Delete(string name)
    {
        _databases.Delete(PathOf(name));
        _disk.DeleteDirectory(PathOf(name));
    }

    private string PathOf(string name) => Path.Combine(_root, name);

    // An open database with its users; it closes when it is retired and the last of them is done.
    private sealed class Lease(string name, MetadataStore store)
    {
        private readonly Lock _sync = new();
        private int _users = 1;
        private Action? _then;

        public string Name => name;

        public MetadataStore Store => store;

        public void Rent()
        {
            lock (_sync) _users++;
        }

        public void Retire(Action then)
        {
            lock (_sync) _then = then;
            Return();
        }

        public void Return()
        {
            lock (_sync)
            {
                if (--_users > 0) return;
            }

            store.Dispose();
            _then?.Invoke();
        }
    }
}
