using Predastore.Actors.Raft.Core;
using Predastore.Shards;
using Predastore.Simulation.Tests.Raft;
using Predastore.Simulation.Tests.Store;
using Xunit;
using Xunit.Abstractions;

namespace Predastore.Simulation.Tests;

/// <summary>
/// Every planted bug is found: here by the seed that found it, and with <c>PREDA_HUNT=1</c> by whichever seed of PREDA_SEEDS is the
/// first, and finds nothing without the bug. A simulation that does not find them proves nothing.
/// </summary>
[Collection("seeds")]
public sealed class PlantedBugSpecs(ITestOutputHelper output)
{
    private const int HuntSecondsMax = 1_200;

    /// <summary>Seeds of a bug without a seed of its own: one that nearly every run meets.</summary>
    private const ulong SearchMax = 2_000;

    /// <summary>Bug and the seed that finds it; on a hunt, every bug there is.</summary>
    public static TheoryData<string, ulong> Known
    {
        get
        {
            var data = new TheoryData<string, ulong>();
            bool hunt = SeedRunner.Number("PREDA_HUNT") is not null;
            foreach ((string bug, ulong seed) in hunt ? FindingSeeds.Names.Select(name => (name, 0UL)) : FindingSeeds.All)
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
        SeedRunner.Run(() =>
        {
            for (ulong at = seed == 0 ? 1 : seed; found is null && at <= (seed == 0 ? SearchMax : seed); at++)
                found = Find(bug, at);
        });
        Assert.True(found is not null, $"{bug} is not found by seed {seed} any more: look for another one with scripts/simulate.sh --planted");
        output.WriteLine(found);
    }

    [Fact]
    public void Every_planted_bug_should_have_its_seed()
        => Assert.Equal(FindingSeeds.Names.Order(), FindingSeeds.All.Select(known => known.Bug).Order());

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
            if (Find(bug, seed, planted: false) is { } own)
                throw new InvariantException($"seed {seed} of {bug} fails without it: {own}");
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

    /// <summary>What the seed finds of a bug, or null; without the bug, what it finds in spite of that.</summary>
    private static string? Find(string bug, ulong seed, bool planted = true)
    {
        try
        {
            if (Enum.TryParse(bug, out RaftFault fault))
                new RaftSimulation(SimSettings.Draw(seed, fault) with { Fault = planted ? fault : RaftFault.None }).Run();
            else
                Seeds.Run(ClusterSettings.Draw(seed, bug) with { Bug = planted ? bug : "" }).Dispose();
            return null;
        }
        catch (InvariantException violation)
        {
            return violation.Message.Split('\n')[0];
        }
    }
}

/// <summary>The seeds that found the planted bugs.</summary>
internal static class FindingSeeds
{
    /// <summary>Every bug that can be planted.</summary>
    public static IEnumerable<string> Names
        => Enum.GetNames<RaftFault>().Concat(Enum.GetNames<PlantedBug>()).Where(name => name is not nameof(RaftFault.None));

    /// <summary>Bug and seed.</summary>
    public static IReadOnlyList<(string Bug, ulong Seed)> All { get; } =
    [
        (nameof(RaftFault.VoteNotPersisted), 749),
        (nameof(RaftFault.AckBeforePersist), 1),
        (nameof(RaftFault.CountSelfBeforePersist), 1),
        (nameof(RaftFault.CommitOldTerm), 6),
        (nameof(RaftFault.TruncateOnEqual), 6),
        (nameof(RaftFault.LeaseRead), 125),
        (nameof(RaftFault.ReadBeforeOwnTerm), 1),
        (nameof(RaftFault.HeartbeatCommitUnbounded), 24),
        (nameof(RaftFault.VoteForShorterLog), 1),
        (nameof(RaftFault.OverlappingMembership), 40),
        (nameof(RaftFault.MembershipBeforeOwnTerm), 727),
        (nameof(PlantedBug.SegmentNotSynced), 2),
        (nameof(PlantedBug.DirectoryNotSynced), 2),
        (nameof(PlantedBug.IndexRowNotSynced), 2),
        (nameof(PlantedBug.FailedSyncIgnored), 2),
        (nameof(PlantedBug.CompactedNotSynced), 1),
        (nameof(PlantedBug.LiveSessionCollected), 4),
        (nameof(PlantedBug.ClosedSessionApplied), 15),
        (nameof(PlantedBug.CopyNotCounted), 3),
        (nameof(PlantedBug.GenerationIgnored), 2),
        (nameof(PlantedBug.LocalRead), 1),
        (nameof(PlantedBug.SnapshotNotVerified), 1),
        (nameof(PlantedBug.RequestIdsRepeat), 18),
        (nameof(PlantedBug.NonceKept), 103),
        (nameof(PlantedBug.SnapshotWithoutConfiguration), 1),
        (nameof(PlantedBug.AbortAfterPropose), 0),
        (nameof(PlantedBug.PreconditionsIgnored), 0),
        (nameof(PlantedBug.JournalNotSynced), 0),
        (nameof(PlantedBug.ReplayedTwice), 0),
        (nameof(PlantedBug.ResultsForgotten), 0),
        (nameof(PlantedBug.UnversionedShardKey), 0),
        (nameof(PlantedBug.ModifiedGoesBack), 0),
        (nameof(PlantedBug.GarbageCollectedEarly), 0),
        (nameof(PlantedBug.DamageServed), 7),
        (nameof(PlantedBug.CutBeforeFlush), 0),
        (nameof(PlantedBug.QuorumTooSmall), 0),
        (nameof(PlantedBug.SupersededKept), 42),
        (nameof(PlantedBug.CopyWithOldKey), 457),
    ];
}
