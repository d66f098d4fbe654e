using Microsoft.Extensions.Logging.Abstractions;
using Predastore.Actors.Maintenance;
using Predastore.Actors.Metadata;
using Predastore.Actors.Streams;
using Predastore.Shards.Crypto;

namespace Predastore.Actors.Tests.Maintenance;

public sealed class HealReporterSpecs
{
    [Fact]
    public async Task Fault_should_be_queued_once_however_often_it_is_met()
    {
        await using var fixture = new MaintenanceFixture(3, 2, 5);
        DataRow row = await fixture.PutAsync("key", 50_000);
        using var gate = new ManualResetEventSlim();
        fixture.Metadata.Before = command =>
        {
            if (command.QueueHeal is not null)
                gate.Wait(TimeSpan.FromSeconds(30));
        };
        await using var reporter = new HealReporter(fixture.Parts.Proposer, NullLogger.Instance);
        for (int i = 0; i < 100; i++)
            reporter.Report(new ShardFault(row, 1, row.Placement[1], 3, FragmentFault.Tag));
        reporter.Report(new ShardFault(row, 2, row.Placement[2], -1, FragmentFault.Length));
        gate.Set();
        await WaitAsync(() => fixture.Metadata.Applied.Count(command => command.QueueHeal is not null) == 2);
        await fixture.RoundAsync();
        Assert.Equal(2, fixture.Parts.Progress.HealedShards);
    }

    [Fact]
    public async Task Fault_of_a_place_that_the_row_has_left_should_not_be_queued()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 4);
        DataRow row = await fixture.PutAsync("key", 50_000);
        fixture.SetRing([.. Enumerable.Range(1, 4).Select(id => (uint)id).Where(id => id != row.Placement[1])]);
        await fixture.RoundAsync();
        await using var reporter = new HealReporter(fixture.Parts.Proposer, NullLogger.Instance);
        reporter.Report(new ShardFault(row, 1, row.Placement[1], -1, FragmentFault.Length));
        await WaitAsync(() => fixture.Metadata.Applied.Any(command => command.QueueHeal is not null));
        Assert.Equal(0u, fixture.HealBacklog());
    }

    private static async Task WaitAsync(Func<bool> condition)
    {
        for (int i = 0; i < 1000 && !condition(); i++)
            await Task.Delay(10);
        Assert.True(condition());
    }
}
