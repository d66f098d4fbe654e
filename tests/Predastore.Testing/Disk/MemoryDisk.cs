using Predastore.Shards.Disk;

namespace Predastore.Testing.Disk;

/// <summary>
/// A disk in memory that forgets what was not synced. <see cref="IDiskFile.Sync"/> hardens the bytes of a file only;
/// <see cref="SyncDirectory"/> hardens names only. At <see cref="Crash"/> every operation in between is, by the given randomness,
/// lost, applied, or torn at 512 bytes; names of one directory are lost or kept one by one. Deterministic from one thread; from
/// several it is safe as long as no crash is simulated.
/// </summary>
public sealed partial class MemoryDisk : IDisk
{
    private readonly Lock _sync = new();
    private readonly List<NameOperation> _pending = [];
    private Dictionary<string, object> _names = new(StringComparer.Ordinal) { ["/"] = Folder };
    private Dictionary<string, object> _durableNames = new(StringComparer.Ordinal) { ["/"] = Folder };
    private long _calls;
    private int _generation;

    private static readonly object Folder = new();

    /// <summary>An empty disk.</summary>
    /// <param name="power">Shared with what crashes together.</param>
    /// <param name="capacityBytes">Size; writes beyond it throw <see cref="DiskFullException"/>.</param>
    public MemoryDisk(CrashPoint? power = null, long capacityBytes = 1L << 40)
    {
        Power = power ?? new CrashPoint();
        CapacityBytes = capacityBytes;
    }

    /// <summary>Every call that changes something is one step of it.</summary>
    public CrashPoint Power { get; }

    /// <summary>Size of the disk; may be changed.</summary>
    public long CapacityBytes { get; set; }

    /// <summary>Asked before every call; an exception it returns is thrown. A sync that fails so drops the dirty bytes.</summary>
    public Func<DiskCall, Exception?>? Fault { get; set; }

    /// <inheritdoc/>
    public IDiskFile Open(string path, DiskOpenMode mode)
    {
        lock (_sync)
        {
            path = Normal(path);
            Enter(DiskCallKind.Open, path, changes: mode == DiskOpenMode.CreateNew);
            if (mode != DiskOpenMode.CreateNew)
            {
                return _names.GetValueOrDefault(path) is MemoryInode found
                    ? new Handle(this, path, found, mode == DiskOpenMode.ReadOnly)
                    : throw new FileNotFoundException($"no file {path}");
            }
            if (_names.ContainsKey(path))
                throw new IOException($"{path} exists");
            var inode = new MemoryInode();
            Link(path, inode);
            return new Handle(this, path, inode, readOnly: false);
        }
    }

    /// <inheritdoc/>
    public bool Exists(string path)
    {
        lock (_sync)
            return _names.ContainsKey(Normal(path));
    }

    /// <inheritdoc/>
    public void CreateDirectory(string path)
    {
        lock (_sync)
        {
            path = Normal(path);
            Enter(DiskCallKind.CreateDirectory, path, changes: true);
            foreach (var level in Levels(path).Where(l => !_names.ContainsKey(l)))
                Link(level, Folder);
        }
    }

    /// <inheritdoc/>
    public void DeleteFile(string path)
    {
        lock (_sync)
        {
            path = Normal(path);
            Enter(DiskCallKind.Delete, path, changes: true);
            if (_names.ContainsKey(path))
                Do(new NameOperation(path, null, null));
        }
    }

    /// <inheritdoc/>
    public void DeleteDirectory(string path)
    {
        lock (_sync)
        {
            path = Normal(path);
            Enter(DiskCallKind.Delete, path, changes: true);
            foreach (var name in Below(path).Append(path).Where(_names.ContainsKey).ToList())
                Do(new NameOperation(name, null, null));
        }
    }

