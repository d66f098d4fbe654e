using System.Net;
using Predastore.Actors.Hosting;
using Predastore.Actors.Nodes;
using Predastore.Actors.Tests.Hosting;
using Predastore.Shards.Crypto;
using Predastore.Shards.Placement;
using Predastore.Shards.Transport;
using Predastore.Testing.Disk;
using Xunit;

namespace Predastore.Actors.Tests.Nodes;

public sealed class ClusterNodeSpecs
{
    [Fact]
    public async Task Disks_should_be_started_once_in_an_actor_system()
    {
        using var folder = new TemporaryFolder();
        await using var cluster = new LoopbackCluster(1);
        string key = Path.Combine(folder.Path, "key");
        MasterKeyFile.Create(key);
        uint[] storages = [101, 102];
        await using ClusterNode node = await ClusterNode.StartAsync(
            new ClusterNodeSettings
            {
                System = cluster.Settings(1) with { StorageNodes = storages.ToDictionary(id => id, _ => 1u) },
                DataEndpoint = new IPEndPoint(IPAddress.Loopback, 0),
                DataHost = "127.0.0.1",
                Peers = new Dictionary<uint, Peer> { [1] = new(1, "127.0.0.1", 1) },
                Transport = TransportPreference.Tls,
                MasterKeyFiles = [key],
                ReplicaFolder = Path.Combine(folder.Path, "db"),
                StorageFolders = storages.ToDictionary(id => id, id => Path.Combine(folder.Path, $"disk-{id}")),
                Region = "here",
                DataShards = 1,
                ParityShards = 1,
                RingMembers = [.. storages.Select(id => new RingMember(id, 1, "host", "", 1))],
                FileDigest = new byte[32],
            },
            cluster.Logs, CancellationToken.None);
        await cluster.Eventually(() => node.IsReady, () => $"the node is not ready: {node.Completion.Exception?.Message}");

        node.StartDisks();

        Assert.Equal(storages, node.Report().Storages.Select(storage => storage.Id).Order());
    }
}
