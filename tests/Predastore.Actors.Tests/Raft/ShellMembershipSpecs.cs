using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;
using Predastore.Testing.Disk;
using Xunit;

namespace Predastore.Actors.Tests.Raft;

/// <summary>Whole replicas: who belongs to the group, and who is only fetched anew.</summary>
public sealed class ShellMembershipSpecs
{
    private static readonly TimeSpan StepTimeout = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Emptied_replica_should_not_vote_until_it_has_replaced_the_old_one()
    {
        await using var cluster = new ShellCluster(3, shell => shell with { Compaction = shell.Compaction with { Entries = 20, Tail = 5 } });
        cluster.StartAll();
        ShellNode leader = await cluster.LeaderAsync();
        await Task.WhenAll(Enumerable.Range(0, 60).Select(i => ShellCluster.ProposeAsync(leader, $"line {i}")));
        ReplicaId old = cluster[1].Replica.Self;
        await cluster.StopAsync(1);
        Directory.Delete(cluster.DataPath(1), recursive: true);

        string reason = await cluster.Start(1).Replica.Refused.WaitAsync(ShellCluster.Patience);
        Assert.Contains("start the node with --new-replica", reason);
        await cluster.StopAsync(1);
        ShellNode emptied = cluster.Start(1, lost: true);
        await cluster.UntilAsync("replica that waits", () => emptied.Group.Status is { Phase: RaftPhase.Running, Outside: true, Readable: false });
        ReplicaId fresh = emptied.Replica.Self;
        Assert.NotEqual(old, fresh);

        // One voter of three and the emptied replica are no majority.
        await cluster.StopAsync(2);
        ProposeResult alone = await cluster[3].Group.Propose("no quorum"u8.ToArray(), TimeSpan.FromSeconds(3));
        Assert.NotEqual(ProposeOutcome.Applied, alone.Outcome);
        cluster.Start(2);
        await cluster.LeaderAsync();

        await ChangeAsync(cluster, 2, MembershipStep.AddLearner, fresh);
        await cluster.UntilAsync("learner that is filled", () => emptied.Machine.Lines.Contains("line 59"));
        Assert.Equal(ChangeOutcome.Refused, (await ChangeOnceAsync(cluster[2], MembershipStep.Promote, fresh)).Outcome);
        await ChangeAsync(cluster, 2, MembershipStep.Remove, old, acceptLess: true);
        await ChangeAsync(cluster, 2, MembershipStep.Promote, fresh);

        // Its vote counts now: with node 3 away it and node 2 decide.
        await cluster.StopAsync(3);
        await ShellCluster.ProposeAsync(cluster[2], "with the new one");
        Assert.Contains("with the new one", await ShellCluster.ReadAsync(emptied));
        Assert.Equal([2u, 1u], emptied.Group.Status.Members.Voters.Where(voter => voter != default).Select(voter => voter.Node)
            .Where(node => node != 3).OrderDescending());

        // Who it is stays so: a restart is the same replica, and it belongs to the group.
        await cluster.StopAsync(1);
        emptied = cluster.Start(1);
        Assert.Contains("with the new one", await ShellCluster.ReadAsync(emptied));
        Assert.Equal(fresh, emptied.Replica.Self);
    }

    [Fact]
    public async Task Emptied_replica_should_wait_while_too_few_say_that_the_cluster_exists()
    {
        await using var cluster = new ShellCluster(3);
        cluster.StartAll();
        await cluster.LeaderAsync();
        foreach (uint node in new uint[] { 1, 2, 3 })
            await cluster.StopAsync(node);
        Directory.Delete(cluster.DataPath(1), recursive: true);
        cluster.Start(3);

        ShellNode emptied = cluster.Start(1, lost: true);

        await cluster.UntilAsync("reason", () => emptied.Group.Status.Reason.Contains("2 other nodes", StringComparison.Ordinal));
        Assert.Equal(RaftPhase.Bootstrapping, emptied.Group.Status.Phase);
        cluster.Start(2);
        await cluster.UntilAsync("replica that waits", () => emptied.Group.Status is { Phase: RaftPhase.Running, Outside: true });
    }

    [Fact]
    public async Task Restored_backup_of_a_replica_should_not_be_heard()
    {
        await using var cluster = new ShellCluster(3);
        using var backup = new TemporaryFolder();
        string copy = Path.Combine(backup.Path, "replica");
        cluster.StartAll();
        await cluster.LeaderAsync();
        await cluster.StopAsync(1);
        TemporaryFolder.Copy(cluster.DataPath(1), copy);
        ShellNode leader = await cluster.LeaderAsync();
        cluster.Start(1);
        await cluster.LeaderAsync();
        await ShellCluster.ProposeAsync(leader, "after the backup");
        await cluster.UntilAsync("follower", () => cluster[1].Machine.Lines.Contains("after the backup"));
        await cluster.StopAsync(1);
        await cluster.StopAsync(leader.Replica.Self.Node == 2 ? 3u : 2u);
        Directory.Delete(cluster.DataPath(1), recursive: true);
        TemporaryFolder.Copy(copy, cluster.DataPath(1));

        // It has the boot count that comes next, but the group has heard another program with that count.
        ShellNode restored = cluster.Start(1);
        await cluster.UntilAsync("restored replica", () => restored.Group.Status.Phase == RaftPhase.Running);
        ProposeResult result = await leader.Group.Propose("with its vote"u8.ToArray(), TimeSpan.FromSeconds(4));

        Assert.NotEqual(ProposeOutcome.Applied, result.Outcome);
        await cluster.UntilAsync("leader without a quorum", () => leader.Group.Status.Role != RaftRole.Leader);
        Assert.NotEqual(RaftRole.Leader, restored.Group.Status.Role);
        Assert.DoesNotContain("with its vote", leader.Machine.Lines);
    }

