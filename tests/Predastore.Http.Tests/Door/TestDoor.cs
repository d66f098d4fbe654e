using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Amazon.Runtime;
using Amazon.S3;
using Microsoft.Extensions.Logging.Abstractions;
using Predastore.Http.Admin;
using Predastore.Http.Auth;
using Predastore.Http.Hosting;

namespace Predastore.Http.Tests.Door;

/// <summary>The real door on a free port of loopback, plain HTTP, over a <see cref="ModelStore"/>, with three accounts.</summary>
internal sealed class TestDoor : IAsyncDisposable
{
    public const string Region = "us-east-1";

    /// <summary>The owner of most things in tests.</summary>
    public static readonly Account Main = new("111111111111", "main", new string('1', 64), "main@example.com");

    /// <summary>Somebody else.</summary>
    public static readonly Account Alt = new("222222222222", "alt", new string('2', 64), "alt@example.com");

    private readonly S3Endpoint _endpoint;
    private readonly List<IDisposable> _clients = [];

    private TestDoor(ModelStore store, S3Endpoint endpoint)
    {
        Store = store;
        _endpoint = endpoint;
        Url = endpoint.Addresses.First(address => address.Scheme == Uri.UriSchemeHttp);
    }

    public ModelStore Store { get; }

    public Uri Url { get; }

    public static async Task<TestDoor> OpenAsync()
    {
        var store = new ModelStore();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        X509Certificate2 certificate = new CertificateRequest("CN=test", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        S3Endpoint endpoint = await S3Endpoint.StartAsync(
            new S3EndpointOptions
            {
                Endpoint = new IPEndPoint(IPAddress.Loopback, 0),
                Plain = new IPEndPoint(IPAddress.Loopback, 0),
                Certificate = certificate,
                Region = Region,
                Accounts = new FixedAccounts([new AccessKey("MAINKEY", "main secret", Main), new AccessKey("ALTKEY", "alt secret", Alt)]),
                Store = store,
                Health = new Healthy(),
                Loggers = NullLoggerFactory.Instance,
            },
            CancellationToken.None);
        return new TestDoor(store, endpoint);
    }

    /// <summary>The SDK as the owner.</summary>
    public AmazonS3Client AsMain() => Client(new BasicAWSCredentials("MAINKEY", "main secret"));

    /// <summary>The SDK as the other account.</summary>
    public AmazonS3Client AsAlt() => Client(new BasicAWSCredentials("ALTKEY", "alt secret"));

    /// <summary>The SDK as nobody.</summary>
    public AmazonS3Client AsNobody() => Client(new AnonymousAWSCredentials());

    /// <summary>A plain client, for requests that no SDK would send; unsigned.</summary>
    public HttpClient Http()
    {
        var client = new HttpClient { BaseAddress = Url };
        _clients.Add(client);
        return client;
    }

    /// <summary>A bucket of the owner's with a name of its own.</summary>
    public async Task<string> BucketAsync(bool objectLock = false, bool versioned = false)
    {
        string name = $"b{_clients.Count}-{Guid.NewGuid():n}";
        AmazonS3Client s3 = AsMain();
        await s3.PutBucketAsync(new Amazon.S3.Model.PutBucketRequest { BucketName = name, ObjectLockEnabledForBucket = objectLock });
        if (versioned)
        {
            await s3.PutBucketVersioningAsync(new Amazon.S3.Model.PutBucketVersioningRequest
            {
                BucketName = name, VersioningConfig = new Amazon.S3.Model.S3BucketVersioningConfig { Status = VersionStatus.Enabled },
            });
        }

        return name;
    }

    /// <summary>Code and status of the error that the call must end in.</summary>
    public static async Task<(string Code, HttpStatusCode Status)> RefusedAsync(Func<Task> call)
    {
        AmazonS3Exception refused = await Assert.ThrowsAnyAsync<AmazonS3Exception>(call);
        return (refused.ErrorCode, refused.StatusCode);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IDisposable client in _clients)
            client.Dispose();
        await _endpoint.DisposeAsync();
        Store.Dispose();
    }

    private AmazonS3Client Client(AWSCredentials credentials)
    {
        var client = new AmazonS3Client(credentials, new AmazonS3Config
        {
            ServiceURL = Url.ToString(), AuthenticationRegion = Region, ForcePathStyle = true, UseHttp = true, MaxErrorRetry = 0,
        });
        _clients.Add(client);
        return client;
    }

    private sealed class Healthy : INodeHealth
    {
        public bool IsReady => true;

        public Task<ClusterStatus> StatusAsync(CancellationToken cancel) => throw new NotSupportedException();
    }
}
