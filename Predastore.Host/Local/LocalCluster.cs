using System.Security.Cryptography;
using System.Text;
using Predastore.Host.Config;
using Predastore.Shards.Crypto;

namespace Predastore.Host.Local;

/// <summary>
/// The cluster that <c>s3d</c> runs without a cluster file: three nodes with RS(2,1) in this process. Its folder keeps the
/// cluster file with its own random credentials, the master key and the certificates, so that the data outlives the process.
/// </summary>
internal sealed class LocalCluster
{
    private const int NodeCount = 3;

    // Not the addresses of config/*.toml, so that it runs beside a cluster of scripts/start.sh.
    private const string HostPrefix = "127.11.11.";

    private readonly string _folder;
    private readonly CertificateFolder _certificates;

    private LocalCluster(string folder)
    {
        _folder = folder;
        _certificates = new CertificateFolder(Path.Combine(folder, "certs"));
    }

    public string ConfigFile => Path.Combine(_folder, "cluster.toml");

    private string KeyFile => Path.Combine(_folder, "master.key");

    /// <summary>What a command line for this cluster would say.</summary>
    public NodeFlags Flags => new()
    {
        BasePath = _folder,
        TlsCa = _certificates.CaFile,
        TlsCert = _certificates.CertFile(NodeOptionsResolver.NodePlaceholder),
        TlsKey = _certificates.KeyFile(NodeOptionsResolver.NodePlaceholder),
        EncryptionKeyFiles = [KeyFile],
    };

    /// <summary><c>$XDG_DATA_HOME/predastore</c>, else <c>~/.local/share/predastore</c> (XDG Base Directory Specification).</summary>
    /// <exception cref="StartupException">Neither variable is set.</exception>
    public static string DefaultFolder(Func<string, string?> environment)
    {
        if (environment("XDG_DATA_HOME") is { Length: > 0 } data && Path.IsPathRooted(data))
            return Path.Combine(data, "predastore");
        return environment("HOME") is { Length: > 0 } home
            ? Path.Combine(home, ".local", "share", "predastore")
            : throw new StartupException("neither XDG_DATA_HOME nor HOME is set; say where the data goes with --base-path DIR");
    }

    /// <summary>Makes what the folder lacks and keeps the rest.</summary>
    /// <exception cref="StartupException">The folder cannot be used.</exception>
    public static LocalCluster Prepare(string folder, TimeProvider time)
    {
        var cluster = new LocalCluster(Path.GetFullPath(folder));
        PrivateFile.CreateFolder(cluster._folder);
        if (!File.Exists(cluster.ConfigFile))
        {
            // Data without its key is lost data: do not hide that by starting anew.
            if (Directory.EnumerateDirectories(cluster._folder, "node-*").Any())
                throw new StartupException($"{cluster.ConfigFile} is gone but data is there; bring it back or empty {cluster._folder}");
            PrivateFile.WriteNew(cluster.ConfigFile, Encoding.UTF8.GetBytes(FileText()));
        }
        if (!File.Exists(cluster.KeyFile))
        {
            if (Directory.EnumerateDirectories(cluster._folder, "node-*").Any())
                throw new StartupException($"{cluster.KeyFile} is gone but data sealed under it is there; bring it back or empty {cluster._folder}");
            MasterKeyFile.Create(cluster.KeyFile);
        }
        cluster._certificates.Fill(ClusterFile.Load(cluster.ConfigFile), time);
        return cluster;
    }

    /// <summary>Says where the cluster is and what to type.</summary>
    public void PrintGuide(TextWriter output, IReadOnlyList<NodeOptions> nodes)
    {
        Guide.Write(output, nodes[0].Cluster, ConfigFile, _certificates.CaFile, _folder);
        output.WriteLine("Ctrl-C stops the cluster; the data stays.");
    }

    private static string FileText()
    {
        var text = new StringBuilder(
            $"""
            # Made by s3d. The credentials are random; whoever reads this file can use the cluster.
            version = 1
            region = "ap-southeast-2"

            [rs]
            data = 2
            parity = 1

            [s3]
            port = 8443

            [cluster]
            name = "local"

            [[auth]]
            access_key_id = "{RandomText("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 20)}"
            secret_access_key = "{RandomText("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 40)}"
            account_id = "123456789012"
            display_name = "local"

            """);
        for (int node = 1; node <= NodeCount; node++)
            text.Append(
                $"""

                [[db]]
                id = {node}
                host = "{HostPrefix}{node}"
                port = 6660
                path = "db"

                [[storage]]
                id = {node}
                host = "{HostPrefix}{node}"
                port = 9991
                path = "storage-{node}"

                """);
        return text.ToString();
    }

    private static string RandomText(string alphabet, int length) => RandomNumberGenerator.GetString(alphabet, length);
}
