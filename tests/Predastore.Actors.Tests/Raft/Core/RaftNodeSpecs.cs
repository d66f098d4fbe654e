using Google.Protobuf;
using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;
using Xunit;

namespace Predastore.Actors.Tests.Raft.Core;

public sealed class RaftNodeSpecs
{
    [Fact]
    public void Election_should_go_by_pre_vote_vote_and_a_noop_of_the_new_term()
    {
        var group = new Group(3);
        group.Elect(2);
        Assert.Equal(RaftRole.Leader, group[2].Role);
        Assert.Equal((2ul, 2ul), (group[2].Term, group[2].Commit));
        Assert.Equal(EntryKind.EntryNoop, group[2].Log.At(2).Kind);
        Assert.All(new[] { group[1], group[3] }, node => Assert.Equal((RaftRole.Follower, Group.Id(2)), (node.Role, node.Leader)));
    }

    [Fact]
    public void Vote_should_leave_only_after_it_is_durable()
    {
        var group = new Group(3);
        group[1].Step(Vote(from: 2, to: 1, term: 2, last: 1));
        Ready ready = group[1].TakeReady();
        Assert.Empty(ready.SendNow);
        Assert.Equal((2ul, 2u), (ready.Persist!.Term, ready.Persist.VotedFor.Node));
        Assert.False(Assert.Single(ready.SendAfterPersist).Reject);
    }

    [Fact]
    public void Snapshot_wanted_by_a_leader_of_the_past_should_not_be_sent_in_a_new_term()
    {
        var group = new Group(3);
        group.Elect(1);
        group[1].Propose(Group.Text("x"), out ulong index);
        group.Deliver(cutOff: 3);
        group[1].Log.Compact(index);
        RaftMessage behind = Reply(from: 3, to: 1, term: 2, index: index);
        (behind.Reject, behind.HintIndex, behind.HintTerm) = (true, 1, 1);
        group[1].Step(behind);
        Assert.True(group[1].HasReady);
        group[1].Step(new RaftMessage
        {
            Type = MessageType.MessageHeartbeat, Term = 3, ClusterId = Group.Cluster, From = Group.Id(2).ToWire(), To = Group.Id(1).ToWire(),
        });
        Assert.Empty(group[1].TakeReady().SnapshotsWanted);
    }

    [Fact]
    public void Second_candidate_of_a_term_should_get_no_vote()
    {
        var group = new Group(3);
        group[1].Step(Vote(from: 2, to: 1, term: 2, last: 1));
        group.Collect(group[1]);
        group.Wire.Clear();
        group[1].Step(Vote(from: 3, to: 1, term: 2, last: 9));
        group.Collect(group[1]);
        Assert.True(Assert.Single(group.Wire).Reject);
    }

    [Fact]
    public void Empty_replica_should_neither_vote_nor_campaign()
    {
        RaftNode empty = Group.Create(Group.Id(1), Membership.Empty);
        Group.Forget(empty, 100);
        Assert.False(empty.HasReady);
        empty.Step(Vote(from: 2, to: 1, term: 2, last: 9));
        Assert.True(Assert.Single(empty.TakeReady().SendAfterPersist).Reject);
    }

    [Theory]
    [InlineData("another cluster")]
    [InlineData("another incarnation")]
    public void Message_for_somebody_else_should_be_ignored_with_a_reason(string why)
    {
        var group = new Group(3);
        RaftMessage message = Vote(from: 2, to: 1, term: 9, last: 9);
        if (why == "another cluster")
            message.ClusterId = ByteString.CopyFrom(new byte[15]);
        else
            message.To.Incarnation = 2;
        group[1].Step(message);
        Assert.NotNull(group[1].Ignored);
        Assert.False(group[1].HasReady);
        Assert.Equal(1ul, group[1].Term);
    }

