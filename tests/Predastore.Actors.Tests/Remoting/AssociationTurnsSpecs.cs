using Predastore.Actors.Remoting;
using Predastore.Actors.Tests.Hosting;
using Xunit;
using Turn = Predastore.Actors.Remoting.AssociationTurns.Turn;

namespace Predastore.Actors.Tests.Remoting;

public sealed class AssociationTurnsSpecs
{
    private const uint Node = 3;
    private const long Before = 7;
    private const long After = 8;

    [Fact]
    public async Task First_system_of_a_node_and_the_same_one_again_should_not_wait()
    {
        var turns = new AssociationTurns(LoopbackCluster.Patience);
        using Turn? dial = await turns.DialAsync(Node, CancellationToken.None);

        Assert.Null(await turns.AcceptAsync(Node, Before, CancellationToken.None));
        Assert.Null(await turns.AcceptAsync(Node, Before, CancellationToken.None));
    }

    [Fact]
    public async Task New_system_of_a_node_should_wait_for_a_dial_that_is_taken_up()
    {
        var turns = new AssociationTurns(LoopbackCluster.Patience);
        await turns.AcceptAsync(Node, Before, CancellationToken.None);
        Turn dial = (await turns.DialAsync(Node, CancellationToken.None))!;
        Task<Turn?> accepting = turns.AcceptAsync(Node, After, CancellationToken.None);
        Assert.False(accepting.IsCompleted);

        dial.System = After;
        turns.Associated(Node, isDial: true);

        // It is known by now, from the dial.
        Assert.Null(await accepting.WaitAsync(LoopbackCluster.Patience));
        Assert.True(dial.Claimed.IsCompleted);
    }

    [Fact]
    public async Task New_system_of_a_node_should_wait_for_a_dial_that_fails()
    {
        var turns = new AssociationTurns(LoopbackCluster.Patience);
        await turns.AcceptAsync(Node, Before, CancellationToken.None);
        Turn dial = (await turns.DialAsync(Node, CancellationToken.None))!;
        Task<Turn?> accepting = turns.AcceptAsync(Node, After, CancellationToken.None);
        Assert.False(accepting.IsCompleted);

        dial.Dispose();

        Assert.NotNull(await accepting.WaitAsync(LoopbackCluster.Patience));
        Assert.False(dial.Claimed.IsCompleted);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Dial_should_wait_for_what_the_new_system_opened_and_not_follow_it(bool isTakenUp)
    {
        var turns = new AssociationTurns(LoopbackCluster.Patience);
        await turns.AcceptAsync(Node, Before, CancellationToken.None);
        Turn opened = (await turns.AcceptAsync(Node, After, CancellationToken.None))!;
        Task<Turn?> dialling = turns.DialAsync(Node, CancellationToken.None);
        Assert.False(dialling.IsCompleted);

        if (isTakenUp) turns.Associated(Node, isDial: false);
        else opened.Dispose();

        Turn? dial = await dialling.WaitAsync(LoopbackCluster.Patience);
        Assert.Equal(isTakenUp, dial is null);
    }

    [Fact]
    public async Task Turn_that_never_ends_should_hold_others_up_for_a_while_only()
    {
        var turns = new AssociationTurns(TimeSpan.FromMilliseconds(50));
        Turn dial = (await turns.DialAsync(Node, CancellationToken.None))!;

        Assert.NotNull(await turns.DialAsync(Node, CancellationToken.None).WaitAsync(LoopbackCluster.Patience));
        Assert.False(dial.Claimed.IsCompleted);
    }

    [Fact]
    public async Task Other_nodes_should_not_be_waited_for()
    {
        var turns = new AssociationTurns(LoopbackCluster.Patience);
        await turns.AcceptAsync(Node, Before, CancellationToken.None);
        using Turn? other = await turns.DialAsync(Node + 1, CancellationToken.None);

        Assert.NotNull(await turns.AcceptAsync(Node, After, CancellationToken.None).WaitAsync(LoopbackCluster.Patience));
    }
}
