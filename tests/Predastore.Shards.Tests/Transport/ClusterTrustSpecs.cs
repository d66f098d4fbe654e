using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Predastore.Shards.Transport;
using Xunit;

namespace Predastore.Shards.Tests.Transport;

public sealed class ClusterTrustSpecs : IDisposable
{
    private readonly DevelopmentCa _ca = DevelopmentCa.Create("test cluster");
    private readonly ClusterTrust _trust;

    public ClusterTrustSpecs() => _trust = TrustOf(_ca, 1);

    [Fact]
    public void Trust_should_know_its_own_node() => Assert.Equal(1u, _trust.Node);

    [Theory]
    [InlineData(null)]
    [InlineData(2u)]
    public void Peer_of_the_same_ca_should_be_accepted(uint? expected)
    {
        using X509Certificate2 peer = CertOf(_ca.IssueNode(2, ["127.0.0.2", "node2.example"]));
        Assert.True(_trust.TryValidatePeer(peer, expected, out uint node, out string reason), reason);
        Assert.Equal(2u, node);
    }

    [Fact]
    public void Missing_certificate_should_be_refused() => Refused(null, null, "no certificate");

    [Fact]
    public void Other_node_should_be_refused_where_another_was_dialled()
    {
        using X509Certificate2 peer = CertOf(_ca.IssueNode(2, []));
        Refused(peer, 3, "belongs to node 2");
    }

    [Fact]
    public void Other_ca_should_be_refused_even_with_the_same_name()
    {
        using DevelopmentCa other = DevelopmentCa.Create("test cluster");
        using X509Certificate2 peer = CertOf(other.IssueNode(2, []));
        Refused(peer, 2, "chain");
    }