    [Fact]
    public void Leader_should_not_count_itself_before_its_own_write()
    {
        var group = new Group(3);
        group.Elect(1);
        group[1].Propose(Group.Text("x"), out ulong index);
        Ready ready = group[1].TakeReady();
        Assert.Equal(2, ready.SendNow.Count(m => m.Type == MessageType.MessageAppend));

        // One follower has it: with the leader's own write, which is not done, that would be a quorum.
        group[1].Step(Reply(from: 2, to: 1, term: 2, index: index));
        Assert.Equal(index - 1, group[1].Commit);
        group[1].Persisted(ready);
        Assert.Equal(index, group[1].Commit);
    }

    [Fact]
    public void Entry_of_an_earlier_term_should_commit_only_under_one_of_the_leaders_own()
    {
        var group = new Group(3);
        group.Elect(1);
        group[1].Propose(Group.Text("old"), out ulong index);
        group.Deliver(2, 3);
        Assert.Equal(index - 1, group[1].Commit);

        // A new term of the same leader, after a restart: its log has the old entry, its own noop is not on anybody else.
        group[1].Step(new RaftMessage
        {
            Type = MessageType.MessageAppendReply, Reject = true, Term = 3, ClusterId = Group.Cluster,
            From = Group.Id(2).ToWire(), To = Group.Id(1).ToWire(),
        });
        group.Collect(group[1]);
        group.Wire.Clear();
        group.Force(1);
        group[1].Tick();
        group.Deliver();
        Assert.Equal(RaftRole.Leader, group[1].Role);
        Assert.Equal(["old"], group.Applied[2]);
        Assert.True(group[1].Log.TermOf(group[1].Commit) == group[1].Term);
    }

    [Fact]
    public void Repeated_append_should_not_truncate_what_came_after_it()
    {
        var group = new Group(3);
        group.Elect(1);
        group[1].Propose(Group.Text("a"), out ulong first);
        group.Collect(group[1]);
        RaftMessage late = group.Wire.First(m => m.Type == MessageType.MessageAppend && m.To.Node == 2).Clone();
        group.Deliver();
        group[1].Propose(Group.Text("b"), out ulong second);
        group.Collect(group[1]);
        foreach (RaftMessage message in group.Wire.Where(m => m.To.Node == 2).ToArray())
            group[2].Step(message);
        group[2].Step(late);
        Assert.Equal(second, group[2].Log.LastIndex);
    }

    [Fact]
    public void Read_should_wait_for_a_quorum_asked_after_it()
    {
        var group = new Group(3);
        group.Elect(1);
        Assert.True(group[1].ReadIndex(7));
        group.Deliver(2, 3);
        Assert.Empty(group.Reads[1]);
        group[1].Tick();
        group.Deliver();
        Assert.Equal([new ReadState(7, group[1].Commit)], group.Reads[1]);
    }

    [Fact]
    public void Reads_should_fail_when_leadership_is_lost()
    {
        var group = new Group(3);
        group.Elect(1);
        group[1].ReadIndex(7);
        group.Deliver(2, 3);
        Group.Forget(group[1], 30);
        group.Deliver(2, 3);
        Assert.NotEqual(RaftRole.Leader, group[1].Role);
        Assert.Equal([new ReadState(7, 0)], group.Reads[1]);
    }

    [Fact]
    public void Replica_that_was_cut_off_should_not_raise_the_term()
    {
        var group = new Group(3);
        group.Elect(1);
        for (int i = 0; i < 100; i++)
        {
            group[3].Tick();
            group[1].Tick();
            group.Deliver(3);
        }

        group[3].Tick();
        group.Deliver();
        group[1].Tick();
        group.Deliver();
        Assert.Equal((RaftRole.Leader, 2ul), (group[1].Role, group[1].Term));
        Assert.Equal(Group.Id(1), group[3].Leader);
    }

