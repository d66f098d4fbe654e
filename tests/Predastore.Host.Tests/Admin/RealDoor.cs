using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using Predastore.Actors.Client;
using Predastore.Host.Admin;
using Predastore.Host.Config;
using Predastore.Http.Admin;
using Predastore.Http.Auth;
using Predastore.Http.Hosting;
using Predastore.Shards.Transport;

namespace Predastore.Host.Tests.Admin;

/// <summary>The real S3 door with actions of a test behind it, and nothing else of a node.</summary>
internal sealed class RealDoor : IAsyncDisposable
{
    public const string Region = "eu-west-1";
    public static readonly AuthEntry Admin = new("AKIAADMIN", "the-secret-of-the-admin", "000000000001", "", null, "", 0);
    public static readonly AuthEntry Tenant = new("AKIATENANT", "the-secret-of-a-tenant", "000000000002", "", null, "", 0);

    private readonly S3Endpoint _endpoint;
    private readonly TempFolder _temp = new();

    private RealDoor(S3Endpoint endpoint, string caPem)
    {
        _endpoint = endpoint;
        CaFile = _temp.Write("ca.pem", caPem);
    }

    public Uri Address => _endpoint.Addresses[0];

    public string CaFile { get; }

    public static async Task<RealDoor> StartAsync(params AdminAction[] actions)
    {
        using DevelopmentCa ca = DevelopmentCa.Create("test");
        IssuedCertificate issued = ca.IssueNode(1, ["127.0.0.1"]);
        return new RealDoor(
            await S3Endpoint.StartAsync(
                new S3EndpointOptions
                {
                    Endpoint = new IPEndPoint(IPAddress.Loopback, 0),
                    Certificate = X509Certificate2.CreateFromPem(issued.CertificatePem, issued.KeyPem),
                    Region = Region,
                    Accounts = new FixedAccounts([Key(Admin, true), Key(Tenant, false)]),
                    Store = new NoStore(),
                    Health = new NoHealth(),
                    Admin = new AdminActions(actions),
                    Loggers = NullLoggerFactory.Instance,
                },
                CancellationToken.None),
            ca.CertificatePem);
    }

    public StatusTarget Target(AuthEntry caller, params Uri[] before) => new([.. before, Address], CaFile, Region, caller);

    public HttpClient Client() => new(ClusterHttp.CreateHandler(CaFile, TimeSpan.FromSeconds(5)), true) { BaseAddress = Address };

    public async ValueTask DisposeAsync()
    {
        await _endpoint.DisposeAsync();
        _temp.Dispose();
    }

    private static AccessKey Key(AuthEntry entry, bool isAdmin)
        => new(entry.AccessKeyId, entry.SecretAccessKey, new Account(entry.AccountId, "", "", null, isAdmin));

    private sealed class NoHealth : INodeHealth
    {
        public bool IsReady => false;

        public Task<ClusterStatus> StatusAsync(CancellationToken cancel) => throw new NotSupportedException();
    }

    private sealed class NoStore : IObjectStore
    {
        public Task<Predastore.Actors.Metadata.QueryResult> QueryAsync(Predastore.Actors.Metadata.Query query, CancellationToken cancel)
            => throw new NotSupportedException();

        public Task<Predastore.Actors.Metadata.CommandResult> ExecuteAsync(Predastore.Actors.Metadata.Command command, CancellationToken cancel)
            => throw new NotSupportedException();

        public Task<IStagedObject> StageAsync(Predastore.Actors.Metadata.BucketRow bucket, Stream body, long sizeHint, CancellationToken cancel)
            => throw new NotSupportedException();

        public Task<Predastore.Actors.Metadata.CommandResult> PutAsync(IStagedObject staged, Predastore.Actors.Metadata.PutVersion put, CancellationToken cancel)
            => throw new NotSupportedException();

        public Task<Predastore.Actors.Metadata.CommandResult> PutPartAsync(IStagedObject staged, Predastore.Actors.Metadata.PutPart put, CancellationToken cancel)
            => throw new NotSupportedException();

        public Task<Predastore.Actors.Metadata.CommandResult> CopyAsync(
            IObjectReader source, Predastore.Actors.Metadata.BucketRow target, Predastore.Actors.Metadata.PutVersion put, CancellationToken cancel)
            => throw new NotSupportedException();

        public Task<IObjectReader> OpenAsync(Predastore.Actors.Metadata.GetVersion query, CancellationToken cancel)
            => throw new NotSupportedException();
    }
}
