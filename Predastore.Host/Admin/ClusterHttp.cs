using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Predastore.Host.Admin;

/// <summary>HTTPS to nodes whose certificates come from the cluster's CA. Verification is never skipped.</summary>
internal static class ClusterHttp
{
    /// <param name="caFile">PEM file of the CA; null for the operating system's trust store.</param>
    /// <exception cref="StartupException">The file cannot be read.</exception>
    public static SocketsHttpHandler CreateHandler(string? caFile, TimeSpan connectTimeout)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, ConnectTimeout = connectTimeout };
        if (caFile is null)
            return handler;
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        try
        {
            policy.CustomTrustStore.ImportFromPemFile(caFile);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new StartupException($"cannot read the CA file {caFile}: {e.Message}; correct --tls-ca");
        }
        // The name in the certificate is still compared with the one dialled.
        handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
        return handler;
    }
}
