using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;
using Xunit;

namespace Predastore.Actors.Tests.Raft;

public sealed class ReachSpecs
{
    private const int Enough = 4;
    private static readonly TimeSpan Last = At(Enough - 1);
    private static readonly ReplicaId[] Ids = [.. Enumerable.Range(1, 5).Select(node => new ReplicaId((uint)node, 1))];

    [Fact]
    public void Reach_should_be_the_round_trip_to_the_last_of_a_majority()
    {
        var reach = new Reach();
        for (int second = 0; second < Enough; second++)
            Ping(reach, second, (2, 40), (3, 10), (4, 30));

        Assert.Equal(10, reach.Own(Ids[0], Voters(3), Last)?.TotalMilliseconds);
        Assert.Equal(30, reach.Own(Ids[0], Voters(5), Last)?.TotalMilliseconds);
        Assert.Equal(0, reach.Own(Ids[0], Voters(1), Last)?.TotalMilliseconds);
    }

    [Fact]
    public void Reach_should_be_unknown_without_answers_of_a_majority()
    {
        var reach = new Reach();
        for (int second = 0; second < Enough; second++)
        {
            Assert.Null(reach.Own(Ids[0], Voters(3), At(second)));
            Ping(reach, second, (2, 40));
        }

        Assert.NotNull(reach.Own(Ids[0], Voters(3), Last));
        Assert.Null(reach.Own(Ids[0], Voters(5), Last));
        Assert.Null(reach.Own(Ids[0], Voters(3), Last + Reach.Window));
    }

    [Fact]
    public void Leader_should_go_once_it_is_much_further_from_a_majority_than_another()
    {
        var reach = new Reach();
        for (int second = 0; second < 10; second++)
            Ping(reach, second, (2, 1), (3, 1));
        Assert.Equal(default, reach.Better(Ids[0], Voters(3), At(9)));

        // As long as one quick answer counts it may be the load.
        int slow = 10;
        for (; slow < 14; slow++)
        {
            Ping(reach, slow, (2, 100), (3, 100));
            Assert.Equal(default, reach.Better(Ids[0], Voters(3), At(slow)));
        }

        Ping(reach, slow, (2, 100), (3, 100));
        Assert.Equal(Ids[1], reach.Better(Ids[0], Voters(3), At(slow)).Heir);
    }

    [Theory]
    [InlineData(19, 1, false)]
    [InlineData(21, 1, true)]
    [InlineData(100, 30, false)]
    [InlineData(100, 20, true)]
    public void Leader_should_stay_while_others_are_little_nearer(int own, int theirs, bool goes)
    {
        var reach = new Reach();
        for (int second = 0; second < Enough; second++)
            foreach (int node in new[] { 2, 3 })
                reach.Take(Ids[node - 1], TimeSpan.FromMilliseconds(own), TimeSpan.FromMilliseconds(theirs), At(second));

        Assert.Equal(goes, reach.Better(Ids[0], Voters(3), Last).Heir != ReplicaId.None);
    }

    [Fact]
    public void Heir_should_be_a_voter_that_answers_and_knows_its_own_reach()
    {
        var reach = new Reach();
        for (int second = 0; second < Enough; second++)
        {
            reach.Take(Ids[1], TimeSpan.FromMilliseconds(100), null, At(second));
            reach.Take(Ids[3], TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(1), At(second));
        }

        // Replica 4 is no voter of three.
        Assert.Equal(default, reach.Better(Ids[0], Voters(3), Last));
    }

    // Round trips in milliseconds; everybody else is 1 ms from a majority.
    private static void Ping(Reach reach, int second, params (uint Node, int Trip)[] answers)
    {
        foreach ((uint node, int trip) in answers)
            reach.Take(Ids[node - 1], TimeSpan.FromMilliseconds(trip), TimeSpan.FromMilliseconds(1), At(second));
    }

    private static Membership Voters(int count) => new(Ids.Take(count), []);

    private static TimeSpan At(int second) => TimeSpan.FromSeconds(second);
}
