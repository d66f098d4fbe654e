using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Bootstrap;
using Xunit;

namespace Predastore.Actors.Tests.Raft;

/// <summary>Whole replicas: bootstrap, journal, both planes.</summary>
public sealed class ShellSpecs
{
    [Fact]
    public async Task Single_replica_should_work_at_once()
    {
        await using var cluster = new ShellCluster(1);
        cluster.StartAll();

        ProposeResult result = await ShellCluster.ProposeAsync(cluster[1], "one");

        Assert.Equal(1, BitConverter.ToInt32(result.Result.Span));
        Assert.Equal(["one"], await ShellCluster.ReadAsync(cluster[1]));
        await cluster.StopAsync(1);
        cluster.Start(1);
        Assert.Equal(["one"], await ShellCluster.ReadAsync(cluster[1]));
        Assert.Equal(2UL, cluster[1].Replica.Identity!.Boots);
    }

    [Fact]
    public async Task Group_should_begin_and_survive_the_loss_and_return_of_its_leader()
    {
        await using var cluster = new ShellCluster(3);
        cluster.StartAll();
        ShellNode leader = await cluster.LeaderAsync();
        Assert.Single(cluster.Running.Select(node => node.Replica.Identity!.ClusterId).Distinct());
        ShellNode follower = cluster.Running.First(node => node != leader);

        // Through a follower, small on the control plane and large on the data plane.
        await ShellCluster.ProposeAsync(follower, "small");
        string large = new('x', 200_000);
        await ShellCluster.ProposeAsync(follower, large);
        foreach (ShellNode node in cluster.Running)
            Assert.Equal(["small", large], await ShellCluster.ReadAsync(node));

        uint killed = leader.Replica.Self.Node;
        await cluster.StopAsync(killed);
        await ShellCluster.ProposeAsync(follower, "without it");
        ShellNode back = cluster.Start(killed);
        Assert.Equal(["small", large, "without it"], (await ShellCluster.ReadAsync(back)).Distinct());
        Assert.Equal(leader.Replica.Self, back.Replica.Self);
        Assert.Equal(2UL, back.Replica.Identity!.Boots);
    }

    [Fact]
    public async Task Follower_behind_compaction_should_get_a_snapshot_and_keep_it()
    {
        await using var cluster = new ShellCluster(3, shell => shell with { CompactEntries = 20, TailEntries = 5 });
        cluster.StartAll();
        ShellNode leader = await cluster.LeaderAsync();
        uint away = cluster.Running.First(node => node != leader).Replica.Self.Node;
        await ShellCluster.ProposeAsync(leader, "first");
        await cluster.StopAsync(away);

        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => ShellCluster.ProposeAsync(leader, $"line {i}")));
        ShellNode back = cluster.Start(away);

        Assert.Equal(101, (await ShellCluster.ReadAsync(back)).Distinct().Count());
        Assert.Equal(1, back.Machine.Installs);

        // The journal names the received folder: a restart begins there.
        await cluster.StopAsync(away);
        back = cluster.Start(away);
        Assert.Equal(101, (await ShellCluster.ReadAsync(back)).Distinct().Count());
        Assert.Equal(0, back.Machine.Installs);
    }

    [Fact]
    public async Task Failed_journal_write_should_stop_the_replica_until_it_has_recovered()
    {
        await using var cluster = new ShellCluster(1);
        cluster.StartAll();
        await ShellCluster.ProposeAsync(cluster[1], "before");

        cluster[1].Databases.FailNextWrite();
        ProposeResult lost = await cluster[1].Group.Propose("lost"u8.ToArray(), TimeSpan.FromSeconds(20));
        ProposeResult after = await ShellCluster.ProposeAsync(cluster[1], "after");

        Assert.Equal(1, cluster[1].Databases.Failed);
        Assert.Equal(ProposeOutcome.Unknown, lost.Outcome);
        Assert.Equal(ProposeOutcome.Applied, after.Outcome);
        Assert.Equal(["before", "after"], await ShellCluster.ReadAsync(cluster[1]));
    }

    [Fact]
    public async Task Emptied_replica_should_be_refused_with_the_reason()
    {
        await using var cluster = new ShellCluster(3);
        cluster.StartAll();
        await cluster.LeaderAsync();
        await cluster.StopAsync(1);
        Directory.Delete(cluster.DataPath(1), recursive: true);

        ShellNode emptied = cluster.Start(1);

        string reason = await emptied.Replica.Refused.WaitAsync(ShellCluster.Patience);
        Assert.Contains("must not vote", reason, StringComparison.Ordinal);
        Assert.Contains(cluster.DataPath(1), reason, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ReplicaRefusedException>(() => emptied.Replica.Identified);
        Assert.Equal(RaftPhase.Refused, emptied.Group.Status.Phase);
        await ShellCluster.ProposeAsync(cluster[2], "the others go on");
    }

    [Fact]
    public async Task Unknown_command_should_halt_the_replica_with_the_reason()
    {
        await using var cluster = new ShellCluster(1);
        cluster.StartAll();
        await ShellCluster.ProposeAsync(cluster[1], "known");

        ProposeResult result = await cluster[1].Group.Propose("?new"u8.ToArray(), TimeSpan.FromSeconds(20));

        Assert.Equal(ProposeOutcome.Unknown, result.Outcome);
        Assert.Equal(RaftPhase.Halted, cluster[1].Group.Status.Phase);
        Assert.Contains("newer program", cluster[1].Group.Status.Reason, StringComparison.Ordinal);
        await Assert.ThrowsAsync<TimeoutException>(() => cluster[1].Group.ReadIndex(TimeSpan.FromSeconds(10)));
    }
}
