namespace Predastore.Cluster.Tests.Chaos;

/// <summary>Tests that measure times or load the machine: no other test of this project runs meanwhile.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
