using System.Globalization;
using Predastore.Shards.Crypto;
using Predastore.Shards.Placement;
using Xunit;

namespace Predastore.Shards.Tests.Placement;

public sealed class RingSpecs
{
    private static readonly Guid Cluster = Guid.ParseExact("00112233445566778899aabbccddeeff", "N");

    private static ObjectHash Hash(int i) => ObjectHash.Compute(Cluster, (ulong)i);

    private static RingMember Member(uint id, string host = "", string zone = "", double weight = 1, uint? node = null) =>
        new(id, node ?? id, host.Length == 0 ? $"host{id}" : host, zone, weight);

    private static RingMember[] Members(int count) => [.. Enumerable.Range(1, count).Select(i => Member((uint)i))];

    [Fact]
    public void Golden_placements_should_not_change()
    {
        Ring three = new(Members(3)), seven = new(Members(7));
        Ring zoned = new([
            Member(10, "a", "x"), Member(11, "a", "x"), Member(12, "b", "x", 2), Member(13, "c", "y"), Member(14, "c", "y", 0.5),
            Member(15, "d", "z"),
        ]);
        string[] lines = [.. Enumerable.Range(0, 40).SelectMany(i => new[]
        {
            $"three {i}: {Join(three.Place(Hash(i), 3))}",
            $"seven {i}: {Join(seven.Place(Hash(i), 5))} of {Join(seven.Walk(Hash(i)).Select(m => m.StorageId))}",
            $"zoned {i}: {Join(zoned.Place(Hash(i), 5))}",
        })];
        Assert.Equal(Golden.Text("placements-v1.txt"), lines);

        static string Join(IEnumerable<uint> ids) =>
            string.Join(' ', ids.Select(id => id.ToString(CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void Placement_should_not_depend_on_the_order_of_members()
    {
        Ring ring = new(Members(9)), reversed = new(Members(9).Reverse());
        for (int i = 0; i < 500; i++) Assert.Equal(ring.Place(Hash(i), 5), reversed.Place(Hash(i), 5));
    }

    [Fact]
    public void Walk_should_meet_every_member_once()
    {
        Ring ring = new(Members(12));
        for (int i = 0; i < 200; i++)
            Assert.Equal(Enumerable.Range(1, 12), ring.Walk(Hash(i)).Select(m => (int)m.StorageId).Order());
    }

    [Fact]
    public void Ends_of_the_hash_space_should_wrap()
    {
        Ring ring = new(Members(3));
        byte[] highest = Enumerable.Repeat((byte)0xFF, 32).ToArray();
        Assert.Equal(ring.Place(new ObjectHash(new byte[32]), 3), ring.Place(new ObjectHash(highest), 3));
    }

    [Theory]
    [InlineData(3, 1), InlineData(7, 5), InlineData(16, 3)]
    public void Shares_should_be_even(int members, int count)
    {
        const int objects = 20_000;
        Ring ring = new(Members(members));
        Dictionary<uint, int> shares = Tally(ring, objects, count);
        double expected = (double)objects * count / members;
        Assert.All(shares, s => Assert.InRange(s.Value / expected, 0.85, 1.15));
        Assert.Equal(members, shares.Count);
    }

    [Fact]
    public void Shares_should_follow_weights()
    {
        Ring ring = new([Member(1), Member(2, weight: 2), Member(3, weight: 0.5), Member(4, weight: 4.5)]);
        Dictionary<uint, int> shares = Tally(ring, 40_000, 1);
        foreach (RingMember m in ring.Members) Assert.InRange(shares[m.StorageId] / (40_000 * m.Weight / 8), 0.87, 1.13);
    }

    private static Dictionary<uint, int> Tally(Ring ring, int objects, int count) => Enumerable.Range(0, objects)
        .SelectMany(i => ring.Place(Hash(i), count)).CountBy(id => id).ToDictionary();

    [Fact]
    public void Adding_a_member_should_move_only_what_it_takes()
    {
        Ring before = new(Members(9)), after = new(Members(10));
        int moved = 0;
        for (int i = 0; i < 5000; i++)
        {
            IReadOnlyList<uint> old = before.Place(Hash(i), 5), now = after.Place(Hash(i), 5);
            uint[] arrived = [.. now.Except(old)];
            Assert.True(arrived.Length == 0 || arrived is [10]);
            moved += arrived.Length;
        }
        // A fair share of 5 shards over 10 members is one half of the objects.
        Assert.InRange(moved, 5000 * 0.42, 5000 * 0.58);
    }

    [Fact]
    public void Removing_a_member_should_move_only_what_it_held()
    {
        Ring before = new(Members(9)), after = new(Members(9).Where(m => m.StorageId != 4));
        for (int i = 0; i < 5000; i++)
        {
            IReadOnlyList<uint> old = before.Place(Hash(i), 3);
            Assert.True(old.Where(id => id != 4).All(after.Place(Hash(i), 3).Contains));
        }
    }

    [Fact]
    public void Unusable_members_should_be_skipped_as_if_absent()
    {
        Ring ring = new(Members(9)), without = new(Members(9).Where(m => m.StorageId is not (2 or 7)));
        for (int i = 0; i < 1000; i++)
            Assert.Equal(without.Place(Hash(i), 5), ring.Place(Hash(i), 5, id => id is not (2 or 7)));
        Assert.Equal(2, ring.Place(Hash(1), 5, id => id <= 2).Count);
        Assert.Empty(ring.Place(Hash(1), 5, _ => false));
        Assert.Empty(new Ring([]).Place(Hash(1), 3));
    }

    [Fact]
    public void Shards_should_spread_over_zones_hosts_nodes_and_disks()
    {
        // 3 zones x 2 hosts x 2 nodes x 2 disks.
        List<RingMember> members = [];
        for (uint i = 0; i < 24; i++) members.Add(new(i, i / 2, $"h{i / 4}", $"z{i / 8}", 1 + i % 3));
        Ring ring = new(members);
        for (int i = 0; i < 300; i++)
        {
            for (int count = 1; count <= 24; count++)
            {
                RingMember[] placed = [.. ring.Place(Hash(i), count).Select(id => members[(int)id])];
                Assert.Equal(count, placed.Distinct().Count());
                Even(placed.CountBy(m => m.Zone), count, 3);
                Even(placed.CountBy(m => m.Node), count, 12);
                Even(placed.CountBy(m => m.Host), count, 6);
            }
        }

        static void Even<T>(IEnumerable<KeyValuePair<T, int>> groups, int count, int all)
        {
            int[] sizes = [.. groups.Select(g => g.Value)];
            Assert.Equal(Math.Min(count, all), sizes.Length);
            Assert.True(sizes.Max() - (sizes.Length == all ? sizes.Min() : 0) <= 1);
        }
    }

    [Fact]
    public void Same_host_in_two_zones_and_uneven_hosts_should_still_give_all_disks()
    {
        Ring ring = new([Member(1, "a", "x"), Member(2, "a", "x"), Member(3, "a", "x"), Member(4, "b", "y")]);
        for (int i = 0; i < 100; i++)
        {
            IReadOnlyList<uint> placed = ring.Place(Hash(i), 4);
            Assert.Contains(4u, placed.Take(2));
            Assert.Equal(4, placed.Distinct().Count());
        }
    }

    [Fact]
    public void Bad_members_should_be_refused()
    {
        Assert.Throws<ArgumentException>(() => new Ring([Member(1), Member(1)]));
        Assert.Throws<ArgumentException>(() => new Ring([Member(1, weight: 0)]));
        Assert.Throws<ArgumentException>(() => new Ring([Member(1, weight: double.NaN)]));
        Assert.Throws<ArgumentException>(() => new Ring([Member(1, weight: -1)]));
    }
}
