using System.Diagnostics;
using Predastore.Actors.Raft.Core;
using Predastore.Simulation.Tests.Store;
using Xunit;
using Xunit.Abstractions;

namespace Predastore.Simulation.Tests.Raft;

/// <summary>
/// Seeds of whole groups. <c>PREDA_SEED=n</c> runs one, <c>PREDA_SEEDS=a-b</c> a range, <c>PREDA_SECONDS</c> bounds the time,
/// <c>PREDA_CI=1</c> asks for as many as continuous integration has time for.
/// </summary>
[Collection("seeds")]
public sealed class RaftSimulationSpecs(ITestOutputHelper output)
{
    private const ulong SeedsMax = 15_000;
    private const int SecondsInTests = 60;
    private const int SecondsInCi = 150;

    [Fact]
    public void Group_should_keep_its_invariants_under_trouble_and_work_again_after_it()
    {
        (ulong first, ulong last) = SeedRunner.Number("PREDA_SEED") is { } one ? (one, one) : Seeds.Range(1, SeedsMax);
        var watch = Stopwatch.StartNew();
        (long acknowledged, long reads) = (0, 0);
        int seeds = SeedRunner.RunAll(first, last, Seeds.Threads, seed =>
        {
            RaftSimulation simulation = Run(seed);
            Interlocked.Add(ref acknowledged, simulation.Acknowledged);
            Interlocked.Add(ref reads, simulation.ReadsServed);
            if (seed % 100 == 0)
                Assert.True(simulation.Trace == Run(seed).Trace, $"seed {seed} ran twice and took two ways");
        }, Seeds.Until(Seeds.InCi ? SecondsInCi : SecondsInTests));
        output.WriteLine($"{seeds} seeds, {acknowledged} commands, {reads} reads in {watch.Elapsed}");
        Assert.True(seeds <= 1 || (acknowledged > seeds * 20 && reads > seeds * 20), "the simulation hardly does anything");
    }

    private static RaftSimulation Run(ulong seed)
    {
        _ = Enum.TryParse(Environment.GetEnvironmentVariable("PREDA_LEAN"), out RaftFault lean);
        var simulation = new RaftSimulation(SimSettings.Draw(seed, lean) with { Fault = RaftFault.None });
        simulation.Run();
        return simulation;
    }
}
