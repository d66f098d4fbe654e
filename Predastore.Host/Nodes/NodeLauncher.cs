using System.Net;
using Akka.Configuration;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Hosting;
using Predastore.Actors.Nodes;
using Predastore.Host.Config;
using Predastore.Shards.Placement;
using Predastore.Shards.Transport;

namespace Predastore.Host.Nodes;

/// <summary>Starts real nodes: the actor side first, its S3 door over it.</summary>
internal sealed class NodeLauncher : INodeLauncher, IDisposable
{
    private readonly Lock _lock = new();
    private InProcessHub? _hub;

    public async Task<IRunningNode> StartAsync(NodeOptions options, CancellationToken cancellation)
    {
        ILoggerFactory loggers = NodeLogging.Create(options);
        ClusterTrust trust = ClusterTrust.LoadFiles(options.Tls.CaFile, options.Tls.CertFile, options.Tls.KeyFile);
        trust.Members = options.Cluster.Nodes.ToHashSet();
        try
        {
            ClusterNode node = await ClusterNode.StartAsync(Settings(options, trust), loggers, cancellation);
            try
            {
                return await RunningNode.OpenDoorAsync(options, node, trust, loggers, cancellation);
            }
            catch
            {
                await node.DisposeAsync();
                throw;
            }
        }
        catch (NodeRefusedException refused)
        {
            trust.Dispose();
            throw new StartupException(refused.Message);
        }
        catch (Exception e) when (options.HoconFile is not null && e is (ConfigurationException or ArgumentException or FormatException))
        {
            // The parser takes nearly everything; a value shows that it is none when it is used.
            trust.Dispose();
            throw NotHocon(options.HoconFile!, e);
        }
    }

    public void Dispose() => _hub?.Dispose();

    private static Akka.Configuration.Config Overrides(string file)
    {
        try
        {
            return ConfigurationFactory.ParseString(File.ReadAllText(file));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The parser throws many types.
            throw NotHocon(file, e);
        }
    }

    private static StartupException NotHocon(string file, Exception e) =>
        new($"{file}, named by {NodeOptionsResolver.HoconVariable}, cannot be used: {e.Message}");

    private ClusterNodeSettings Settings(NodeOptions options, ClusterTrust trust)
    {
        ClusterFile file = options.Cluster;
        return new ClusterNodeSettings
        {
            System = new NodeSettings
            {
                Node = options.Node,
                Nodes = file.Nodes.ToDictionary(node => node, node => Address(file.ControlOf(node))),
                DbNodes = [.. file.Dbs.Select(db => db.Node)],
                StorageNodes = file.Storages.ToDictionary(storage => storage.Id, storage => storage.Node),
                Trust = trust,
                BindHost = options.ControlBind == options.Control.Host ? null : options.ControlBind,
                Overrides = options.HoconFile is { } hocon ? Overrides(hocon) : null,
                Timing = options.IsDevelopment ? TimingProfile.Development : TimingProfile.Production,
            },
            DataEndpoint = new IPEndPoint(ParseBind(options.DataBind), options.Data.Port),
            DataHost = options.Data.Host,
            Peers = file.Nodes.ToDictionary(node => node, node => new Peer(node, file.DataOf(node).Host, file.DataOf(node).Port)),
            Transport = options.Transport switch
            {
                TransportChoice.Quic => TransportPreference.Quic,
                TransportChoice.Tls => TransportPreference.Tls,
                _ => TransportPreference.Auto,
            },
            Hub = options.AllInProcess ? Hub() : null,
            MasterKeyFiles = options.MasterKeyFiles,
            ReplicaFolder = options.Db?.Folder,
            NewReplica = options.NewReplica,
            StorageFolders = options.Storages.ToDictionary(storage => storage.Entry.Id, storage => storage.Folder),
            Region = file.Region,
            DataShards = file.Rs.Data,
            ParityShards = file.Rs.Parity,
            RingMembers = [.. file.Storages.Select(storage => new RingMember(
                storage.Id, storage.Node, file.HostOf(storage.Node), storage.Zone ?? "", storage.Weight))],
            FileDigest = file.SharedDigest(),
        };
    }

    private InProcessHub Hub()
    {
        lock (_lock)
            return _hub ??= new InProcessHub();
    }

    private static ControlAddress Address(HostPort address) => new(address.Host, address.Port);

    private static IPAddress ParseBind(string host)
        => host is "*" or "+" ? IPAddress.Any
            : IPAddress.TryParse(host, out IPAddress? address) ? address
            : Dns.GetHostAddresses(host) is [var first, ..] ? first
            : throw new StartupException($"{host} is no address of this machine; correct [cluster] bind");
}
