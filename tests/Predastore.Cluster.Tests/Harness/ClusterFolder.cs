using System.Globalization;
using System.Text;
using Predastore.Shards.Disk;

namespace Predastore.Cluster.Tests.Harness;

/// <summary>The files of a test cluster: cluster file, certificates, master key, and below <c>node-N/</c> the data.</summary>
public sealed class ClusterFolder : IDisposable
{
    /// <summary>Access key of every test cluster.</summary>
    public const string AccessKeyId = "AKIAIOSFODNN7EXAMPLE";

    /// <summary>Secret of <see cref="AccessKeyId"/>.</summary>
    public const string SecretAccessKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    public const string Region = "ap-southeast-2";

    public const int S3Port = 8443;

    public const int ControlPort = 6660;

    private readonly Dictionary<int, SmallDisk> _disks = [];

    public ClusterFolder(ClusterShape shape, LoopbackNetwork network)
    {
        Path = Directory.CreateTempSubdirectory("predastore-cluster-").FullName;
        ConfigFile = this["cluster.toml"];
        string toml = Toml(shape, network);
        File.WriteAllText(ConfigFile, toml);
        for (int node = 1; shape.Relayed && node <= shape.Nodes; node++)
            File.WriteAllText(NodeConfigFile(node, shape), toml
                .Replace("[cluster]", $"[cluster]\nbind = \"{network.HiddenHost(node)}\"", StringComparison.Ordinal)
                .Replace($"port = {network.DataPort(node)}\n", $"port = {network.HiddenDataPort(node)}\n", StringComparison.Ordinal));
        Directory.CreateDirectory(this["logs"]);
        File.WriteAllText(HoconFile, shape.Hocon);
        for (int node = 1; shape.NodeDiskBytes > 0 && node <= shape.Nodes; node++)
            _disks[node] = SmallDisk.Mount(NodeFolder(node), shape.NodeDiskBytes);
    }

    public string Path { get; }

    public string ConfigFile { get; }

    public string CaFile => this["certs/ca.pem"];

    public string HoconFile => this["node.conf"];

    public string KeyFile => this["master.key"];

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public string LogFile(int node) => this[$"logs/node-{node}.log"];

    /// <summary>True if a node has written these words, in this life or an earlier one.</summary>
    public bool HasLogged(int node, string words) => LogOf(node).Contains(words, StringComparison.Ordinal);

    /// <summary>All that a node has written so far.</summary>
    public string LogOf(int node)
    {
        if (!File.Exists(LogFile(node)))
            return "";
        using var text = new StreamReader(new FileStream(LogFile(node), FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return text.ReadToEnd();
    }

    /// <summary>Everything of one node.</summary>
    public string NodeFolder(int node) => this[$"node-{node}"];

    /// <summary>The file system of a node's data; only with <see cref="ClusterShape.NodeDiskBytes"/>.</summary>
    public SmallDisk Disk(int node) => _disks[node];

    /// <summary>The metadata replica of a node.</summary>
    public string DbFolder(int node) => this[$"node-{node}/db"];

    /// <summary>The disk with a storage id, which belongs to node id % 100.</summary>
    public string StorageFolder(int storageId) => this[$"node-{storageId % 100}/storage-{storageId}"];

    /// <summary>The file that says whose a data path is.</summary>
    public static string Identity(string folder) => System.IO.Path.Combine(folder, IdentityFile.Name);

    /// <summary>The command line of a node.</summary>
    public IReadOnlyList<string> NodeArgs(int node, ClusterShape shape) =>
    [
        "--config", NodeConfigFile(node, shape), "--node", $"{node}", "--base-path", Path, "--tls-ca", CaFile,
        "--tls-cert", this[$"certs/node-{node}.pem"], "--tls-key", this[$"certs/node-{node}-key.pem"],
        "--encryption-key-file", KeyFile, "--log-level", shape.LogLevel,
    ];

    // Behind relays every node listens elsewhere than where it is dialled, so each has a file of its own.
    private string NodeConfigFile(int node, ClusterShape shape) => shape.Relayed ? this[$"cluster-{node}.toml"] : ConfigFile;

    /// <summary>Makes certificates and key with the program's own commands.</summary>
    public async Task FillAsync()
    {
        foreach (string[] args in new[] { ["certs", "--config", ConfigFile, "--out", this["certs"]], new[] { "keygen", "--out", KeyFile } })
        {
            CommandResult result = await S3dProcess.RunAsync(args);
            if (result.ExitCode != 0)
                throw new InvalidOperationException($"s3d {args[0]}: exit code {result.ExitCode}: {result.Error}");
        }
    }

    public void Dispose()
    {
        foreach (SmallDisk disk in _disks.Values)
            disk.Dispose();
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
            // A node that was killed this moment may still have had a file in the making; once more, then the folder stays.
            Directory.Delete(Path, recursive: true);
        }
    }

    private static string Toml(ClusterShape shape, LoopbackNetwork network)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture,
            $"""
            version = 1
            region = "{Region}"

            [rs]
            data = {shape.Data}
            parity = {shape.Parity}

            [s3]
            port = {S3Port}

            [cluster]
            name = "test"
            port = {ControlPort}

            [transport]
            kind = "{shape.Transport}"

            [[auth]]
            access_key_id = "{AccessKeyId}"
            secret_access_key = "{SecretAccessKey}"
            account_id = "123456789012"
            display_name = "test"

            """);
        for (int node = 1; node <= shape.Replicas; node++)
            text.Append(CultureInfo.InvariantCulture,
                $"""

                [[db]]
                id = {node}
                host = "{network.Host(node)}"
                port = {ControlPort}
                path = "db"
                {(node < shape.FirstStorageNode ? $"data_port = {network.DataPort(node)}" : "")}

                """);
        for (int disk = 0; disk < shape.DisksPerNode; disk++)
            for (int node = shape.FirstStorageNode; node <= shape.Nodes; node++)
                text.Append(CultureInfo.InvariantCulture,
                    $"""

                    [[storage]]
                    id = {node + (100 * disk)}
                    node = {node}
                    host = "{network.Host(node)}"
                    port = {network.DataPort(node)}
                    path = "storage-{node + (100 * disk)}"

                    """);
        return text.Append('\n').Append(shape.MoreToml).Append('\n').ToString();
    }
}
