using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Amazon.Runtime;

namespace Predastore.Cluster.Tests.Harness;

/// <summary>HTTP clients that trust the test cluster's CA and nothing else. Nothing skips verification.</summary>
/// <param name="caFile">The CA.</param>
/// <param name="sent">Gets the Authorization header of every request.</param>
internal sealed class TrustedHttp(string caFile, Action<string>? sent = null) : HttpClientFactory
{
    public override HttpClient CreateHttpClient(IClientConfig clientConfig) =>
        new(new Overheard(CreateHandler(), sent)) { Timeout = clientConfig.Timeout ?? TimeSpan.FromSeconds(100) };

    // One client for each configuration: a test that kills nodes must not share its connections with another.
    public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

    public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;

    public SocketsHttpHandler CreateHandler() => new()
    {
        SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = Trust(caFile) },
        ConnectTimeout = TimeSpan.FromSeconds(5),
        UseProxy = false,
        AllowAutoRedirect = false,
    };

    /// <summary>Trust in a CA and nothing else.</summary>
    public static X509ChainPolicy Trust(string caFile)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(caFile);
        return policy;
    }

    private sealed class Overheard(HttpMessageHandler inner, Action<string>? sent) : DelegatingHandler(inner)
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (sent is not null && request.Headers.TryGetValues("Authorization", out IEnumerable<string>? values))
                sent(string.Join(' ', values));
            return base.SendAsync(request, cancellationToken);
        }
    }
}
