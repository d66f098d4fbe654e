namespace Predastore.Host.Config;

/// <summary><c>[rs]</c>: Reed-Solomon geometry of new objects, K data and M parity shards, K+M at most <see cref="ShardsMax"/>.</summary>
public sealed record RsTable(int Data, int Parity, int Line)
{
    /// <summary>Shards a stripe may have.</summary>
    public const int ShardsMax = 32;

    public int Shards => Data + Parity;
}

/// <summary><c>[[db]]</c>: node <see cref="Node"/> (its <c>id</c>) has a metadata replica, reached at <see cref="Address"/>.</summary>
/// <param name="Path">Absolute, or relative to the node's folder.</param>
/// <param name="DataPort">Port of the data plane of a node without <c>[[storage]]</c>; null where the disks' entries name it.</param>
/// <param name="Line">1-based line of the entry.</param>
public sealed record DbEntry(uint Node, HostPort Address, string Path, int? DataPort, int Line);

/// <summary><c>[[storage]]</c>: one disk. Entries of one node share one address: one listener serves them all.</summary>
/// <param name="Id">The storage id, unique in the cluster for ever.</param>
/// <param name="Node">The node that has the disk; the storage id where the file does not say.</param>
/// <param name="Address">Where the node's data plane is dialled (UDP for QUIC and TCP for TLS, same number).</param>
/// <param name="Path">Absolute, or relative to the node's folder.</param>
/// <param name="Weight">Share of the ring relative to the others, 1..1000; configured capacity, never live free space.</param>
/// <param name="Zone">Failure domain above the host; empty where the file does not say.</param>
/// <param name="Line">1-based line of the entry.</param>
public sealed record StorageEntry(uint Id, uint Node, HostPort Address, string Path, int Weight, string Zone, int Line);

/// <summary><c>[[auth]]</c>: one access key of one account.</summary>
/// <param name="AccountId">12 digits, as AWS writes them.</param>
/// <param name="CanonicalId">64 hex digits; derived from the account id where the file does not say.</param>
public sealed record AuthEntry(
    string AccessKeyId, string SecretAccessKey, string AccountId, string DisplayName, string? Email, string CanonicalId, int Line)
{
    /// <summary>Names the key and never the secret: records print all members, and options end in logs.</summary>
    public override string ToString() => $"AuthEntry {{ {AccessKeyId}, account {AccountId} }}";
}

/// <summary><c>[[bucket]]</c>: a bucket that exists from the cluster's first day.</summary>
/// <param name="AccountId">Its owner; the first <c>[[auth]]</c> account where the file does not say.</param>
/// <param name="Public">True if everybody may read it without credentials.</param>
public sealed record BucketEntry(string Name, string Region, string AccountId, bool Public, int Line);

/// <summary><c>[s3]</c>: the public door.</summary>
/// <param name="Bind">Address to listen on; null for the node's own host. May be a wildcard.</param>
/// <param name="Port">HTTPS port.</param>
/// <param name="PlainPort">Plain-HTTP port for loopback and for proxies that end TLS; null for none.</param>
/// <param name="Domains">Domains under which <c>bucket.domain</c> names a bucket.</param>
public sealed record S3Table(string? Bind, int Port, int? PlainPort, IReadOnlyList<string> Domains, int Line);

/// <summary><c>[cluster]</c>: between the nodes.</summary>
/// <param name="Name">A name for people, in logs and status.</param>
/// <param name="Bind">Address the control and data planes listen on; null for the entry's own host. May be a wildcard.</param>
/// <param name="Port">Control-plane port of nodes without a <c>[[db]]</c> entry; null where every node has one.</param>
public sealed record ClusterTable(string Name, string? Bind, int? Port, int Line);

/// <summary><c>[tls]</c>: PEM files, absolute or relative to the cluster file's folder; each may instead come from a flag.</summary>
public sealed record TlsTable(string? Ca, string? Cert, string? Key);

/// <summary><c>[transport] kind</c>: how shard bytes travel between processes.</summary>
public enum TransportChoice
{
    /// <summary>QUIC where the native library is there, TLS over TCP otherwise and as the fallback.</summary>
    Auto,

    /// <summary>QUIC or no start.</summary>
    Quic,

    /// <summary>TLS 1.3 over TCP only.</summary>
    Tls,
}
