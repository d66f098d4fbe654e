using System.Net;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Actors.Nodes;
using Predastore.Http.Admin;
using Predastore.Http.Auth;
using Predastore.Http.Hosting;
using Predastore.Shards.Transport;

namespace Predastore.Host.Nodes;

/// <summary>A node with its S3 door. Stopping closes the door first, then the node leaves.</summary>
internal sealed partial class RunningNode : IRunningNode, INodeHealth
{
    private static readonly TimeSpan BucketRetry = TimeSpan.FromSeconds(5);

    private readonly ClusterNode _node;
    private readonly NodeStatusSource _status;
    private readonly ClusterTrust _trust;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private S3Endpoint? _door;
    private Task _buckets = Task.CompletedTask;

    private RunningNode(NodeOptions options, ClusterNode node, ClusterTrust trust, ILoggerFactory loggers)
    {
        Options = options;
        (_node, _trust, _loggers) = (node, trust, loggers);
        _log = loggers.CreateLogger<RunningNode>();
        _status = new NodeStatusSource(options.Cluster, node);
    }

    public NodeOptions Options { get; }

    public bool IsReady => _node.IsReady;

    public Task Completion => _node.Completion;

    public Task<ClusterStatus> StatusAsync(CancellationToken cancel) => _status.GetAsync(cancel);

    /// <exception cref="StartupException">The S3 port cannot be bound.</exception>
    public static async Task<RunningNode> OpenDoorAsync(
        NodeOptions options, ClusterNode node, ClusterTrust trust, ILoggerFactory loggers, CancellationToken cancel)
    {
        var running = new RunningNode(options, node, trust, loggers);
        try
        {
            running._door = await S3Endpoint.StartAsync(
                new S3EndpointOptions
                {
                    Endpoint = Listen(options.S3),
                    Plain = options.S3Plain is { } plain ? Listen(plain) : null,
                    Certificate = trust.Certificate,
                    Region = options.Cluster.Region,
                    Domains = [.. options.Cluster.S3.Domains.OrderByDescending(domain => domain.Length)],
                    Accounts = new FixedAccounts(options.Cluster.Auths.Select(auth => new AccessKey(
                        auth.AccessKeyId, auth.SecretAccessKey,
                        new Account(auth.AccountId, auth.DisplayName, auth.CanonicalId, auth.Email, IsAdmin: true)))),
                    Store = node.Store,
                    Health = running,
                    Admin = NodeAdmin.Of(options.Cluster, node),
                    Loggers = loggers,
                },
                cancel);
            running._buckets = Task.Run(() => running.MakeBucketsAsync(running._stopping.Token), CancellationToken.None);
            return running;
        }
        catch (IOException error)
        {
            throw new StartupException($"cannot listen for S3 on {options.S3}: {error.Message}; choose another with --port or [s3] port");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _buckets.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
        if (_door is not null)
            await _door.DisposeAsync();
        await _node.DisposeAsync();
        _trust.Dispose();
        _loggers.Dispose();
    }

    // Buckets of the cluster file; one that exists already stays as it is.
    private async Task MakeBucketsAsync(CancellationToken cancel)
    {
        while (!IsReady)
            await Task.Delay(TimeSpan.FromMilliseconds(200), cancel);
        foreach (Config.BucketEntry bucket in Options.Cluster.Buckets)
            while (!await TryMakeBucketAsync(bucket, cancel))
                await Task.Delay(BucketRetry, cancel);
    }

    private async Task<bool> TryMakeBucketAsync(Config.BucketEntry bucket, CancellationToken cancel)
    {
        try
        {
            await _node.Store.ExecuteAsync(
                new Command
                {
                    CreateBucket = new CreateBucket
                    {
                        Name = bucket.Name,
                        Owner = bucket.AccountId,
                        Region = bucket.Region,
                        Acl = bucket.Public ? "public-read" : "",
                    },
                },
                cancel);
            return true;
        }
        catch (StoreException e)
        {
            LogBucketNotMade(_log, bucket.Name, e.Message, BucketRetry.TotalSeconds);
            return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Bucket {Bucket} of the cluster file could not be made: {Reason}; tried again in {Seconds} s")]
    private static partial void LogBucketNotMade(ILogger log, string bucket, string reason, double seconds);

    private static IPEndPoint Listen(Config.HostPort address) => new(
        address.Host is "*" or "+" ? IPAddress.Any
            : IPAddress.TryParse(address.Host, out IPAddress? ip) ? ip
            : Dns.GetHostAddresses(address.Host)[0],
        address.Port);
}
