using Akka.Actor;
using Akka.Cluster;
using Predastore.Actors.Topology;
using Xunit;

namespace Predastore.Actors.Tests.Topology;

public sealed class LostMembersSpecs
{
    private static readonly TimeSpan StableAfter = TimeSpan.FromSeconds(2);

    [Fact]
    public void Silent_minority_should_be_removed_once_nothing_changed_for_a_while()
    {
        var lost = new LostMembers(StableAfter);

        Assert.Empty(Look(lost, 0, 1, silent: [3]));
        Assert.Empty(Look(lost, 1.9, 1, silent: [3]));
        Assert.Equal([Id(3)], Look(lost, 2, 1, silent: [3]));
    }

    [Fact]
    public void Node_without_a_majority_should_go_itself()
    {
        var lost = new LostMembers(StableAfter);
        Look(lost, 0, 1, silent: [2, 3]);

        Assert.Equal([Id(1)], Look(lost, 2, 1, silent: [2, 3]));
    }

    [Theory]
    [InlineData(1, new[] { 3, 4 }, new[] { 3, 4 })]
    [InlineData(3, new[] { 1, 2 }, new[] { 3 })]
    public void Half_with_the_lowest_address_should_stay(int self, int[] silent, int[] gone)
    {
        var lost = new LostMembers(StableAfter);
        Look(lost, 0, self, silent, members: 4);

        Assert.Equal(gone.Select(Id).Order(), Look(lost, 2, self, silent, members: 4).Order());
    }

    // Each member is found silent a moment after the one before: one by one they would be a minority every time.
    [Fact]
    public void Members_lost_one_after_the_other_should_be_counted_together()
    {
        var lost = new LostMembers(StableAfter);
        Look(lost, 0, 1, silent: [5], members: 5);
        Assert.Empty(Look(lost, 1.5, 1, silent: [4, 5], members: 5));
        Assert.Empty(Look(lost, 2, 1, silent: [3, 4, 5], members: 5));

        Assert.Equal([Id(1)], Look(lost, 4, 1, silent: [3, 4, 5], members: 5));
    }

    [Fact]
    public void Only_members_with_a_replica_should_count_where_there_are_any()
    {
        var lost = new LostMembers(StableAfter);
        Look(lost, 0, 1, silent: [3, 4, 5], members: 5, voters: 2);

        Assert.Equal([Id(3), Id(4), Id(5)], Look(lost, 2, 1, silent: [3, 4, 5], members: 5, voters: 2).Order());
    }

    [Fact]
    public void Members_should_count_where_none_has_a_replica()
    {
        var lost = new LostMembers(StableAfter);
        Look(lost, 0, 1, silent: [3], members: 3, voters: 0);

        Assert.Equal([Id(3)], Look(lost, 2, 1, silent: [3], members: 3, voters: 0));
    }

    [Fact]
    public void Node_that_is_joining_should_judge_nobody()
    {
        var lost = new LostMembers(StableAfter);
        Look(lost, 0, 9, silent: [2, 3]);

        Assert.Empty(Look(lost, 9, 9, silent: [2, 3]));
    }

    private static IReadOnlyCollection<UniqueAddress> Look(LostMembers lost, double seconds, int self, int[] silent, int members = 3, int? voters = null) =>
        lost.Look(TimeSpan.FromSeconds(seconds), Id(self),
            [.. Enumerable.Range(1, members).Select(node => new MemberSight(Id(node), Settled: true, Votes: node <= (voters ?? members), silent.Contains(node)))]);

    private static UniqueAddress Id(int node) => new(new Address("akka.tls", "predastore", $"127.0.0.{node}", 7000), node);
}
