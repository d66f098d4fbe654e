namespace Predastore.Host.Config;

/// <summary>
/// The one file that describes a cluster, checked. It is the same on every node; flags override what differs. Its
/// <c>[rs]</c>, <c>[[db]]</c> and <c>[[storage]]</c> are bootstrap input: once a cluster exists, Raft is the authority.
/// </summary>
public sealed record ClusterFile
{
    /// <summary>Where it was read from, as the operator named it; <see cref="BuiltIn"/> for the file inside the program.</summary>
    public required string Source { get; init; }

    /// <summary>The S3 region that requests are signed for.</summary>
    public required string Region { get; init; }

    public required RsTable Rs { get; init; }

    /// <summary>Metadata replicas, by node number.</summary>
    public required IReadOnlyList<DbEntry> Dbs { get; init; }

    /// <summary>Disks, by storage id.</summary>
    public required IReadOnlyList<StorageEntry> Storages { get; init; }

    public required IReadOnlyList<AuthEntry> Auths { get; init; }

    public required IReadOnlyList<BucketEntry> Buckets { get; init; }

    public required S3Table S3 { get; init; }

    public required ClusterTable Cluster { get; init; }

    public required TlsTable Tls { get; init; }

    public required TransportChoice Transport { get; init; }

    /// <summary><see cref="Source"/> of the file that is compiled in.</summary>
    public const string BuiltIn = "(built-in cluster file)";

    /// <summary>The node numbers the file names, ascending.</summary>
    public IReadOnlyList<uint> Nodes =>
        [.. Dbs.Select(db => db.Node).Concat(Storages.Select(storage => storage.Node)).Distinct().Order()];

    /// <summary>The metadata replica of a node, or null.</summary>
    public DbEntry? DbOf(uint node) => Dbs.FirstOrDefault(db => db.Node == node);

    /// <summary>The disks of a node, by storage id; empty for a node that has none.</summary>
    public IReadOnlyList<StorageEntry> StoragesOf(uint node) => [.. Storages.Where(storage => storage.Node == node)];

    /// <summary>Where the control plane (Akka.Remote) of a node is dialled: its <c>[[db]]</c> port, else <c>[cluster] port</c>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The file names no such node.</exception>
    public HostPort ControlOf(uint node) =>
        DbOf(node) is { } db ? db.Address
        : StoragesOf(node) is [var first, ..] && Cluster.Port is int port ? new HostPort(first.Address.Host, port)
        : throw new ArgumentOutOfRangeException(nameof(node), node, "the cluster file names no such node");

    /// <summary>Where the data plane of a node is dialled: the address of its disks, else the <c>data_port</c> of its <c>[[db]]</c> entry.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The file names no such node.</exception>
    public HostPort DataOf(uint node) =>
        StoragesOf(node) is [var first, ..] ? first.Address
        : DbOf(node) is { DataPort: int port } db ? new HostPort(db.Address.Host, port)
        : throw new ArgumentOutOfRangeException(nameof(node), node, "the cluster file names no such node");

    /// <summary>The host a node is known by: its control-plane host.</summary>
    public string HostOf(uint node) => ControlOf(node).Host;

    /// <summary>SHA-256 of what every node must agree on; see <see cref="ClusterFileDigest"/>.</summary>
    public byte[] SharedDigest() => ClusterFileDigest.Compute(this);

    /// <summary>Reads and checks a file.</summary>
    /// <exception cref="ClusterFileException">The content is wrong; the message names file and line.</exception>
    /// <exception cref="StartupException">The file cannot be read.</exception>
    public static ClusterFile Load(string path)
    {
        string text;
        try
        {
            var info = new FileInfo(path);
            if (!info.Exists)
                throw new StartupException($"{path}: no such cluster file; name one with --config (examples are in config/)");
            if (info.Length > FileBytesMax)
                throw new StartupException($"{path}: {info.Length} bytes is too large for a cluster file (limit {FileBytesMax})");
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"{path}: cannot read the cluster file: {e.Message}");
        }
        return Parse(text, path);
    }

    /// <summary>Checks the text of a file; pure.</summary>
    /// <exception cref="ClusterFileException">The content is wrong; the message names file and line.</exception>
    public static ClusterFile Parse(string text, string source)
    {
        ClusterFile file = ClusterFileParser.Parse(text, source);
        ClusterFileRules.Check(file);
        return file;
    }

    private const int FileBytesMax = 1 << 20;
}
