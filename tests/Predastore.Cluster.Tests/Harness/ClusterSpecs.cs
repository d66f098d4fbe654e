using Xunit;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests.Harness;

/// <summary>Tests that each begin with a cluster of their own, ready.</summary>
public abstract class ClusterSpecs(ITestOutputHelper output, ClusterShape? shape = null) : IAsyncLifetime
{
    private S3Cluster? _cluster;

    protected S3Cluster Cluster => _cluster!;

    protected ITestOutputHelper Output { get; } = output;

    public virtual async Task InitializeAsync() => _cluster = await S3Cluster.StartAsync(shape ?? ClusterShape.Three, Output);

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
            await _cluster.DisposeAsync();
    }
}
