using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Predastore.Shards.Transport;

/// <summary>A certificate and its private key, as PEM texts.</summary>
public sealed record IssuedCertificate(string CertificatePem, string KeyPem);

/// <summary>
/// A small certificate authority on ECDSA P-256, for development clusters and tests: no openssl, no prompt. Whoever holds its key
/// can make nodes, so the key file is written with mode 0600. Not thread-safe.
/// </summary>
public sealed class DevelopmentCa : IDisposable
{
    private static readonly TimeSpan CaValidity = TimeSpan.FromDays(3650);
    private static readonly TimeSpan NodeValidity = TimeSpan.FromDays(825);

    // Clocks of machines in one cluster differ: a certificate made just now must be valid on a clock that is behind.
    private static readonly TimeSpan Backdate = TimeSpan.FromHours(1);

    private readonly X509Certificate2 _certificate;
    private readonly TimeProvider _time;

    private DevelopmentCa(X509Certificate2 certificate, TimeProvider time)
    {
        _certificate = certificate;
        _time = time;
    }

    /// <summary>The CA certificate as PEM; this is what every node trusts.</summary>
    public string CertificatePem => _certificate.ExportCertificatePem();

    /// <summary>Makes a new CA whose subject is <c>CN=name</c>, valid for ten years.</summary>
    public static DevelopmentCa Create(string name, TimeProvider? time = null)
    {
        time ??= TimeProvider.System;
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Subject(name), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, critical: true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        DateTimeOffset now = time.GetUtcNow();
        return new DevelopmentCa(request.CreateSelfSigned(now - Backdate, now + CaValidity), time);
    }

    /// <summary>Reads a CA back from its two PEM texts.</summary>
    /// <exception cref="InvalidDataException">They are not a CA certificate and its key.</exception>
    public static DevelopmentCa Import(string certificatePem, string keyPem, TimeProvider? time = null)
    {
        try
        {
            X509Certificate2 certificate = X509Certificate2.CreateFromPem(certificatePem, keyPem);
            return new DevelopmentCa(certificate, time ?? TimeProvider.System);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new InvalidDataException("not a CA certificate with its private key", e);
        }
    }

    /// <summary>The CA's private key as PEM (PKCS#8).</summary>
    public string ExportKeyPem()
    {
        using ECDsa key = _certificate.GetECDsaPrivateKey()!;
        return key.ExportPkcs8PrivateKeyPem();
    }

    /// <summary>
    /// Makes a node's certificate: client and server, bound to the node number, and valid for <c>localhost</c> and the given host
    /// names and IP addresses, so that the S3 port can use it too.
    /// </summary>
    /// <param name="node">The node number.</param>
    /// <param name="hosts">Host names and IP addresses, in any order; repeated ones count once.</param>
    /// <param name="notBefore">Start of validity; an hour ago by default.</param>
    /// <param name="notAfter">End of validity; 825 days from now by default.</param>
    public IssuedCertificate IssueNode(
        uint node, IEnumerable<string> hosts, DateTimeOffset? notBefore = null, DateTimeOffset? notAfter = null)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Subject(NodeName.Of(node)), key, HashAlgorithmName.SHA256);
        var usages = new OidCollection { new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2") };
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(usages, critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(
            X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        request.CertificateExtensions.Add(AlternativeNames(node, hosts));

        DateTimeOffset now = _time.GetUtcNow();
        using X509Certificate2 issued = request.Create(
            _certificate, notBefore ?? now - Backdate, notAfter ?? Earlier(now + NodeValidity, _certificate.NotAfter), NewSerial());
        return new IssuedCertificate(issued.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    /// <inheritdoc/>
    public void Dispose() => _certificate.Dispose();

    private static X509Extension AlternativeNames(uint node, IEnumerable<string> hosts)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(NodeName.Of(node));
        foreach (string host in hosts.Append("localhost").Append("127.0.0.1").Distinct(StringComparer.OrdinalIgnoreCase))
        {
            if (IPAddress.TryParse(host, out IPAddress? address)) names.AddIpAddress(address);
            else names.AddDnsName(host);
        }
        return names.Build();
    }

    private static DateTimeOffset Earlier(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;

    private static X500DistinguishedName Subject(string name)
    {
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(name);
        return subject.Build();
    }

    // RFC 5280, 4.1.2.2: positive and at most 20 octets.
    private static byte[] NewSerial()
    {
        byte[] serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)((serial[0] & 0x7F) | 0x40);
        return serial;
    }
}
