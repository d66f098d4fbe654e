namespace Predastore.Cluster.Tests.Harness;

/// <summary>What cluster a test wants.</summary>
/// <param name="Nodes">Nodes, numbered from 1; each has one process.</param>
/// <param name="Data">K of RS(K,M).</param>
/// <param name="Parity">M of RS(K,M).</param>
public sealed record ClusterShape(int Nodes, int Data, int Parity)
{
    /// <summary>Three nodes, RS(2,1).</summary>
    public static ClusterShape Three => new(3, 2, 1);

    /// <summary>Five nodes, RS(3,2).</summary>
    public static ClusterShape Five => new(5, 3, 2);

    /// <summary>Metadata replicas: on the first nodes.</summary>
    public int Replicas { get; init; } = Nodes;

    /// <summary>Nodes before this one have no storage.</summary>
    public int FirstStorageNode { get; init; } = 1;

    /// <summary>Storage ids a node has: N, N+100, N+200...</summary>
    public int DisksPerNode { get; init; } = 1;

    /// <summary><c>auto</c>, <c>quic</c> or <c>tls</c>.</summary>
    public string Transport { get; init; } = "auto";

    /// <summary>Least severe log line; tests that search logs for secrets want Trace.</summary>
    public string LogLevel { get; init; } = "Information";

    /// <summary>Environment variables of the processes, such as a limit on the heap.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Nodes reach each other over relays, which a test can cut and slow down: <see cref="S3Cluster.Links"/>.</summary>
    public bool Relayed { get; init; }

    /// <summary>Size of a file system of its own that every node has for its data; 0 for folders on the disk of the tests.</summary>
    public long NodeDiskBytes { get; init; }

    /// <summary>Variables of one node's process, over those of all.</summary>
    public Func<ClusterFolder, int, IReadOnlyDictionary<string, string>>? NodeEnvironment { get; init; }

    /// <summary>Values laid over those of <c>hocon/</c>.</summary>
    public string Hocon { get; init; } = "";

    /// <summary>TOML added at the end of the cluster file, such as <c>[[bucket]]</c> or more <c>[[auth]]</c>.</summary>
    public string MoreToml { get; init; } = "";
}