    [Fact]
    public void Transfer_should_hand_over_without_waiting_for_a_timeout()
    {
        var group = new Group(3);
        group.Elect(1);
        Assert.True(group[1].Transfer(Group.Id(3)));
        group.Deliver();
        Assert.Equal(RaftRole.Leader, group[3].Role);
        Assert.Equal(RaftRole.Follower, group[1].Role);
    }

    [Fact]
    public void Membership_should_change_one_step_at_a_time_and_learners_first()
    {
        var group = new Group(3);
        group.Elect(1);
        Membership now = group[1].Log.Membership;
        ReplicaId four = Group.Id(4);
        Assert.False(group[1].ProposeMembership(new Membership(now.Voters.Append(four), [])), "a voter that never learned");
        Assert.False(group[1].ProposeMembership(new Membership(now.Voters.Take(2), [four])), "two steps");

        group.Add(Group.Create(four, Membership.Empty));
        Assert.True(group[1].ProposeMembership(new Membership(now.Voters, [four])));
        Assert.False(group[1].ProposeMembership(now), "the last one is not committed");
        group.Deliver();
        Assert.True(group[1].ProposeMembership(new Membership(now.Voters.Append(four), [])));
        group.Deliver();
        Assert.All(Enumerable.Range(1, 4), n => Assert.Equal(4, group[(uint)n].Log.Membership.Voters.Length));
    }

    [Fact]
    public void Leader_should_step_down_once_its_own_removal_is_committed()
    {
        var group = new Group(3);
        group.Elect(1);
        Assert.True(group[1].ProposeMembership(new Membership([Group.Id(2), Group.Id(3)], [])));
        group.Deliver();
        Assert.Equal(RaftRole.Follower, group[1].Role);
        group.Force(2);
        Assert.Equal(RaftRole.Leader, group[2].Role);
    }

    [Fact]
    public void Voter_should_campaign_while_its_removal_is_not_committed()
    {
        var group = new Group(2);
        group.Elect(1);
        Assert.True(group[1].ProposeMembership(new Membership([Group.Id(2)], [])));

        // Only the leader has the entry, so only it can win.
        group.Deliver(2);
        Group.Forget(group[1], 30);
        group.Deliver(2);
        Group.Forget(group[2], 30);
        for (int i = 0; i < 60 && group[2].Log.Membership.Voters.Length == 2; i++)
        {
            group[1].Tick();
            group.Deliver();
        }

        Assert.Equal([Group.Id(2)], group[2].Log.Membership.Voters.ToArray());
        group.Force(2);
        Assert.Equal(RaftRole.Leader, group[2].Role);
    }

    [Fact]
    public void Snapshot_should_not_drop_entries_that_were_acknowledged()
    {
        var group = new Group(3);
        group.Elect(1);
        for (int i = 0; i < 5; i++)
            group[1].Propose(Group.Text($"{i}"), out _);
        group.Collect(group[1]);

        // The follower has acknowledged all, and knows of no commit yet.
        foreach (RaftMessage message in group.Wire.Where(m => m.To.Node == 2 && m.Type == MessageType.MessageAppend).ToArray())
            group[2].Step(message);
        group.Collect(group[2]);
        ulong last = group[2].Log.LastIndex;
        Assert.True(group[2].Commit < 4);
        Assert.False(group[2].InstallSnapshot(
            new SnapshotMeta { Index = 4, Term = 2, Configuration = group[1].Log.Membership.ToWire() }, Group.Id(1)));
        Assert.Equal((last, 4ul), (group[2].Log.LastIndex, group[2].Commit));
    }

