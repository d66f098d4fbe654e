using System.Diagnostics;
using Predastore.Cluster.Tests.Chaos;
using Predastore.Cluster.Tests.Harness;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests.Power;

/// <summary>
/// Power loss of all nodes at once: the real programs, RocksDB included, lose every byte and every name that they had not
/// synced. That a missing sync would be noticed is tested too.
/// </summary>
[Collection(Alone.Name)]
public sealed class PowerLossSpecs(ITestOutputHelper output)
{
    private const int BuildRounds = 1;
    private const int LongRounds = 4;
    private const int LoadMinMs = 300;
    private const int LoadMaxMs = 2500;

    private readonly ChaosOptions _options = new();

    private int Rounds => !ChaosOptions.IsLong ? BuildRounds
        : Environment.GetEnvironmentVariable("CHAOS_ROUNDS") is null ? LongRounds : _options.Rounds;

    [SkippableFact]
    public async Task Acknowledged_writes_should_survive_power_cuts()
    {
        using PowerTools? tools = PowerTools.TryCreate(out string why);
        Skip.If(tools is null, $"the library that stands for a disk without power needs a C compiler: {why}");
        await using ChaosCluster chaos = await ChaosCluster.StartAsync(ShapeOf(tools), _options, output);
        await chaos.Nodes.RunAsync(async () =>
        {
            PowerCut all = default;
            long started = Stopwatch.GetTimestamp();
            for (int round = 1; round <= Rounds; round++)
                all += await RoundAsync(chaos, tools, round);
            TimeSpan rounds = Stopwatch.GetElapsedTime(started);
            Assert.True(all.Bytes > 0, "the cuts took nothing: they prove nothing");
            if (!ChaosOptions.IsLong)
                return;
            TimeSpan exact = await chaos.Nodes.WaitExactAsync(_options.OrphanLimit);
            TimeSpan empty = await chaos.EmptyAsync(_options.OrphanLimit);
            chaos.Say($"power: {Rounds} rounds in {rounds.TotalSeconds:0} s, {chaos.Workload.Acked} acknowledged, {chaos.Workload.Unknown} unknown, 0 lost, 0 wrong; "
                + $"cut {all.Bytes:N0} bytes of {all.Files:N0} files and {all.Names:N0} names; census exact after {exact.TotalSeconds:0} s, empty after {empty.TotalSeconds:0} s more");
        });
    }

    [SkippableTheory]
    [InlineData("/segments", null)]
    [InlineData("/db", null)]
    [InlineData(null, ".segment")]
    [InlineData(null, "/db/")]
    public async Task Missing_sync_should_be_noticed(string? directory, string? file)
    {
        ChaosOptions.RequireLong();
        using PowerTools? tools = PowerTools.TryCreate(out string why);
        Skip.If(tools is null, $"the library that stands for a disk without power needs a C compiler: {why}");
        ChaosOptions options = _options with { Writers = 2 };
        await using ChaosCluster chaos = await ChaosCluster.StartAsync(ShapeOf(tools, directory, file), options, output);
        string? noticed = null;
        try
        {
            await RoundAsync(chaos, tools, 1);
        }
        catch (Exception e) when (e is Xunit.Sdk.XunitException or InvalidOperationException or TimeoutException or Amazon.Runtime.AmazonServiceException)
        {
            noticed = e.Message;
        }

        Assert.True(noticed is not null, "nothing was lost although syncs did nothing");
        output.WriteLine(noticed);
    }

    private ClusterShape ShapeOf(PowerTools tools, string? ignoreDirectory = null, string? ignoreFile = null) =>
        _options.Shape with { NodeEnvironment = (files, node) => tools.Variables(files.NodeFolder(node), ignoreDirectory, ignoreFile) };

    private async Task<PowerCut> RoundAsync(ChaosCluster chaos, PowerTools tools, int round)
    {
        var random = new Random(HashCode.Combine(_options.Seed, round));
        using var stop = new CancellationTokenSource();
        Task load = chaos.Workload.RunAsync(stop.Token);
        await Task.Delay(random.Next(LoadMinMs, LoadMaxMs));
        await Task.WhenAll(chaos.Nodes.KillAsync([.. chaos.Nodes.Nodes]), stop.CancelAsync());
        await load;
        // Every second cut takes all that it may; the others draw how far caches had come by themselves.
        PowerCut cut = chaos.Nodes.Nodes.Select(node => tools.Cut(chaos.Nodes.Files.NodeFolder(node), round % 2 == 1 ? 0 : random.Next(1, int.MaxValue)))
            .Aggregate((a, b) => a + b);
        TimeSpan ready = await chaos.StartAllAsync();
        await chaos.CheckAsync($"power cut {round}", settle: true);
        chaos.Say($"power cut {round}: {cut.Bytes:N0} bytes of {cut.Files} files, {cut.Names} names; ready after {ready.TotalSeconds:0.0} s, {chaos.Workload.Acked} acknowledged so far");
        return cut;
    }
}
