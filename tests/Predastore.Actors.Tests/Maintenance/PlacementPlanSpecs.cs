using System.Security.Cryptography;
using Google.Protobuf;
using Predastore.Actors.Maintenance;
using Predastore.Actors.Metadata;
using Predastore.Actors.Topology;
using Predastore.Shards.Crypto;
using Predastore.Shards.Placement;
using Predastore.Shards.Striping;
using RingMember = Predastore.Shards.Placement.RingMember;

namespace Predastore.Actors.Tests.Maintenance;

public sealed class PlacementPlanSpecs
{
    [Fact]
    public void Row_of_the_current_epoch_on_good_places_should_stay()
    {
        ClusterView cluster = View(1, 1, 2, 3, 4, 5);
        Assert.Empty(PlacementPlan.Moves(Row(1, 1, [5, 4, 3]), cluster, _ => StorageCondition.Good));
    }

    [Fact]
    public void Moves_should_leave_a_placement_of_distinct_ring_places_and_be_as_few_as_can_be()
    {
        ClusterView before = View(1, 1, 2, 3, 4, 5);
        ClusterView after = View(2, 1, 2, 3, 4, 5, 6, 7);
        for (int i = 0; i < 500; i++)
        {
            DataRow row = Placed(i, before);
            uint[] ideal = [.. after.Ring.Place(new ObjectHash(row.ObjectHash.Span), 3)];
            IReadOnlyList<ShardMove> moves = PlacementPlan.Moves(row, after, _ => StorageCondition.Good);
            Assert.Equal(ideal.Except(row.Placement).Count(), moves.Count);
            uint[] placement = [.. row.Placement];
            foreach (ShardMove move in moves)
            {
                Assert.Equal(placement[move.Shard], move.From);
                placement[move.Shard] = move.To;
            }

            Assert.Equal(ideal.Order(), placement.Order());
            Assert.True(PlacementPlan.Follows(placement, after, row));
        }
    }

    [Fact]
    public void Place_out_of_reach_for_a_moment_should_be_waited_for()
    {
        ClusterView cluster = View(2, 1, 2, 3, 4, 5);
        DataRow row = Placed(3, View(1, 1, 2, 3, 4, 5));
        uint away = row.Placement[1];
        Assert.Empty(PlacementPlan.Moves(row, cluster, id => id == away ? StorageCondition.Away : StorageCondition.Good));
    }

    [Theory]
    [InlineData("Lost", false)]
    [InlineData("Leaving", true)]
    [InlineData("Removed", false)]
    public void Place_that_is_given_up_should_be_left(string name, bool readable)
    {
        StorageCondition condition = Enum.Parse<StorageCondition>(name);
        ClusterView cluster = View(1, 1, 2, 3, 4, 5);
        DataRow row = Placed(3, cluster);
        uint gone = row.Placement[1];
        ShardMove move = Assert.Single(PlacementPlan.Moves(row, cluster, id => id == gone ? condition : StorageCondition.Good));
        Assert.Equal((1u, gone, readable), (move.Shard, move.From, move.Readable));
        Assert.DoesNotContain(move.To, row.Placement);
    }

    [Fact]
    public void Without_a_place_to_go_nothing_should_move()
    {
        ClusterView cluster = View(1, 1, 2, 3);
        DataRow row = Placed(3, cluster);
        Assert.Empty(PlacementPlan.Moves(row, cluster, id => id == 2 ? StorageCondition.Lost : StorageCondition.Good));
    }

    [Fact]
    public void Shards_should_be_spread_within_a_tenth_of_even_after_two_ids_are_added()
    {
        ClusterView before = View(1, 1, 2, 3, 4, 5);
        ClusterView after = View(2, 1, 2, 3, 4, 5, 6, 7);
        var counts = new Dictionary<uint, int>();
        for (int i = 0; i < 10_000; i++)
        {
            DataRow row = Placed(i, before, 5);
            uint[] placement = [.. row.Placement];
            foreach (ShardMove move in PlacementPlan.Moves(row, after, _ => StorageCondition.Good))
                placement[move.Shard] = move.To;
            foreach (uint id in placement)
                counts[id] = counts.GetValueOrDefault(id) + 1;
        }

        double even = 10_000 * 5 / 7.0;
        Assert.Equal(7, counts.Count);
        Assert.All(counts.Values, count => Assert.InRange(count, even * 0.9, even * 1.1));
    }

    private static DataRow Placed(int seed, ClusterView cluster, int shards = 3)
    {
        DataRow row = Row(seed, cluster.Epoch, []);
        row.Placement.AddRange(cluster.Ring.Place(new ObjectHash(row.ObjectHash.Span), shards));
        return row;
    }

    private static DataRow Row(int seed, ulong epoch, uint[] placement)
    {
        var row = new DataRow { Epoch = epoch, ObjectHash = ByteString.CopyFrom(SHA256.HashData(BitConverter.GetBytes(seed))) };
        row.Placement.AddRange(placement);
        return row;
    }

    private static ClusterView View(ulong epoch, params uint[] members) => new(
        Guid.Empty, epoch, new Geometry(2, 1),
        new Ring([.. members.Select(id => new RingMember(id, id, $"h{id}", "", 1))]), new Dictionary<uint, StorageRow>());
}
