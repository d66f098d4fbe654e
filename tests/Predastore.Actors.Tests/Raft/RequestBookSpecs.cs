using Google.Protobuf;
using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;
using Predastore.Actors.Tests.Raft.Core;
using Xunit;

namespace Predastore.Actors.Tests.Raft;

public sealed class RequestBookSpecs
{
    [Fact]
    public async Task Request_to_a_leader_of_an_earlier_term_should_not_be_waited_for()
    {
        var group = new Group(3);
        group.Elect(1);
        var sent = new List<(uint To, IMessage Message)>();
        var book = new RequestBook(group[2], Group.Id(2), (to, message) => sent.Add((to, message)), 100, () => 0);
        var command = new RaftRequests.Propose(ByteString.CopyFromUtf8("a"), Grows: false);
        var read = new RaftRequests.Read();
        book.OnPropose(command);
        book.OnRead(read);
        book.ExpireForwards();
        Assert.Equal([1u, 1u], sent.Select(one => one.To));
        Assert.False(command.Answer.Task.IsCompleted);
        Assert.False(read.Answer.Task.IsCompleted);

        group.Force(3);
        book.ExpireForwards();

        Assert.Equal(ProposeOutcome.Unknown, (await command.Answer.Task.WaitAsync(TimeSpan.FromSeconds(5))).Outcome);
        await Assert.ThrowsAsync<TimeoutException>(() => read.Answer.Task.WaitAsync(TimeSpan.FromSeconds(5)));
    }

    [Fact]
    public async Task Proposal_whose_place_a_change_of_the_group_takes_should_be_in_doubt_at_once()
    {
        var group = new Group(3);
        group.Elect(1);
        var command = new RaftRequests.Propose(ByteString.CopyFromUtf8("a"), Grows: false);
        ulong place = group[2].Log.LastIndex + 2;
        ulong id = 0;
        var book = new RequestBook(group[2], Group.Id(2), (_, message) => id = ((ProposeRequest)message).Id, 100, () => 0);
        book.OnPropose(command);
        book.OnForwardReply(new ProposeReply { Id = id, Accepted = true, Index = place, Term = group[2].Term });

        group.Force(2);
        book.OnChange(new RaftRequests.Change(new MembershipChange(MembershipStep.AddLearner, Group.Id(4), AcceptLess: false)));

        Assert.Equal(place, group[2].Log.LastIndex);
        Assert.Equal(ProposeOutcome.Unknown, (await command.Answer.Task.WaitAsync(TimeSpan.FromSeconds(5))).Outcome);
    }
}