    [Theory]
    [InlineData(-20, -10)]
    [InlineData(10, 20)]
    public void Certificate_should_be_refused_outside_its_validity(int fromMinutes, int toMinutes)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        using X509Certificate2 peer = CertOf(_ca.IssueNode(2, [], now.AddMinutes(fromMinutes), now.AddMinutes(toMinutes)));
        Refused(peer, 2, "NotTimeValid");
    }

    [Fact]
    public void Validity_should_be_judged_by_the_given_clock()
    {
        IssuedCertificate own = _ca.IssueNode(1, []);
        var error = Assert.Throws<InvalidDataException>(
            () => ClusterTrust.Load(_ca.CertificatePem, own.CertificatePem, own.KeyPem, new FixedTime(DateTimeOffset.UtcNow.AddYears(3))));
        Assert.Contains("NotTimeValid", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Self_signed_certificate_should_be_refused()
    {
        using X509Certificate2 peer = SelfSigned(["node-2.predastore.internal"], both: true);
        Refused(peer, 2, "chain");
    }

    [Fact]
    public void Certificate_of_two_nodes_should_be_refused()
    {
        using X509Certificate2 peer = SelfSigned(["node-2.predastore.internal", "node-3.predastore.internal"], both: true);
        Refused(peer, null, "names no node, or several");
    }

    [Fact]
    public void Certificate_without_client_usage_should_be_refused()
    {
        using X509Certificate2 peer = SelfSigned(["node-2.predastore.internal"], both: false);
        Refused(peer, 2, "may not act");
    }

    [Fact]
    public void Ca_certificate_itself_should_be_refused()
    {
        using X509Certificate2 ca = X509Certificate2.CreateFromPem(_ca.CertificatePem);
        Refused(ca, null, "names no node");
    }

    [Fact]
    public void Node_that_is_no_member_should_be_refused()
    {
        using X509Certificate2 peer = CertOf(_ca.IssueNode(77, []));
        Assert.True(_trust.TryValidatePeer(peer, null, out _, out _));
        _trust.Members = new HashSet<uint> { 1, 2 };
        Assert.False(_trust.TryValidatePeer(peer, null, out _, out string reason));
        Assert.Equal("node 77 is not in the cluster file", reason);
    }

    [Fact]
    public void Load_should_refuse_a_foreign_key()
    {
        IssuedCertificate a = _ca.IssueNode(1, []), b = _ca.IssueNode(1, []);
        Assert.Throws<InvalidDataException>(() => ClusterTrust.Load(_ca.CertificatePem, a.CertificatePem, b.KeyPem));
    }

    [Fact]
    public void Load_should_refuse_text_without_certificates()
    {
        IssuedCertificate a = _ca.IssueNode(1, []);
        Assert.Throws<InvalidDataException>(() => ClusterTrust.Load("hello", a.CertificatePem, a.KeyPem));
        Assert.Throws<InvalidDataException>(() => ClusterTrust.Load(_ca.CertificatePem, "hello", a.KeyPem));
        Assert.Throws<InvalidDataException>(() => ClusterTrust.Load(_ca.CertificatePem, a.CertificatePem, "hello"));
    }

    [Fact]
    public void Ca_should_survive_export_and_import()
    {
        using DevelopmentCa again = DevelopmentCa.Import(_ca.CertificatePem, _ca.ExportKeyPem());
        using X509Certificate2 peer = CertOf(again.IssueNode(7, []));
        Assert.True(_trust.TryValidatePeer(peer, 7, out _, out string reason), reason);
    }

    [SkippableFact]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public void Key_file_should_be_private_and_refused_when_it_is_not()
    {
        Skip.If(OperatingSystem.IsWindows(), "needs Unix file modes");
        string folder = Directory.CreateTempSubdirectory("predastore-trust").FullName;
        try
        {
            IssuedCertificate own = _ca.IssueNode(4, []);
            string ca = Path.Join(folder, "ca.pem"), cert = Path.Join(folder, "node.pem"), key = Path.Join(folder, "node.key");
            PemFile.WriteCertificate(ca, _ca.CertificatePem);
            PemFile.WriteCertificate(cert, own.CertificatePem);
            PemFile.WriteKey(key, own.KeyPem);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(key));
            using (ClusterTrust trust = ClusterTrust.LoadFiles(ca, cert, key)) Assert.Equal(4u, trust.Node);

            File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
            Assert.Throws<InvalidDataException>(() => ClusterTrust.LoadFiles(ca, cert, key));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("node-0.predastore.internal", 0u)]
    [InlineData("NODE-12.Predastore.Internal", 12u)]
    [InlineData("node-4294967295.predastore.internal", uint.MaxValue)]
    public void Node_name_should_be_read(string name, uint node)
    {
        Assert.True(NodeName.TryParse(name, out uint read));
        Assert.Equal(node, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("node-.predastore.internal")]
    [InlineData("node-01.predastore.internal")]
    [InlineData("node-+1.predastore.internal")]
    [InlineData("node-4294967296.predastore.internal")]
    [InlineData("node-1.predastore.internal.example")]
    [InlineData("*.predastore.internal")]
    [InlineData("xnode-1.predastore.internal")]
    public void Other_names_should_not_be_nodes(string name) => Assert.False(NodeName.TryParse(name, out _));

    public void Dispose()
    {
        _trust.Dispose();
        _ca.Dispose();
    }

    internal static ClusterTrust TrustOf(DevelopmentCa ca, uint node)
    {
        IssuedCertificate own = ca.IssueNode(node, []);
        return ClusterTrust.Load(ca.CertificatePem, own.CertificatePem, own.KeyPem);
    }

    private static X509Certificate2 CertOf(IssuedCertificate issued) => X509Certificate2.CreateFromPem(issued.CertificatePem, issued.KeyPem);

    private void Refused(X509Certificate2? peer, uint? expected, string why)
    {
        Assert.False(_trust.TryValidatePeer(peer, expected, out _, out string reason));
        Assert.Contains(why, reason, StringComparison.Ordinal);
    }

    private static X509Certificate2 SelfSigned(string[] names, bool both)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=x", key, HashAlgorithmName.SHA256);
        var usages = new OidCollection { new Oid("1.3.6.1.5.5.7.3.1") };
        if (both) usages.Add(new Oid("1.3.6.1.5.5.7.3.2"));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(usages, false));
        var san = new SubjectAlternativeNameBuilder();
        foreach (string name in names) san.AddDnsName(name);
        request.CertificateExtensions.Add(san.Build());
        DateTimeOffset now = DateTimeOffset.UtcNow;
        return request.CreateSelfSigned(now.AddMinutes(-5), now.AddMinutes(5));
    }

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