    [Fact]
    public void Follower_behind_the_log_should_get_a_snapshot_and_go_on_from_it()
    {
        var group = new Group(3);
        group.Elect(1);
        for (int i = 0; i < 5; i++)
        {
            group[1].Propose(Group.Text($"{i}"), out _);
            group.Deliver(3);
        }

        group[1].Log.Compact(group[1].Commit);
        group[1].Tick();
        group.Deliver(3);
        List<ReplicaId> wanted = [];
        for (int i = 0; i < 10 && wanted.Count == 0; i++)
        {
            group[1].Tick();
            Ready ready = group[1].TakeReady();
            group[1].Persisted(ready);
            wanted.AddRange(ready.SnapshotsWanted);
            group.Wire.AddRange(ready.SendNow.Concat(ready.SendAfterPersist));
            foreach (RaftMessage message in group.Wire.ToArray())
                group[message.To.Node].Step(message);
            group.Wire.Clear();
            group.Collect(group[2]);
            group.Collect(group[3]);
            foreach (RaftMessage message in group.Wire.ToArray())
                group[message.To.Node].Step(message);
            group.Wire.Clear();
        }

        Assert.Equal([Group.Id(3)], wanted);
        var snapshot = new SnapshotMeta
        {
            Index = group[1].Commit, Term = 2, Configuration = group[1].Log.Membership.ToWire(), Folder = "state-1",
        };
        Assert.True(group[3].InstallSnapshot(snapshot, Group.Id(1)));
        Ready install = group[3].TakeReady();
        Assert.Equal("state-1", install.Persist!.Installed.Folder);
        Assert.Equal(snapshot, install.Install);
        group[3].Persisted(install);
        group.Wire.AddRange(install.SendAfterPersist);
        group[1].SnapshotSent(Group.Id(3), snapshot.Index, delivered: true);
        group[1].Propose(Group.Text("after"), out ulong after);
        group.Deliver();
        group[1].Tick();
        group.Deliver();
        Assert.Equal(after, group[3].Commit);
        Assert.Equal(["after"], group.Applied[3].TakeLast(1));
    }

    [Fact]
    public void Lost_acknowledgement_should_not_stop_a_follower_whose_window_is_full()
    {
        var group = new Group(2, new RaftSettings { InflightMax = 1, MessageBytesMax = 1 });
        group.Elect(1);
        group[1].Propose(Group.Text("a"), out _);
        group.Collect(group[1]);
        foreach (RaftMessage message in group.Wire.ToArray())
            group[2].Step(message);
        group.Wire.Clear();
        group.Collect(group[2]);
        group.Wire.Clear();
        for (int i = 0; i < 10; i++)
        {
            group[1].Tick();
            group.Deliver();
        }

        Assert.Equal(["a"], group.Applied[1]);
    }

    [Fact]
    public void Proposals_should_be_refused_beyond_their_bounds()
    {
        var group = new Group(3, new RaftSettings { UncommittedMax = 3, UncommittedBytesMax = 10, EntryBytesMax = 20 });
        group.Elect(1);
        Assert.False(group[2].Propose(Group.Text("x"), out _), "not the leader");
        Assert.False(group[1].Propose(Group.Text(new string('x', 21)), out _), "too large");
        Assert.True(group[1].Propose(Group.Text(new string('x', 20)), out _));
        Assert.False(group[1].Propose(Group.Text("x"), out _), "too many bytes are not committed");
        group.Deliver();
        for (int i = 0; i < 3; i++)
            Assert.True(group[1].Propose(Group.Text("x"), out _));
        Assert.False(group[1].Propose(Group.Text("x"), out _), "too many entries are not committed");
    }

    private static RaftMessage Vote(uint from, uint to, ulong term, ulong last) => new()
    {
        Type = MessageType.MessageVote, Term = term, LogIndex = last, LogTerm = 1, ClusterId = Group.Cluster,
        From = Group.Id(from).ToWire(), To = Group.Id(to).ToWire(),
    };

    private static RaftMessage Reply(uint from, uint to, ulong term, ulong index) => new()
    {
        Type = MessageType.MessageAppendReply, Term = term, LogIndex = index, ClusterId = Group.Cluster,
        From = Group.Id(from).ToWire(), To = Group.Id(to).ToWire(),
    };
}
