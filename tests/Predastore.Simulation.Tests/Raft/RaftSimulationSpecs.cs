using System.Diagnostics;
using System.Globalization;
using Predastore.Actors.Raft.Core;
using Xunit;
using Xunit.Abstractions;

namespace Predastore.Simulation.Tests.Raft;

/// <summary>
/// Seeds of whole groups. <c>PREDA_SEED=n</c> runs one, <c>PREDA_SEEDS=n</c> runs that many; else as many as fit in the time.
/// </summary>
public sealed class RaftSimulationSpecs(ITestOutputHelper output)
{
    private static readonly TimeSpan TimeForSeeds = TimeSpan.FromSeconds(12);

    [Fact]
    public void Group_should_keep_its_invariants_under_trouble_and_work_again_after_it()
    {
        ulong first = Number("PREDA_SEED") ?? 1;
        ulong count = Number("PREDA_SEED") is null ? Number("PREDA_SEEDS") ?? ulong.MaxValue : 1;
        var watch = Stopwatch.StartNew();
        (int seeds, int acknowledged, int reads) = (0, 0, 0);
        for (ulong seed = first; seed - first < count; seed++)
        {
            if (count == ulong.MaxValue && watch.Elapsed > TimeForSeeds)
                break;
            var simulation = new RaftSimulation(SimSettings.Draw(seed));
            simulation.Run();
            seeds++;
            acknowledged += simulation.Acknowledged;
            reads += simulation.ReadsServed;
        }

        output.WriteLine($"{seeds} seeds, {acknowledged} commands, {reads} reads in {watch.Elapsed}");
        Assert.True(count == 1 || (acknowledged > seeds * 20 && reads > seeds * 20), "the simulation hardly does anything");
    }

    [Theory]
    [InlineData(3)]
    [InlineData(17)]
    [InlineData(42)]
    public void Seed_should_give_the_same_run_twice(ulong seed)
    {
        ulong[] traces = [.. Enumerable.Range(0, 2).Select(_ =>
        {
            var simulation = new RaftSimulation(SimSettings.Draw(seed));
            simulation.Run();
            return simulation.Trace;
        })];
        Assert.Equal(traces[0], traces[1]);
    }

    public static TheoryData<string> Faults => [.. Enum.GetNames<RaftFault>().Where(name => name != nameof(RaftFault.None))];

    [Theory]
    [MemberData(nameof(Faults))]
    public void Planted_bug_should_be_found(string fault)
    {
        const int SeedsMax = 2_000;
        for (ulong seed = 1; seed <= SeedsMax; seed++)
        {
            try
            {
                new RaftSimulation(SimSettings.Draw(seed, Enum.Parse<RaftFault>(fault))).Run();
            }
            catch (InvariantException found)
            {
                output.WriteLine($"seed {seed}: {found.Message.Split('\n')[0]}");
                return;
            }
        }

        Assert.Fail($"{fault} was not found in {SeedsMax} seeds");
    }

    private static ulong? Number(string variable)
        => ulong.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out ulong value) ? value : null;
}
