using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Predastore.Shards.Transport;

/// <summary>
/// Who belongs to the cluster: the cluster CA, and this node's own certificate and key. A peer is trusted only if its chain ends
/// in the cluster CA (the OS trust store is never asked), it is valid now, it may act as client and server, and it is bound to one
/// node number (<see cref="NodeName"/>). Revocation is not checked: replacing the CA is what revokes. Thread-safe.
/// </summary>
public sealed class ClusterTrust : IDisposable
{
    /// <summary>ALPN of the shard protocol, on QUIC and on TLS alike.</summary>
    public static readonly SslApplicationProtocol Alpn = new("predastore-shard/1");

    /// <summary>ALPN of the control plane.</summary>
    public static readonly SslApplicationProtocol ControlAlpn = new("predastore-control/1");

    private const string ServerAuthOid = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthOid = "1.3.6.1.5.5.7.3.2";

    private readonly X509Certificate2Collection _roots;
    private readonly X509Certificate2Collection _intermediates;
    private readonly SslStreamCertificateContext _context;
    private readonly TimeProvider _time;

    private ClusterTrust(
        X509Certificate2Collection roots, X509Certificate2 own, X509Certificate2Collection intermediates, uint node, TimeProvider time)
    {
        _roots = roots;
        _intermediates = intermediates;
        _time = time;
        Certificate = own;
        Node = node;
        // Offline: no certificate is ever downloaded while a handshake waits.
        _context = SslStreamCertificateContext.Create(own, intermediates, offline: true);
    }

    /// <summary>The node this certificate is bound to.</summary>
    public uint Node { get; }

    /// <summary>This node's certificate with its private key. Owned by this object.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>The CA certificates a peer's chain may end in. Owned by this object.</summary>
    public IReadOnlyList<X509Certificate2> Roots => [.. _roots];

    /// <summary>
    /// Nodes of the cluster: a certificate of the CA for any other node is refused. Null where every node of the CA is welcome. Set before
    /// the first handshake.
    /// </summary>
    public IReadOnlySet<uint>? Members { get; set; }

    /// <summary>
    /// Takes PEM texts: one or more CA certificates, this node's certificate (leaf first, intermediates after it) and its key.
    /// </summary>
    /// <exception cref="InvalidDataException">A text holds no certificate, the key does not fit, or the own certificate would
    /// be refused by the peers.</exception>
    public static ClusterTrust Load(string caPem, string certPem, string keyPem, TimeProvider? time = null)
    {
        ClusterTrust trust = LoadUnchecked(caPem, certPem, keyPem, time);
        // A node that every peer refuses should say so at start, not look like a network failure later.
        if (trust.TryValidatePeer(trust.Certificate, trust.Node, out _, out string reason)) return trust;
        trust.Dispose();
        throw new InvalidDataException($"the node certificate would be refused by every peer: {reason}");
    }

    /// <summary>As <see cref="Load"/>, also with a certificate that peers refuse: what an impostor would hold.</summary>
    internal static ClusterTrust LoadUnchecked(string caPem, string certPem, string keyPem, TimeProvider? time = null)
    {
        X509Certificate2Collection roots = ReadCertificates(caPem, "cluster CA");
        X509Certificate2Collection chain = ReadCertificates(certPem, "node certificate");
        X509Certificate2 own;
        try
        {
            own = X509Certificate2.CreateFromPem(certPem, keyPem);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new InvalidDataException("the private key cannot be read or does not belong to the node certificate", e);
        }
        chain[0].Dispose();
        chain.RemoveAt(0);
        if (!NodeName.TryRead(own, out uint node))
            throw new InvalidDataException(
                $"the node certificate must carry exactly one subject alternative name of the form '{NodeName.Of(1)}'");
        return new ClusterTrust(roots, own, chain, node, time ?? TimeProvider.System);
    }

    /// <summary>As <see cref="Load"/>, from files.</summary>
    /// <exception cref="InvalidDataException">As there; or the key file can be read by group or others.</exception>
    /// <exception cref="IOException">A file is missing or cannot be read.</exception>
    public static ClusterTrust LoadFiles(string caPath, string certPath, string keyPath, TimeProvider? time = null)
    {
        PemFile.RequirePrivate(keyPath);
        return Load(File.ReadAllText(caPath), File.ReadAllText(certPath), File.ReadAllText(keyPath), time);
    }

    /// <summary>
    /// Verifies a peer's certificate on its own chain. <paramref name="expectedNode"/> is the node that was dialled; null where any
    /// node of the cluster is welcome. On success <paramref name="node"/> is who the peer is; otherwise
    /// <paramref name="reason"/> says in one line why it is refused. No certificate is a refusal.
    /// </summary>
    public bool TryValidatePeer(X509Certificate2? cert, uint? expectedNode, out uint node, out string reason) =>
        TryValidatePeer(cert, null, expectedNode, out node, out reason);

