using Predastore.Actors.Raft;
using Xunit;

namespace Predastore.Actors.Tests.Raft;

/// <summary>A replica that ends and opens its state again.</summary>
public sealed class ReopeningSpecs
{
    [Fact]
    public async Task Replica_that_ends_should_not_go_on_sending_a_snapshot()
    {
        await using var bench = new ShellBench();
        await bench.StartAsync();
        await bench.LeadAsync(2, 5);
        bench.Group.Deliver(new SnapshotRequest { From = new Replica { Node = 3, Incarnation = 1 } });
        await ShellBench.UntilAsync(() => bench.Snapshots.Count == 1);
        CancellationToken sending = Assert.Single(bench.Snapshots);
        Assert.False(sending.IsCancellationRequested);

        await bench.StopAsync();

        Assert.True(sending.IsCancellationRequested);
    }

    [Fact]
    public async Task Status_should_say_why_the_state_does_not_open()
    {
        await using var bench = new ShellBench();
        await bench.StartAsync();
        await bench.StopAsync();
        Directory.Delete(bench.StatePath, recursive: true);
        await File.WriteAllTextAsync(bench.StatePath, "");

        bench.Begin();

        await ShellBench.UntilAsync(() => bench.Group.Status.Reason.Contains(bench.StatePath, StringComparison.Ordinal));
        File.Delete(bench.StatePath);
        await ShellBench.UntilAsync(() => bench.Group.Status.Phase == RaftPhase.Running);
    }
}
