namespace Predastore.Cluster.Tests.Harness;

/// <summary>One cluster for tests that harm no node: each works in buckets of its own, one after the other.</summary>
public sealed class SharedCluster : IAsyncLifetime
{
    public const string Name = "shared cluster";

    private S3Cluster? _cluster;

    public S3Cluster Cluster => _cluster!;

    public async Task InitializeAsync() => _cluster = await S3Cluster.StartAsync(ClusterShape.Three);

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
            await _cluster.DisposeAsync();
    }
}

[CollectionDefinition(SharedCluster.Name)]
public sealed class SharedClusterUsers : ICollectionFixture<SharedCluster>;
