using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Predastore.Cluster.Tests.Harness;

/// <summary>Bare TLS connections to a node, for clients that no SDK would be. Trusts the cluster's CA and nothing else.</summary>
public sealed class TlsWire(string caFile)
{
    private readonly X509ChainPolicy _policy = TrustedHttp.Trust(caFile);

    /// <summary>Connects; disposing the stream ends the connection.</summary>
    public async Task<SslStream> ConnectAsync(string host, int port)
    {
        var client = new TcpClient();
        await client.ConnectAsync(host, port);
        var tls = new SslStream(client.GetStream());
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = host, CertificateChainPolicy = _policy.Clone() });
        return tls;
    }
}
