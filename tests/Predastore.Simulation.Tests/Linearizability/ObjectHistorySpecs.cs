using Predastore.Testing.Linearizability;
using Xunit;

namespace Predastore.Simulation.Tests.Linearizability;

/// <summary>Histories that are explained by an order, and histories that are not.</summary>
public sealed class ObjectHistorySpecs
{
    private static readonly KeyOperation WriteA = new(KeyAction.Write, KeyOutcome.Done, "a");
    private static readonly KeyOperation WriteB = new(KeyAction.Write, KeyOutcome.Done, "b");

    private static KeyOperation Read(string? value) => new(KeyAction.Read, KeyOutcome.Done, value);

    private static string? Judge(params (long Start, long End, KeyOperation What)[] operations)
    {
        var history = new ObjectHistory();
        foreach ((long start, long end, KeyOperation what) in operations)
            history.Add("bucket/key", start, end, what);
        return history.Judge();
    }

    [Fact]
    public void Reads_should_follow_writes()
    {
        Assert.Null(Judge((0, 1, Read(null)), (2, 3, WriteA), (4, 5, Read("a"))));
        Assert.NotNull(Judge((2, 3, WriteA), (4, 5, Read(null))));
        Assert.NotNull(Judge((0, 1, WriteA), (2, 3, WriteB), (4, 5, Read("a"))));
    }

    [Fact]
    public void Operations_that_overlap_may_take_either_order()
    {
        Assert.Null(Judge((0, 9, WriteA), (1, 8, WriteB), (10, 11, Read("a"))));
        Assert.Null(Judge((0, 9, WriteA), (1, 8, WriteB), (10, 11, Read("b"))));
        Assert.NotNull(Judge((0, 9, WriteA), (1, 8, WriteB), (10, 11, Read("a")), (12, 13, Read("b"))));
    }

    [Fact]
    public void Write_without_an_answer_may_take_effect_late_or_never()
    {
        var open = new KeyOperation(KeyAction.Write, KeyOutcome.Unknown, "b");
        Assert.Null(Judge((0, 1, WriteA), (2, 3, open), (4, 5, Read("a")), (6, 7, Read("b"))));
        Assert.Null(Judge((0, 1, WriteA), (2, 3, open), (4, 5, Read("a"))));
        Assert.NotNull(Judge((0, 1, WriteA), (2, 3, open), (4, 5, Read("b")), (6, 7, Read("a"))));
    }

    [Fact]
    public void Conditions_should_be_decided_in_the_order()
    {
        var once = new KeyOperation(KeyAction.Write, KeyOutcome.Done, "b", IfNoneMatch: true);
        var refused = new KeyOperation(KeyAction.Write, KeyOutcome.Refused, "c", IfNoneMatch: true);
        Assert.Null(Judge((0, 9, once), (0, 9, refused)));
        Assert.NotNull(Judge((0, 1, WriteA), (2, 3, once)));
        Assert.NotNull(Judge((0, 1, Read(null)), (2, 3, refused)));
        Assert.Null(Judge((0, 1, WriteA), (2, 3, new KeyOperation(KeyAction.Write, KeyOutcome.Done, "b", IfMatch: "a"))));
        Assert.NotNull(Judge((0, 1, WriteA), (2, 3, new KeyOperation(KeyAction.Write, KeyOutcome.Refused, "b", IfMatch: "a"))));
    }

    [Fact]
    public void Listing_should_show_what_was_there_throughout()
    {
        Assert.NotNull(JudgeListing([], (0, 1, WriteA)));
        Assert.Null(JudgeListing(["bucket/key"], (0, 1, WriteA)));
        Assert.Null(JudgeListing([], (0, 11, WriteA)));
        Assert.Null(JudgeListing([], (0, 1, WriteA), (9, 12, new KeyOperation(KeyAction.Delete, KeyOutcome.Done))));
        Assert.NotNull(JudgeListing(["bucket/key"], (0, 1, WriteA), (3, 4, new KeyOperation(KeyAction.Delete, KeyOutcome.Done))));
        Assert.NotNull(JudgeListing(["bucket/key"], (30, 31, WriteA)));
    }

    private static string? JudgeListing(string[] seen, params (long Start, long End, KeyOperation What)[] operations)
    {
        var history = new ObjectHistory();
        foreach ((long start, long end, KeyOperation what) in operations)
            history.Add("bucket/key", start, end, what);
        history.AddListing("bucket/", 10, 20, seen);
        return history.Judge();
    }

    [Fact]
    public void Search_should_agree_with_trying_every_order()
    {
        var random = new Random(1);
        int wrong = 0;
        for (int round = 0; round < 3_000; round++)
        {
            Timed<KeyOperation>[] history = [.. Enumerable.Range(0, 1 + random.Next(6)).Select(_ => Draw(random))];
            bool expected = AnyOrder(history, KeyModel.Absent, 0);
            Assert.Equal(expected ? Verdict.Linearizable : Verdict.NotLinearizable, LinearizabilityChecker.Check(history, KeyModel.Absent, KeyModel.Step));
            wrong += expected ? 0 : 1;
        }

        Assert.InRange(wrong, 300, 2_700);
    }

    private static Timed<KeyOperation> Draw(Random random)
    {
        long start = random.Next(12);
        string value = $"{(char)('a' + random.Next(2))}";
        KeyOperation what = random.Next(5) switch
        {
            0 or 1 => Read(random.Next(3) == 0 ? null : value),
            2 => new(KeyAction.Delete, KeyOutcome.Done),
            3 => new(KeyAction.Write, random.Next(3) == 0 ? KeyOutcome.Unknown : KeyOutcome.Done, value),
            _ => new(KeyAction.Write, random.Next(2) == 0 ? KeyOutcome.Refused : KeyOutcome.Done, value, IfNoneMatch: true),
        };
        return new(start, what.Outcome == KeyOutcome.Unknown ? Timed<KeyOperation>.Open : start + 1 + random.Next(6), what);
    }

    // Puts any operation next that no other one left must precede.
    private static bool AnyOrder(Timed<KeyOperation>[] history, KeyState state, int done)
    {
        int[] left = [.. Enumerable.Range(0, history.Length).Where(i => (done & (1 << i)) == 0)];
        if (left.All(i => history[i].End == Timed<KeyOperation>.Open))
            return true;
        return left.Any(i => left.All(j => history[j].End >= history[i].Start)
            && KeyModel.Step(state, history[i].What) is { } next && AnyOrder(history, next, done | (1 << i)));
    }
}
