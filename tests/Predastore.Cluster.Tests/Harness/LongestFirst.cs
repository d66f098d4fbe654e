using Xunit.Abstractions;

[assembly: TestCollectionOrderer("Predastore.Cluster.Tests.Harness.LongestFirst", "Predastore.Cluster.Tests")]

namespace Predastore.Cluster.Tests.Harness;

/// <summary>Begins with the tests that share one cluster: one after the other they take longest, and would run on alone at the end.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) =>
        testCollections.OrderBy(collection => collection.DisplayName != SharedCluster.Name).ThenBy(collection => collection.DisplayName, StringComparer.Ordinal);
}