    [Fact]
    public async Task Removed_replica_should_know_it_and_disturb_nobody()
    {
        await using var cluster = new ShellCluster(3);
        cluster.StartAll();
        ShellNode leader = await cluster.LeaderAsync();
        ulong term = leader.Group.Status.Term;
        ShellNode removed = cluster.Running.First(node => node != leader);

        await ChangeAsync(cluster, removed.Replica.Self.Node, MembershipStep.Remove, removed.Replica.Self, acceptLess: true);
        await cluster.UntilAsync("replica that knows", () => removed.Group.Status is { Outside: true, Readable: false });

        await ShellCluster.ProposeAsync(leader, "without it");
        Assert.DoesNotContain("without it", removed.Machine.Lines);
        Assert.Equal((term, RaftRole.Leader), (leader.Group.Status.Term, leader.Group.Status.Role));
    }

    [Fact]
    public async Task Leader_should_be_removed_without_a_gap()
    {
        await using var cluster = new ShellCluster(3);
        cluster.StartAll();
        ShellNode leader = await cluster.LeaderAsync();
        ReplicaId removed = leader.Replica.Self;
        ShellNode other = cluster.Running.First(node => node != leader);

        await ChangeAsync(cluster, other.Replica.Self.Node, MembershipStep.Remove, removed, acceptLess: true);

        ShellNode next = await LeaderOfTwoAsync(cluster, removed);
        await ShellCluster.ProposeAsync(next, "goes on");
        Assert.DoesNotContain(removed, next.Group.Status.Members.All);
    }

    [Fact]
    public async Task Lost_state_behind_a_compacted_journal_should_be_fetched_again()
    {
        await using var cluster = new ShellCluster(3, shell => shell with { Compaction = shell.Compaction with { Entries = 20, Tail = 5 } });
        cluster.StartAll();
        ShellNode leader = await cluster.LeaderAsync();
        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => ShellCluster.ProposeAsync(leader, $"line {i}")));
        uint lost = cluster.Running.First(node => node != leader).Replica.Self.Node;
        uint third = cluster.Running.First(node => node != leader && node.Replica.Self.Node != lost).Replica.Self.Node;
        await ShellCluster.ReadAsync(cluster[lost]);
        await cluster.StopAsync(lost);
        Directory.Delete(Path.Combine(cluster.DataPath(lost), "state"), recursive: true);
        await cluster.StopAsync(third);
        await cluster.StopAsync(leader.Replica.Self.Node);

        // Alone with a replica that has a state, it must help to elect that one: it cannot lead itself.
        ShellNode back = cluster.Start(lost);
        await cluster.UntilAsync("replica without a state", () => back.Group.Status is { Phase: RaftPhase.Running, Readable: false });
        Assert.Contains("lost", back.Group.Status.Reason, StringComparison.Ordinal);
        cluster.Start(leader.Replica.Self.Node);

        await cluster.UntilAsync("state", () => back.Group.Status is { Readable: true });
        Assert.Equal(100, (await ShellCluster.ReadAsync(back)).Distinct().Count());
        Assert.Equal(1, back.Machine.Installs);
        await cluster.StopAsync(lost);
        back = cluster.Start(lost);
        Assert.Equal(100, (await ShellCluster.ReadAsync(back)).Distinct().Count());
        Assert.Equal(0, back.Machine.Installs);
    }

    private static async Task<ShellNode> LeaderOfTwoAsync(ShellCluster cluster, ReplicaId without)
    {
        ShellNode? leader = null;
        await cluster.UntilAsync("leader of the rest", () =>
            (leader = cluster.Running.FirstOrDefault(node => node.Group.Status.Role == RaftRole.Leader && node.Replica.Self != without)) is not null);
        return leader!;
    }

    private static Task<ChangeResult> ChangeOnceAsync(ShellNode at, MembershipStep step, ReplicaId replica, bool acceptLess = false)
        => at.Group.Change(new MembershipChange(step, replica, acceptLess), StepTimeout);

    /// <summary>Asks a replica, leader or not, until the step is done: steps may be asked for twice.</summary>
    private static async Task ChangeAsync(ShellCluster cluster, uint at, MembershipStep step, ReplicaId replica, bool acceptLess = false)
    {
        ChangeResult result = ChangeResult.Later("not asked");
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        while (result.Outcome != ChangeOutcome.Done)
        {
            Assert.NotEqual(ChangeOutcome.Refused, result.Outcome);
            Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(start) < ShellCluster.Patience, result.ToString());
            result = await ChangeOnceAsync(cluster[at], step, replica, acceptLess);
            if (result.Outcome != ChangeOutcome.Done)
                await Task.Delay(100);
        }
    }
}
