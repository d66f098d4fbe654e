using Microsoft.Extensions.Logging;
using Predastore.Host.Config;

namespace Predastore.Host;

/// <summary>
/// Everything one node needs to start: cluster file, flags and defaults resolved, all paths absolute. Made by
/// <see cref="NodeOptionsResolver"/>.
/// </summary>
public sealed record NodeOptions
{
    public required ClusterFile Cluster { get; init; }

    /// <summary>The node number.</summary>
    public required uint Node { get; init; }

    /// <summary>The node's own folder, <c>BASE/node-N</c>: relative paths of the cluster file are below it.</summary>
    public required string NodeFolder { get; init; }

    /// <summary>The metadata replica, or null for a node without <c>[[db]]</c>.</summary>
    public required DbOptions? Db { get; init; }

    /// <summary>The node's disks by storage id; empty for a node without <c>[[storage]]</c>.</summary>
    public required IReadOnlyList<StorageOptions> Storages { get; init; }

    /// <summary>Where the S3 door listens (HTTPS). The host may be a wildcard.</summary>
    public required HostPort S3 { get; init; }

    /// <summary>Where the S3 door listens without TLS; null for nowhere.</summary>
    public required HostPort? S3Plain { get; init; }

    /// <summary>Where the others dial this node's control plane.</summary>
    public required HostPort Control { get; init; }

    /// <summary>Address the control plane listens on; may be a wildcard.</summary>
    public required string ControlBind { get; init; }

    /// <summary>Where the others dial this node's data plane.</summary>
    public required HostPort Data { get; init; }

    /// <summary>Address the data plane listens on; may be a wildcard.</summary>
    public required string DataBind { get; init; }

    public required TlsFiles Tls { get; init; }

    /// <summary>Master key files: the first seals, all open.</summary>
    public required IReadOnlyList<string> MasterKeyFiles { get; init; }

    public required TransportChoice Transport { get; init; }

    /// <summary>True when all nodes of the cluster file run in this process, and the in-process transport joins them.</summary>
    public required bool AllInProcess { get; init; }

    /// <summary>The least severe log line that is written.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>True if the node's metadata replica was lost and an empty folder stands for a new one.</summary>
    public bool NewReplica { get; init; }

    /// <summary>A file laid over <c>hocon/</c>; null for none.</summary>
    public string? HoconFile { get; init; }

    /// <summary>True for a cluster on loopback: it uses the quick cluster timings; production uses calmer ones.</summary>
    public bool IsDevelopment => HostAddress.IsLoopback(Control.Host);
}

/// <summary>A metadata replica and its folder.</summary>
public sealed record DbOptions(DbEntry Entry, string Folder);

/// <summary>A disk and its folder.</summary>
public sealed record StorageOptions(StorageEntry Entry, string Folder);

/// <summary>PEM files of a node, absolute paths. The one certificate serves S3, control and data plane.</summary>
/// <param name="CaFile">The cluster CA; the only authority that peers are checked against.</param>
public sealed record TlsFiles(string CaFile, string CertFile, string KeyFile);
