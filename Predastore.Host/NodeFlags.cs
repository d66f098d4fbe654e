using Microsoft.Extensions.Logging;

namespace Predastore.Host;

/// <summary>What the command line says about a node; null where it is silent. Flags win over the cluster file.</summary>
public sealed record NodeFlags
{
    /// <summary>The one node to run; null for all nodes of the file in this process.</summary>
    public uint? Node { get; init; }

    /// <summary>Address S3 listens on.</summary>
    public string? Host { get; init; }

    /// <summary>HTTPS port of S3.</summary>
    public int? Port { get; init; }

    /// <summary>Folder below which each node has its own, <c>node-N</c>.</summary>
    public string? BasePath { get; init; }

    public string? TlsCa { get; init; }

    public string? TlsCert { get; init; }

    public string? TlsKey { get; init; }

    /// <summary>In the order given: the first seals.</summary>
    public IReadOnlyList<string> EncryptionKeyFiles { get; init; } = [];

    /// <summary>The node's metadata replica was lost; an empty folder stands for a new one.</summary>
    public bool NewReplica { get; init; }

    public LogLevel? LogLevel { get; init; }

    /// <summary>True if the command line says anything but <c>--base-path</c> and <c>--log-level</c>: then a cluster file is needed.</summary>
    public bool NeedFile =>
        Node is not null || Host is not null || Port is not null || TlsCa is not null || TlsCert is not null || TlsKey is not null
        || EncryptionKeyFiles.Count > 0 || NewReplica;
}
