namespace Predastore.Cluster.Tests.Harness;

/// <summary>One cluster for several tests: each works in buckets of its own, one after the other, and leaves all nodes well.</summary>
public abstract class ClusterFixture(ClusterShape shape) : IAsyncLifetime
{
    private S3Cluster? _cluster;

    public S3Cluster Cluster => _cluster!;

    public async Task InitializeAsync() => _cluster = await S3Cluster.StartAsync(shape);

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
            await _cluster.DisposeAsync();
    }
}

/// <summary>The cluster of all tests that harm no node.</summary>
public sealed class SharedCluster() : ClusterFixture(ClusterShape.Three)
{
    public const string Name = "shared cluster";
}

[CollectionDefinition(SharedCluster.Name)]
public sealed class SharedClusterUsers : ICollectionFixture<SharedCluster>;
