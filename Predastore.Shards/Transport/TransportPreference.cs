namespace Predastore.Shards.Transport;

/// <summary>What the cluster file's <c>[transport] kind</c> asks for.</summary>
public enum TransportPreference
{
    /// <summary>QUIC where both nodes have its library, TLS otherwise. Listens on both.</summary>
    Auto = 0,

    /// <summary>QUIC only; a node without the library refuses to start.</summary>
    Quic = 1,

    /// <summary>TLS over TCP only.</summary>
    Tls = 2,
}
