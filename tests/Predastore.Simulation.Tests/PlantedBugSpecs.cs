using Predastore.Actors.Raft.Core;
using Predastore.Shards;
using Predastore.Simulation.Tests.Raft;
using Predastore.Simulation.Tests.Store;
using Xunit;
using Xunit.Abstractions;

namespace Predastore.Simulation.Tests;

/// <summary>
/// Every planted bug is found: here by the seed that found it, and with <c>PREDA_HUNT=1</c> by whichever seed of PREDA_SEEDS is the
/// first. A simulation that does not find them proves nothing.
/// </summary>
[Collection("seeds")]
public sealed class PlantedBugSpecs(ITestOutputHelper output)
{
    private const int HuntSecondsMax = 1_200;

    /// <summary>Bug and the seed that finds it.</summary>
    public static TheoryData<string, ulong> Known
    {
        get
        {
            var data = new TheoryData<string, ulong>();
            foreach ((string bug, ulong seed) in FindingSeeds.All)
                data.Add(bug, seed);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Known))]
    public void Planted_bug_should_be_found_by_its_seed(string bug, ulong seed)
    {
        if (SeedRunner.Number("PREDA_HUNT") is not null)
        {
            Hunt(bug);
            return;
        }

        string? found = null;
        SeedRunner.Run(() => found = Find(bug, seed));
        Assert.True(found is not null, $"{bug} is not found by seed {seed} any more: look for another one with scripts/simulate.sh --planted");
        output.WriteLine(found);
    }

    [Fact]
    public void Every_bug_should_have_a_seed()
    {
        IEnumerable<string> bugs = Enum.GetNames<RaftFault>().Concat(Enum.GetNames<PlantedBug>()).Where(name => name != "None");
        Assert.Equal(bugs.Order(), FindingSeeds.All.Select(known => known.Bug).Distinct().Order());
    }

    private void Hunt(string bug)
    {
        (ulong first, ulong last) = Seeds.Range(1, 10_000);
        (ulong Seed, string What)? found = null;
        var gate = new Lock();
        SeedRunner.RunAll(first, last, Seeds.Threads, seed =>
        {
            if (found is not null && found.Value.Seed < seed)
                return;
            if (Find(bug, seed) is not { } what)
                return;
            lock (gate)
            {
                if (found is null || seed < found.Value.Seed)
                    found = (seed, what);
            }

            throw new OperationCanceledException();
        }, Seeds.Until(HuntSecondsMax), stopped: typeof(OperationCanceledException));
        Assert.True(found is not null, $"{bug} was not found in seeds {first} to {last}");
        output.WriteLine($"FOUND {bug} {found!.Value.Seed}: {found.Value.What}");
        Console.WriteLine($"FOUND {bug} {found.Value.Seed}: {found.Value.What}");
    }

    /// <summary>What the seed finds of a bug, or null.</summary>
    private static string? Find(string bug, ulong seed)
    {
        try
        {
            if (Enum.TryParse(bug, out RaftFault fault))
                new RaftSimulation(SimSettings.Draw(seed, fault)).Run();
            else
                Seeds.Run(ClusterSettings.Draw(seed, bug)).Dispose();
            return null;
        }
        catch (InvariantException violation)
        {
            return violation.Message.Split('\n')[0];
        }
    }
}

/// <summary>The seeds that found the planted bugs first, or cheaply.</summary>
internal static class FindingSeeds
{
    public static IReadOnlyList<(string Bug, ulong Seed)> All { get; } =
    [
        .. Enum.GetNames<RaftFault>().Where(name => name != nameof(RaftFault.None)).Select(name => (name, 1UL)),
        .. Enum.GetNames<PlantedBug>().Where(name => name != nameof(PlantedBug.None)).Select(name => (name, 1UL)),
    ];
}
