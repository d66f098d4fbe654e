using Predastore.Shards.Disk;

namespace Predastore.Testing.Disk;

/// <summary>
/// Ordered key-value databases in memory that forget what was not hardened. With the write-ahead log, a synced write hardens
/// everything before it; without, only <see cref="IOrderedKv.Flush"/> does. <see cref="Crash"/> leaves each database at the
/// last hardened batch or at any later one, by the given randomness.
/// </summary>
public sealed class MemoryKvFactory(CrashPoint? power = null) : IOrderedKvFactory
{
    private readonly Lock _sync = new();
    private readonly SortedDictionary<string, MemoryKvStore> _stores = new(StringComparer.Ordinal);

    /// <summary>A write is two steps: before anything happened, and between being applied and being hardened.</summary>
    public CrashPoint Power { get; } = power ?? new CrashPoint();

    /// <summary>Asked before every write and flush with the directory; an exception it returns is thrown.</summary>
    public Func<string, Exception?>? Fault { get; set; }

    /// <inheritdoc/>
    public IOrderedKv Open(string directory, OrderedKvOptions options)
    {
        lock (_sync)
        {
            Power.Step();
            directory = Path.GetFullPath(directory);
            if (!_stores.TryGetValue(directory, out var store))
                _stores.Add(directory, store = new MemoryKvStore());
            if (store.Damaged)
                throw new KvException(KvFailure.Damaged, $"{directory} is damaged");
            if (store.Open is not null)
                throw new KvException(KvFailure.Locked, $"{directory} is open");
            return store.Open = new MemoryKv(this, store, directory, options.WriteAheadLog);
        }
    }

    /// <inheritdoc/>
    public void Delete(string directory)
    {
        lock (_sync)
        {
            Power.Step();
            _stores.Remove(Path.GetFullPath(directory));
        }
    }

    /// <summary>Power loss: handles are dead, and each database stands at some batch at or after the last hardened one.</summary>
    public void Crash(Random random)
    {
        lock (_sync)
        {
            foreach (var store in _stores.Values)
                store.Crash(random);
        }
    }

    /// <summary>True if some row shows these bytes.</summary>
    public bool Contains(ReadOnlySpan<byte> bytes)
    {
        lock (_sync)
        {
            foreach (MemoryKvStore store in _stores.Values)
                foreach ((byte[] key, byte[] value) in store.Current)
                    if (key.AsSpan().IndexOf(bytes) >= 0 || value.AsSpan().IndexOf(bytes) >= 0)
                        return true;
            return false;
        }
    }

    /// <summary>Makes <see cref="Open"/> of a database fail as damaged until it is deleted.</summary>
    public void Damage(string directory)
    {
        lock (_sync)
            _stores[Path.GetFullPath(directory)].Damaged = true;
    }
}

/// <summary>What one database holds: the present, and the states that a crash may leave, oldest first.</summary>
internal sealed class MemoryKvStore
{
    // Beyond this the oldest state counts as written out, as a full memory table would be.
    private const int StatesMax = 256;

    private readonly List<KeyValuePair<byte[], byte[]>[]> _states = [[]];

    public Lock Sync { get; } = new();

    public KeyValuePair<byte[], byte[]>[] Current => _states[^1];

    public MemoryKv? Open { get; set; }

    public bool Damaged { get; set; }

    public void Push(KeyValuePair<byte[], byte[]>[] state)
    {
        _states.Add(state);
        if (_states.Count > StatesMax)
            _states.RemoveAt(0);
    }

    public void Harden() => _states.RemoveRange(0, _states.Count - 1);

    public void Crash(Random random)
    {
        lock (Sync)
        {
            var left = random.Next(_states.Count);
            _states.RemoveRange(left + 1, _states.Count - left - 1);
            Harden();
            Open?.Kill();
            Open = null;
        }
    }
}

/// <summary>An open database of <see cref="MemoryKvFactory"/>.</summary>
internal sealed class MemoryKv(MemoryKvFactory factory, MemoryKvStore store, string directory, bool writeAheadLog) : IOrderedKv
{
    private bool _disposed;
    private bool _dead;
    private bool _poisoned;

    public byte[]? Get(ReadOnlySpan<byte> key)
    {
        lock (store.Sync)
        {
            Check();
            return Find(store.Current, key);
        }
    }

    public void Write(KvBatch batch, bool sync)
    {
        if (sync && !writeAheadLog)
            throw new InvalidOperationException("a synced write needs the write-ahead log");
        lock (store.Sync)
        {
            Check();
            if (batch.Count == 0 && !sync)
                return;
            Enter();
            store.Push(Apply(store.Current, batch));
            if (!sync)
                return;
            factory.Power.Step();
            store.Harden();
        }
    }

    public void Flush()
    {
        lock (store.Sync)
        {
            Check();
            Enter();
            store.Harden();
        }
    }

    public IKvView View()
    {
        lock (store.Sync)
        {
            Check();
            return new MemoryKvView(store.Current);
        }
    }

    public void Dispose()
    {
        lock (store.Sync)
        {
            if (_disposed)
                return;
            _disposed = true;
            // A clean close writes everything out; a close after the power failed does nothing.
            if (_dead || factory.Power.Crashed)
                return;
            store.Harden();
            store.Open = null;
        }
    }

    internal void Kill() => _dead = true;

    internal static byte[]? Find(KeyValuePair<byte[], byte[]>[] state, ReadOnlySpan<byte> key)
    {
        int at = Search(state, key);
        return at < 0 ? null : (byte[])state[at].Value.Clone();
    }

    /// <summary>Place of a key, or the complement of where it would be.</summary>
    internal static int Search(KeyValuePair<byte[], byte[]>[] state, ReadOnlySpan<byte> key)
    {
        (int low, int high) = (0, state.Length - 1);
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            int order = state[middle].Key.AsSpan().SequenceCompareTo(key);
            if (order == 0)
                return middle;
            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return ~low;
    }

    // A state never changes: views of it stay as they are. The batch is merged into a new one, its last word on a key counts.
    private static KeyValuePair<byte[], byte[]>[] Apply(KeyValuePair<byte[], byte[]>[] state, KvBatch batch)
    {
        var changes = new SortedDictionary<byte[], byte[]?>(KeyOrder.Instance);
        foreach (var (key, value) in batch.Operations)
            changes[key] = value;
        var next = new KeyValuePair<byte[], byte[]>[state.Length + changes.Count];
        (int from, int to) = (0, 0);
        foreach (var (key, value) in changes)
        {
            int at = Search(state, key);
            int keep = at < 0 ? ~at : at;
            Array.Copy(state, from, next, to, keep - from);
            to += keep - from;
            from = at < 0 ? keep : keep + 1;
            if (value is not null)
                next[to++] = new(key, value);
        }

        Array.Copy(state, from, next, to, state.Length - from);
        to += state.Length - from;
        return to == next.Length ? next : next[..to];
    }

    private void Enter()
    {
        if (_poisoned)
            throw new KvException(KvFailure.Poisoned, "an earlier write failed");
        if (factory.Fault?.Invoke(directory) is { } fault)
        {
            _poisoned = true;
            throw fault;
        }
        factory.Power.Step();
    }

    private void Check()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_dead)
            throw new KvException(KvFailure.Io, $"{directory}: this handle was open when the power failed");
        if (factory.Power.Crashed)
            throw new SimulatedCrashException(factory.Power.Steps);
    }
}

internal sealed class KeyOrder : IComparer<byte[]>
{
    public static readonly KeyOrder Instance = new();

    public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);
}
