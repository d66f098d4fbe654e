using Microsoft.Extensions.Logging;
using Predastore.Host.Config;

namespace Predastore.Host;

/// <summary>Cluster file + flags + environment -> <see cref="NodeOptions"/> of each node to run. Pure but for <c>Path.GetFullPath</c>.</summary>
public static class NodeOptionsResolver
{
    /// <summary>Names a master key file where no flag does.</summary>
    public const string KeyFileVariable = "ENCRYPTION_KEY_FILE";

    /// <summary>Names a file whose values are laid over those of <c>hocon/</c>.</summary>
    public const string HoconVariable = "S3D_HOCON";

    /// <summary>In a path of <c>[tls]</c> or of a TLS flag this stands for the node number, so that one file serves all nodes.</summary>
    public const string NodePlaceholder = "{node}";

    /// <param name="environment">Looks up an environment variable; null where it is not set.</param>
    /// <exception cref="StartupException">Something is missing or contradicts; one line.</exception>
    public static IReadOnlyList<NodeOptions> Resolve(ClusterFile file, NodeFlags flags, Func<string, string?> environment)
    {
        IReadOnlyList<uint> nodes = file.Nodes;
        if (flags.Node is uint only)
        {
            if (!nodes.Contains(only))
                throw new StartupException($"{file.Source} has no node {only}; --node must be one of {string.Join(", ", nodes)}");
            nodes = [only];
        }
        bool allInProcess = flags.Node is null;
        if (allInProcess)
            RefuseOneAddressForMany(file, flags, nodes);
        IReadOnlyList<string> keys = MasterKeyFiles(flags, environment);
        string? hocon = environment(HoconVariable) is { Length: > 0 } path ? Path.GetFullPath(path) : null;
        return [.. nodes.Select(node => ResolveNode(file, flags, node, keys, allInProcess) with { HoconFile = hocon })];
    }

    private static void RefuseOneAddressForMany(ClusterFile file, NodeFlags flags, IReadOnlyList<uint> nodes)
    {
        if (flags.Host is not null && nodes.Count > 1)
            throw new StartupException($"--host is for one node, but {file.Source} has {nodes.Count}; add --node N or leave --host out");
        if (nodes.FirstOrDefault(node => !HostAddress.IsLoopback(file.HostOf(node))) is not 0 and var remote)
            throw new StartupException(
                $"{file.Source} puts node {remote} on {file.HostOf(remote)}; without --node all nodes run in this process, on loopback only: add --node N");
        if (file.S3.Bind is not null && nodes.Count > 1)
            throw new StartupException(
                $"{file.Source} binds S3 of all nodes to {file.S3.Bind}:{file.S3.Port}; without --node they share this process: remove [s3] bind or add --node N");
    }

    private static NodeOptions ResolveNode(
        ClusterFile file, NodeFlags flags, uint node, IReadOnlyList<string> keys, bool allInProcess)
    {
        HostPort control = file.ControlOf(node);
        HostPort data = file.DataOf(node);
        string s3Host = flags.Host ?? file.S3.Bind ?? control.Host;
        if (!HostAddress.IsWildcard(s3Host) && !HostAddress.IsValid(s3Host))
            throw new StartupException($"--host {s3Host} is no address; write an IP address, or 0.0.0.0 for all");
        // The file alone was checked when it was read; a flag can still open the door.
        if (ClusterFileRules.KnownCredentials(file) is { } known && !HostAddress.IsLoopback(s3Host))
            throw new ClusterFileException(file.Source, known.Line, ClusterFileRules.KnownCredentialsProblem(s3Host));
        int s3Port = flags.Port ?? file.S3.Port;
        if (s3Port is < 1 or > 65535)
            throw new StartupException($"--port {s3Port} is no port; it must be between 1 and 65535");

        string folder = Path.Combine(BasePath(file, flags), $"node-{node}");
        return new NodeOptions
        {
            Cluster = file,
            Node = node,
            NodeFolder = folder,
            Db = file.DbOf(node) is { } db ? new DbOptions(db, Below(folder, db.Path)) : null,
            Storages = [.. file.StoragesOf(node).Select(entry => new StorageOptions(entry, Below(folder, entry.Path)))],
            S3 = new HostPort(s3Host, s3Port),
            S3Plain = file.S3.PlainPort is int plain ? new HostPort(s3Host, plain) : null,
            Control = control,
            ControlBind = file.Cluster.Bind ?? control.Host,
            Data = data,
            DataBind = file.Cluster.Bind ?? data.Host,
            Tls = Tls(file, flags, node),
            MasterKeyFiles = keys,
            Transport = file.Transport,
            AllInProcess = allInProcess,
            NewReplica = flags.NewReplica,
            LogLevel = flags.LogLevel ?? LogLevel.Information,
        };
    }

    private static string BasePath(ClusterFile file, NodeFlags flags)
    {
        if (flags.BasePath is { Length: > 0 } given)
            return Path.GetFullPath(given);
        bool needed = file.Dbs.Any(db => !Path.IsPathRooted(db.Path)) || file.Storages.Any(s => !Path.IsPathRooted(s.Path));
        return needed
            ? throw new StartupException($"{file.Source} has relative paths; say below which folder they are with --base-path DIR")
            : Path.GetFullPath(".");
    }

    private static TlsFiles Tls(ClusterFile file, NodeFlags flags, uint node)
    {
        return new TlsFiles(
            Pick(flags.TlsCa, file.Tls.Ca, "--tls-ca", "ca"),
            Pick(flags.TlsCert, file.Tls.Cert, "--tls-cert", "cert"),
            Pick(flags.TlsKey, file.Tls.Key, "--tls-key", "key"));

        string Pick(string? flag, string? configured, string flagName, string key)
        {
            string path = flag is not null ? Path.GetFullPath(flag)
                : configured is not null ? Below(Path.GetDirectoryName(Path.GetFullPath(file.Source))!, configured)
                : throw new StartupException($"no TLS {key} file; give {flagName} FILE or [tls] {key} (s3d certs makes development certificates)");
            return path.Replace(NodePlaceholder, node.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
        }
    }

    private static List<string> MasterKeyFiles(NodeFlags flags, Func<string, string?> environment)
    {
        IEnumerable<string> given = flags.EncryptionKeyFiles.Count > 0 ? flags.EncryptionKeyFiles
            : environment(KeyFileVariable) is { Length: > 0 } variable ? [variable]
            : throw new StartupException($"no master key; give --encryption-key-file FILE or set {KeyFileVariable} (s3d keygen --out FILE makes one)");
        return [.. given.Select(Path.GetFullPath)];
    }

    private static string Below(string folder, string path) => Path.GetFullPath(path, folder);
}
