using CsCheck;
using Predastore.Actors.Topology;
using Predastore.Actors.Topology.Wire;
using Xunit;

namespace Predastore.Actors.Tests.Topology;

public sealed class IslandsSpecs
{
    private static readonly uint[] Db = [1, 2, 3];

    [Fact]
    public void Smaller_side_should_yield_after_three_probes()
    {
        var islands = new Islands(Db);

        Assert.False(islands.MustYield(Id(1), [Id(1)], From(2, 2, 3)));
        Assert.False(islands.MustYield(Id(1), [Id(1)], From(2, 2, 3)));
        Assert.True(islands.MustYield(Id(1), [Id(1)], From(2, 2, 3)));
    }

    [Fact]
    public void Doubt_should_end_with_the_first_probe_that_says_otherwise()
    {
        var islands = new Islands(Db);
        islands.MustYield(Id(1), [Id(1)], From(2, 2, 3));
        islands.MustYield(Id(1), [Id(1)], From(2, 2, 3));

        Assert.False(islands.MustYield(Id(1), [Id(1)], From(2, 1, 2, 3)));
        Assert.False(islands.MustYield(Id(1), [Id(1)], From(2, 2, 3)));
    }

    [Fact]
    public void Larger_side_should_stay() => AssertStays(Id(2), [Id(2), Id(3)], From(1, 1));

    [Fact]
    public void Metadata_nodes_should_count_more_than_others() => AssertStays(Id(1), [Id(1)], From(8, 7, 8, 9));

    [Fact]
    public void Node_that_is_no_member_yet_should_not_count() => AssertStays(Id(1), [], From(2, 2, 3));

    [Fact]
    public void Sender_that_is_no_member_yet_should_not_count() => AssertStays(Id(1), [Id(1)], From(2, 3));

    [Fact]
    public void Exactly_one_side_should_yield_whatever_the_sides_are() =>
        Gen.Select(Gen.UInt[1, 6].HashSet[1, 5], Gen.UInt[1, 6].HashSet[1, 5]).Sample((a, b) =>
        {
            b.ExceptWith(a);
            if (b.Count == 0) return;
            Incarnation[] left = [.. a.Select(Id)], right = [.. b.Select(Id)];
            bool leftYields = Yields(left[0], left, From(right[0].Node, [.. b]));
            bool rightYields = Yields(right[0], right, From(left[0].Node, [.. a]));

            Assert.True(leftYields ^ rightYields, $"{string.Join(',', a)} | {string.Join(',', b)}");
        });

    private static void AssertStays(Incarnation self, Incarnation[] members, Probe probe) =>
        Assert.False(Yields(self, members, probe));

    private static bool Yields(Incarnation self, Incarnation[] members, Probe probe)
    {
        var islands = new Islands(Db);
        bool yields = false;
        for (int i = 0; i < Islands.ProbesToYield; i++) yields = islands.MustYield(self, members, probe);
        return yields;
    }

    private static Incarnation Id(uint node) => new() { Node = node, Uid = (int)node };

    private static Probe From(uint sender, params uint[] members) => new() { Sender = Id(sender), Members = { members.Select(Id) } };
}
