using System.Net;
using System.Net.Sockets;
using Akka.Configuration;
using Predastore.Actors.Serialization;
using Predastore.Shards.Transport;

namespace Predastore.Actors.Hosting;

/// <summary>Which timings a node uses: <c>hocon/development.conf</c> or <c>hocon/production.conf</c>.</summary>
public enum TimingProfile
{
    /// <summary>Calm: for machines on a network.</summary>
    Production,

    /// <summary>Quick: for a cluster on one machine.</summary>
    Development,
}

/// <summary>Where a node's control plane listens: host as peers dial it, and TCP port.</summary>
public sealed record ControlAddress(string Host, int Port)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Host}:{Port}";
}

/// <summary>All that the actor system of one node needs to know; the same tables on every node.</summary>
public sealed record NodeSettings
{
    /// <summary>This node's number.</summary>
    public required uint Node { get; init; }

    /// <summary>Control addresses of every node of the cluster file, this one included.</summary>
    public required IReadOnlyDictionary<uint, ControlAddress> Nodes { get; init; }

    /// <summary>Nodes that hold a metadata replica. The seed nodes of the Akka cluster are among them.</summary>
    public required IReadOnlyCollection<uint> DbNodes { get; init; }

    /// <summary>Storage id to node number, as the cluster file has it at start.</summary>
    public required IReadOnlyDictionary<uint, uint> StorageNodes { get; init; }

    /// <summary>Whether this node serves S3.</summary>
    public bool Gate { get; init; } = true;

    /// <summary>The cluster CA and this node's certificate. Not owned.</summary>
    public required ClusterTrust Trust { get; init; }

    /// <summary>Every protocol whose messages cross nodes; those of this namespace and of the topology are added by themselves.</summary>
    public IReadOnlyCollection<WireProtocol> Protocols { get; init; } = [];

    /// <summary>
    /// Asks another node what <see cref="ActorSystemKeeper.DescribeTopology"/> says there, by a way that a quarantine between two actor
    /// systems does not close; null for none. It fails with any exception.
    /// </summary>
    public Func<uint, CancellationToken, Task<byte[]>>? ProbeAside { get; init; }

    /// <summary>Address to bind to where it is not the one peers dial.</summary>
    public string? BindHost { get; init; }

    /// <summary>Timings.</summary>
    public TimingProfile Timing { get; init; } = TimingProfile.Production;

    /// <summary>Laid over the files in <c>hocon/</c>, for tests.</summary>
    public Config? Overrides { get; init; }

    /// <summary>Where this node's control plane listens.</summary>
    public ControlAddress Address => Nodes[Node];

    /// <summary>Where it binds: <see cref="BindHost"/>, or else the host that peers dial.</summary>
    /// <exception cref="SocketException">The host name is not known.</exception>
    public async Task<IPEndPoint> ListenAtAsync(CancellationToken cancellation)
    {
        IPAddress[] addresses = await Dns.GetHostAddressesAsync(BindHost ?? Address.Host, cancellation);
        return new IPEndPoint(addresses[0], Address.Port);
    }

    /// <summary>Roles of this node in the Akka cluster, its number included.</summary>
    public IReadOnlyList<string> Roles
    {
        get
        {
            var roles = new List<string> { NodeRoles.OfNumber(Node) };
            if (DbNodes.Contains(Node)) roles.Add(NodeRoles.Db);
            if (StorageNodes.Values.Contains(Node)) roles.Add(NodeRoles.Storage);
            if (Gate) roles.Add(NodeRoles.Gate);
            return roles;
        }
    }

    /// <summary>Throws where the tables contradict each other or the certificate.</summary>
    /// <exception cref="ArgumentException">With one line that says what is wrong.</exception>
    public void Validate()
    {
        if (!Nodes.ContainsKey(Node)) throw new ArgumentException($"node {Node} has no control address");
        if (Trust.Node != Node) throw new ArgumentException($"the certificate belongs to node {Trust.Node}, not to node {Node}");
        if (DbNodes.Count == 0) throw new ArgumentException("no node holds a metadata replica: a cluster needs at least one [[db]]");
        foreach (uint node in DbNodes.Concat(StorageNodes.Values))
            if (!Nodes.ContainsKey(node)) throw new ArgumentException($"node {node} has no control address");
        if (Nodes.Values.GroupBy(a => a).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new ArgumentException($"two nodes have the control address {twice.Key}");
    }
}
