using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using Predastore.Http.Admin;
using Predastore.Http.Auth;
using Predastore.Http.Hosting;
using Predastore.Http.Tests.Door;
using Predastore.Shards.Transport;

namespace Predastore.Http.Tests.Wire;

/// <summary>The real door on free ports of loopback, HTTPS and plain, with a <see cref="ModelStore"/> behind it.</summary>
public sealed class WireDoor : IAsyncDisposable
{
    public const string Region = "eu-test-1";
    public const string Domain = "s3.test";
    public static readonly AccessKey Main = new("AKIAMAIN", "the secret of main", new Account("111111111111", "main", new string('1', 64)));
    public static readonly AccessKey Other = new("AKIAOTHER", "the secret of other", new Account("222222222222", "other", new string('2', 64)));

    private readonly S3Endpoint _endpoint;
    private readonly X509Certificate2 _ca;

    private WireDoor(S3Endpoint endpoint, ModelStore store, X509Certificate2 ca)
    {
        _endpoint = endpoint;
        Store = store;
        _ca = ca;
    }

    public ModelStore Store { get; }

    /// <summary>Where plain HTTP listens.</summary>
    public IPEndPoint Plain => new(IPAddress.Loopback, _endpoint.Addresses.Single(url => url.Scheme == "http").Port);

    /// <summary>Where HTTPS listens.</summary>
    public Uri Https => _endpoint.Addresses.Single(url => url.Scheme == "https");

    /// <summary>A call of <see cref="Main"/> on the plain port, to be signed when it is sent.</summary>
    public S3Call Call(string method, string path, byte[]? body = null) => new(Plain, method, path, body ?? []) { Key = Main };

    public static async Task<WireDoor> StartAsync(S3Limits? limits = null)
    {
        using DevelopmentCa ca = DevelopmentCa.Create("test");
        IssuedCertificate issued = ca.IssueNode(1, ["127.0.0.1"]);
        var store = new ModelStore();
        S3Endpoint endpoint = await S3Endpoint.StartAsync(
            new S3EndpointOptions
            {
                Endpoint = new IPEndPoint(IPAddress.Loopback, 0),
                Plain = new IPEndPoint(IPAddress.Loopback, 0),
                Certificate = X509Certificate2.CreateFromPem(issued.CertificatePem, issued.KeyPem),
                Region = Region,
                Domains = [Domain],
                Accounts = new FixedAccounts([Main, Other]),
                Store = store,
                Health = new Healthy(),
                Loggers = NullLoggerFactory.Instance,
                Limits = limits ?? new S3Limits(),
            },
            CancellationToken.None);
        return new WireDoor(endpoint, store, X509Certificate2.CreateFromPem(ca.CertificatePem));
    }

    /// <summary>Trust in the door's CA and nothing else.</summary>
    public X509ChainPolicy Trust
    {
        get
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.Add(_ca);
            return policy;
        }
    }

    /// <summary>A client over TLS.</summary>
    public HttpClient Client()
        => new(new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = Trust }, UseProxy = false })
        {
            BaseAddress = Https,
            Timeout = TimeSpan.FromSeconds(20),
        };

    public async ValueTask DisposeAsync()
    {
        await _endpoint.DisposeAsync();
        Store.Dispose();
        _ca.Dispose();
    }

    private sealed class Healthy : INodeHealth
    {
        public bool IsReady => true;

        public Task<ClusterStatus> StatusAsync(CancellationToken cancel) => throw new NotSupportedException();
    }
}