    /// <summary>As above; <paramref name="presented"/> are certificates the peer sent along, used to complete the chain.</summary>
    public bool TryValidatePeer(
        X509Certificate2? cert, X509Certificate2Collection? presented, uint? expectedNode, out uint node, out string reason)
    {
        node = 0;
        if (cert is null)
        {
            reason = "no certificate";
            return false;
        }
        if (!NodeName.TryRead(cert, out uint bound))
        {
            reason = "the certificate names no node, or several";
            return false;
        }
        if (expectedNode is { } expected && bound != expected)
        {
            reason = $"the certificate belongs to node {bound}, not to node {expected}";
            return false;
        }
        if (Members?.Contains(bound) == false)
        {
            reason = $"node {bound} is not in the cluster file";
            return false;
        }
        if (!MayActAsNode(cert))
        {
            reason = "the certificate may not act as client and server";
            return false;
        }
        using var chain = new X509Chain { ChainPolicy = NewPolicy() };
        if (presented is not null) chain.ChainPolicy.ExtraStore.AddRange(presented);
        bool built = chain.Build(cert);
        reason = built ? "" : Explain(chain);
        foreach (X509ChainElement element in chain.ChainElements) element.Certificate.Dispose();
        if (!built) return false;
        node = bound;
        return true;
    }

    /// <summary>Options of a listener: TLS 1.3, client certificate required and verified.</summary>
    /// <param name="protocol">ALPN; <see cref="Alpn"/> by default.</param>
    /// <param name="distrusted">Hears why a peer's certificate is refused.</param>
    public SslServerAuthenticationOptions ServerOptions(SslApplicationProtocol? protocol = null, Action<string>? distrusted = null) => new()
    {
        ServerCertificateContext = _context,
        ClientCertificateRequired = true,
        EnabledSslProtocols = SslProtocols.Tls13,
        ApplicationProtocols = [protocol ?? Alpn],
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        CertificateChainPolicy = NewPolicy(),
        EncryptionPolicy = EncryptionPolicy.RequireEncryption,
        AllowRenegotiation = false,
        // A resumed session would carry an identity verified under an older CA or clock.
        AllowTlsResume = false,
        RemoteCertificateValidationCallback = (_, cert, chain, errors) => Accepts(cert, chain, errors, null, distrusted),
    };

    /// <summary>Options for dialling a node: as <see cref="ServerOptions"/>, and the peer must be that node.</summary>
    public SslClientAuthenticationOptions ClientOptions(uint node, SslApplicationProtocol? protocol = null, Action<string>? distrusted = null) => new()
    {
        TargetHost = NodeName.Of(node),
        ClientCertificateContext = _context,
        EnabledSslProtocols = SslProtocols.Tls13,
        ApplicationProtocols = [protocol ?? Alpn],
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        CertificateChainPolicy = NewPolicy(),
        EncryptionPolicy = EncryptionPolicy.RequireEncryption,
        AllowRenegotiation = false,
        AllowTlsResume = false,
        RemoteCertificateValidationCallback = (_, cert, chain, errors) => Accepts(cert, chain, errors, node, distrusted),
    };

    /// <summary>Releases the certificates. Connections in use keep their own copies.</summary>
    public void Dispose()
    {
        Certificate.Dispose();
        foreach (X509Certificate2 cert in _roots) cert.Dispose();
        foreach (X509Certificate2 cert in _intermediates) cert.Dispose();
    }

    private bool Accepts(X509Certificate? cert, X509Chain? chain, SslPolicyErrors errors, uint? expectedNode, Action<string>? distrusted)
    {
        // The callback's answer overrides every check of the platform, "no certificate" included: any error is a refusal. Only the
        // host name is ours to judge: a QUIC listener compares the dialer's certificate with the name that was dialled.
        bool trusted = TryValidatePeer(cert as X509Certificate2, chain?.ChainPolicy.ExtraStore, expectedNode, out _, out string reason);
        SslPolicyErrors left = errors & ~SslPolicyErrors.RemoteCertificateNameMismatch;
        if (trusted && left == SslPolicyErrors.None) return true;
        distrusted?.Invoke(trusted ? left.ToString() : reason);
        return false;
    }

    private X509ChainPolicy NewPolicy()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            VerificationFlags = X509VerificationFlags.NoFlag,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(_roots);
        policy.ExtraStore.AddRange(_intermediates);
        policy.VerificationTimeIgnored = false;
        policy.VerificationTime = _time.GetUtcNow().LocalDateTime;
        return policy;
    }

    private static bool MayActAsNode(X509Certificate2 cert)
    {
        bool server = false, client = false;
        foreach (X509Extension extension in cert.Extensions)
        {
            if (extension is X509BasicConstraintsExtension { CertificateAuthority: true }) return false;
            if (extension is not X509EnhancedKeyUsageExtension usages) continue;
            foreach (Oid usage in usages.EnhancedKeyUsages)
            {
                server |= usage.Value == ServerAuthOid;
                client |= usage.Value == ClientAuthOid;
            }
        }
        return server && client;
    }

    private static string Explain(X509Chain chain)
    {
        var seen = new List<string>();
        foreach (X509ChainStatus status in chain.ChainStatus)
            if (!seen.Contains(status.Status.ToString())) seen.Add(status.Status.ToString());
        return "the certificate chain is not valid for this cluster: " + string.Join(", ", seen);
    }

    private static X509Certificate2Collection ReadCertificates(string pem, string what)
    {
        var found = new X509Certificate2Collection();
        try
        {
            found.ImportFromPem(pem);
        }
        catch (CryptographicException e)
        {
            throw new InvalidDataException($"the {what} is not valid PEM", e);
        }
        if (found.Count == 0) throw new InvalidDataException($"the {what} holds no certificate in PEM form");
        return found;
    }
}
