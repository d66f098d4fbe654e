using Predastore.Actors.Topology;
using Predastore.Actors.Topology.Wire;
using Xunit;

namespace Predastore.Actors.Tests.Topology;

public sealed class AnswersSpecs
{
    private static readonly TimeSpan Holds = TimeSpan.FromSeconds(4);

    [Fact]
    public void Who_answers_another_should_be_heard_and_not_have_answered()
    {
        var answers = new Answers(Holds);
        answers.Take(Reply(2, heard: 3), isMember: true, TimeSpan.Zero);

        Assert.True(answers.HasAnswered(Id(2), TimeSpan.Zero));
        Assert.True(answers.IsHeard(Id(3), TimeSpan.Zero));
        Assert.False(answers.HasAnswered(Id(3), TimeSpan.Zero));
        // What others hear is theirs to tell.
        Assert.Equal([Id(2)], answers.All(TimeSpan.Zero));
    }

    [Fact]
    public void Who_is_no_member_should_have_answered_and_tell_nothing()
    {
        var answers = new Answers(Holds);
        answers.Take(Reply(2, heard: 3), isMember: false, TimeSpan.Zero);

        Assert.True(answers.HasAnswered(Id(2), TimeSpan.Zero));
        Assert.False(answers.IsHeard(Id(3), TimeSpan.Zero));
    }

    [Fact]
    public void Answers_should_count_for_a_while()
    {
        var answers = new Answers(Holds);
        answers.Take(Reply(2, heard: 3), isMember: true, TimeSpan.Zero);

        Assert.True(answers.IsHeard(Id(3), Holds - TimeSpan.FromMilliseconds(1)));
        Assert.False(answers.IsHeard(Id(3), Holds));
        Assert.False(answers.HasAnswered(Id(2), Holds));
        Assert.Empty(answers.All(Holds));
    }

    [Fact]
    public void Answer_should_say_nothing_of_another_system_of_the_node()
    {
        var answers = new Answers(Holds);
        answers.Take(Reply(2), isMember: true, TimeSpan.Zero);

        Assert.False(answers.IsHeard(new Incarnation { Node = 2, Uid = 8 }, TimeSpan.Zero));
    }

    private static ProbeReply Reply(uint node, params uint[] heard) => new() { Sender = Id(node), Heard = { heard.Select(Id) } };

    private static Incarnation Id(uint node) => new() { Node = node, Uid = 7 };
}