    /// <inheritdoc/>
    public void Rename(string from, string to)
    {
        lock (_sync)
        {
            (from, to) = (Normal(from), Normal(to));
            Enter(DiskCallKind.Rename, from, changes: true);
            if (!_names.TryGetValue(from, out var moved))
                throw new FileNotFoundException($"nothing at {from}");
            RequireParent(to);
            if (moved == Folder && _names.ContainsKey(to))
                throw new IOException($"{to} exists");
            Do(new NameOperation(to, moved, from));
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> List(string directory)
    {
        lock (_sync)
        {
            directory = Normal(directory);
            Enter(DiskCallKind.List, directory, changes: false);
            if (_names.GetValueOrDefault(directory) != Folder)
                throw new DirectoryNotFoundException($"no directory {directory}");
            return [.. Below(directory).Where(n => Parent(n) == directory).Select(n => Path.GetFileName(n)!).Order(StringComparer.Ordinal)];
        }
    }

    /// <inheritdoc/>
    public void SyncDirectory(string path)
    {
        lock (_sync)
        {
            path = Normal(path);
            Enter(DiskCallKind.SyncDirectory, path, changes: true);
            if (_names.GetValueOrDefault(path) != Folder)
                throw new DirectoryNotFoundException($"no directory {path}");
            foreach (var operation in _pending.Where(o => Parent(o.Path) == path))
                operation.Apply(_durableNames);
            _pending.RemoveAll(o => Parent(o.Path) == path);
        }
    }

    /// <inheritdoc/>
    public DiskSpace Space(string path)
    {
        lock (_sync)
            return new DiskSpace(CapacityBytes, Math.Max(0, CapacityBytes - Used()));
    }

    /// <summary>Power loss: every handle is dead, and what was not synced is decided by <paramref name="random"/>.</summary>
    public void Crash(Random random)
    {
        lock (_sync)
        {
            _generation++;
            foreach (var operation in _pending)
            {
                if (random.Next(2) == 0)
                    operation.Apply(_durableNames);
            }
            _pending.Clear();
            // A name whose directory was lost is lost with it.
            _names = new Dictionary<string, object>(StringComparer.Ordinal);
            foreach (var (path, node) in _durableNames.OrderBy(n => n.Key, StringComparer.Ordinal))
            {
                if (path == "/" || _names.GetValueOrDefault(Parent(path)) == Folder)
                    _names[path] = node;
            }
            _durableNames = new Dictionary<string, object>(_names, StringComparer.Ordinal);
            foreach (var (_, inode) in _names.OrderBy(n => n.Key, StringComparer.Ordinal))
                (inode as MemoryInode)?.Crash(random);
        }
    }

    /// <summary>Flips one bit of a file, durably, as a medium does.</summary>
    public void FlipBit(string path, long bit)
    {
        lock (_sync)
            ((MemoryInode)_names[Normal(path)]).FlipBit(bit);
    }

    /// <summary>Puts bytes where a file has others, durably, as a misdirected write of another file does.</summary>
    public void Overwrite(string path, long offset, ReadOnlySpan<byte> bytes)
    {
        lock (_sync)
            ((MemoryInode)_names[Normal(path)]).Overwrite(offset, bytes);
    }

    /// <summary>True if some file shows these bytes.</summary>
    public bool Contains(ReadOnlySpan<byte> bytes)
    {
        lock (_sync)
        {
            foreach (object node in _names.Values)
                if (node is MemoryInode inode && inode.Contains(bytes))
                    return true;
            return false;
        }
    }

    /// <summary>Files with their lengths, in order of their names.</summary>
    public IReadOnlyList<(string Path, long Length)> Files()
    {
        lock (_sync)
        {
            return [.. _names.Where(n => n.Value is MemoryInode).OrderBy(n => n.Key, StringComparer.Ordinal)
                .Select(n => (n.Key, ((MemoryInode)n.Value).Length))];
        }
    }

    private void Enter(DiskCallKind kind, string path, bool changes)
    {
        if (Fault?.Invoke(new DiskCall(kind, path, _calls++)) is { } fault)
            throw fault;
        if (changes)
            Power.Step();
        else if (Power.Crashed)
            throw new SimulatedCrashException(Power.Steps);
    }

    private void Link(string path, object node)
    {
        RequireParent(path);
        Do(new NameOperation(path, node, null));
    }

    private void RequireParent(string path)
    {
        if (_names.GetValueOrDefault(Parent(path)) != Folder)
            throw new DirectoryNotFoundException($"no directory {Parent(path)}");
    }

    private void Do(NameOperation operation)
    {
        operation.Apply(_names);
        _pending.Add(operation);
    }

    private long Used() => _names.Values.OfType<MemoryInode>().Sum(i => i.UsedBytes);

    private IEnumerable<string> Below(string directory)
    {
        var prefix = directory == "/" ? "/" : directory + "/";
        return _names.Keys.Where(n => n.Length > prefix.Length && n.StartsWith(prefix, StringComparison.Ordinal));
    }

    private static string Normal(string path)
    {
        var full = Path.GetFullPath(path).Replace('\\', '/');
        return full.Length > 1 ? full.TrimEnd('/') : full;
    }

    private static string Parent(string path) => path.LastIndexOf('/') is var slash && slash > 0 ? path[..slash] : "/";

    private static IEnumerable<string> Levels(string path)
    {
        for (var slash = path.IndexOf('/', 1); slash > 0; slash = path.IndexOf('/', slash + 1))
            yield return path[..slash];
        yield return path;
    }

    /// <summary>A name that comes (with its node), moves (from another one) or goes.</summary>
    private sealed record NameOperation(string Path, object? Node, string? From)
    {
        public void Apply(Dictionary<string, object> names)
        {
            if (Node is null)
            {
                names.Remove(Path);
                return;
            }
            if (From is not null)
            {
                names.Remove(From);
                // A directory takes what is in it along.
                foreach (var name in names.Keys.Where(n => n.StartsWith(From + "/", StringComparison.Ordinal)).ToList())
                {
                    names.Remove(name, out var inner);
                    names[Path + name[From.Length..]] = inner!;
                }
            }
            names[Path] = Node;
        }
    }
}
