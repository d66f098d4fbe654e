using Google.Protobuf;
using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;
using Xunit;

namespace Predastore.Actors.Tests.Raft.Core;

/// <summary>What an operator may change, and when the leader says no.</summary>
public sealed class RaftNodeChangeSpecs
{
    private static readonly ReplicaId Four = Group.Id(4);

    [Fact]
    public void Replica_should_become_a_learner_then_a_voter()
    {
        Group group = Led(3);
        group.Add(Group.Create(Four, Membership.Empty));

        Done(group, new MembershipChange(MembershipStep.AddLearner, Four));
        Assert.Equal([3, 1], Sizes(group));
        Done(group, new MembershipChange(MembershipStep.Promote, Four));

        Assert.Equal([4, 0], Sizes(group));
        Assert.True(group[4].Log.Membership.IsVoter(Four));
    }

    [Fact]
    public void Step_that_is_so_already_should_be_done_without_an_entry()
    {
        Group group = Led(3);
        group.Add(Group.Create(Four, Membership.Empty));
        Done(group, new MembershipChange(MembershipStep.AddLearner, Four));
        ulong last = group[1].Log.LastIndex;

        foreach (MembershipChange change in new[]
        {
            new MembershipChange(MembershipStep.AddLearner, Four), new MembershipChange(MembershipStep.AddLearner, Group.Id(2)),
            new MembershipChange(MembershipStep.Promote, Group.Id(3)), new MembershipChange(MembershipStep.Remove, Group.Id(7)),
        })
        {
            Assert.Equal(ChangeOutcome.Done, group[1].Change(change, out ulong index).Outcome);
            Assert.Equal(0ul, index);
        }

        Assert.Equal(last, group[1].Log.LastIndex);
    }

    [Fact]
    public void Learner_should_not_vote_before_it_has_caught_up()
    {
        Group group = Led(3);
        group.Add(Group.Create(Four, Membership.Empty));
        Done(group, new MembershipChange(MembershipStep.AddLearner, Four));
        for (int i = 0; i <= RaftNode.CaughtUpEntries; i++)
            Assert.True(group[1].Propose(Group.Text("x"), out _));
        group.Deliver(4);

        Expect(group, ChangeOutcome.Later, "still lacks 257 entries", new MembershipChange(MembershipStep.Promote, Four));
        Beat(group, 5);
        Done(group, new MembershipChange(MembershipStep.Promote, Four));
    }

    [Fact]
    public void Learner_that_is_silent_should_not_vote()
    {
        Group group = Led(3);
        group.Add(Group.Create(Four, Membership.Empty));
        Done(group, new MembershipChange(MembershipStep.AddLearner, Four));
        Beat(group, 25, 4);

        Expect(group, ChangeOutcome.Later, "does not answer", new MembershipChange(MembershipStep.Promote, Four));
    }

    [Fact]
    public void Only_learners_should_be_promoted()
        => Expect(Led(3), ChangeOutcome.Refused, "is no learner", new MembershipChange(MembershipStep.Promote, Four));

    [Fact]
    public void Node_should_not_get_a_second_vote_or_learner()
    {
        Group group = Led(3);
        var again = new ReplicaId(3, 2);
        Done(group, new MembershipChange(MembershipStep.AddLearner, again));

        Expect(group, ChangeOutcome.Refused, "of the same node still votes", new MembershipChange(MembershipStep.Promote, again));
        Expect(group, ChangeOutcome.Refused, "of the same node learns already", new MembershipChange(MembershipStep.AddLearner, new ReplicaId(3, 3)));
    }

    [Fact]
    public void Change_should_wait_for_the_one_before_it()
    {
        Group group = Led(3);
        Assert.Equal(ChangeOutcome.Done, group[1].Change(new MembershipChange(MembershipStep.AddLearner, Four), out _).Outcome);
        Assert.Equal(ChangeOutcome.Later, group[1].Change(new MembershipChange(MembershipStep.Remove, Four), out _).Outcome);
        group.Deliver();
        Done(group, new MembershipChange(MembershipStep.Remove, Four));
    }

    [Fact]
    public void Removal_should_not_take_fault_tolerance_in_silence()
    {
        Group group = Led(3);
        Expect(group, ChangeOutcome.Refused, "survive the loss of 0 of 2 voters, and now survives 1 of 3",
            new MembershipChange(MembershipStep.Remove, Group.Id(3)));
        Done(group, new MembershipChange(MembershipStep.Remove, Group.Id(3), AcceptLess: true));
        Assert.Equal([2, 0], Sizes(group));
    }

    [Fact]
    public void Fourth_voter_should_go_without_asking()
    {
        Group group = Led(4);
        Done(group, new MembershipChange(MembershipStep.Remove, Group.Id(4)));
        Assert.Equal([3, 0], Sizes(group));
    }

    [Fact]
    public void Removal_that_would_stop_the_group_should_be_refused()
    {
        Group group = Led(3);
        Beat(group, 25, 3);

        // Without node 2 the leader and the silent node 3 would be left; without node 3 nothing changes.
        Expect(group, ChangeOutcome.Refused, "reaches 1 of the 2 voters that there would be, and 2 have to agree",
            new MembershipChange(MembershipStep.Remove, Group.Id(2), AcceptLess: true));
        Assert.Equal(ChangeOutcome.Done, group[1].Change(
            new MembershipChange(MembershipStep.Remove, Group.Id(3), AcceptLess: true), out _).Outcome);
    }

    [Fact]
    public void Last_voter_should_stay()
        => Expect(Led(1), ChangeOutcome.Refused, "last voter", new MembershipChange(MembershipStep.Remove, Group.Id(1), AcceptLess: true));

    [Fact]
    public void Leader_should_hand_over_before_it_is_removed()
    {
        Group group = Led(3);
        Expect(group, ChangeOutcome.Later, "hands over", new MembershipChange(MembershipStep.Remove, Group.Id(1), AcceptLess: true));
        group.Deliver();
        uint heir = group[2].Role == RaftRole.Leader ? 2u : 3u;
        Assert.Equal(RaftRole.Leader, group[heir].Role);

        Assert.Equal(ChangeOutcome.Done, group[heir].Change(
            new MembershipChange(MembershipStep.Remove, Group.Id(1), AcceptLess: true), out _).Outcome);
        group.Deliver();

        Assert.Equal([Group.Id(2), Group.Id(3)], group[heir].Log.Membership.Voters.ToArray());
        Assert.Equal(RaftRole.Leader, group[heir].Role);
    }

    [Fact]
    public void Emptied_voter_should_be_replaced_and_the_old_one_never_be_counted()
    {
        Group group = Led(3);
        var fresh = new ReplicaId(3, 2);
        group.Add(Group.Create(fresh, Membership.Empty));
        Done(group, new MembershipChange(MembershipStep.AddLearner, fresh));
        Beat(group, 5);
        Done(group, new MembershipChange(MembershipStep.Remove, Group.Id(3), AcceptLess: true));
        Done(group, new MembershipChange(MembershipStep.Promote, fresh));

        Assert.Equal([Group.Id(1), Group.Id(2), fresh], group[1].Log.Membership.Voters.ToArray());
        group[1].Step(new RaftMessage
        {
            Type = MessageType.MessageAppendReply, ClusterId = Group.Cluster, From = Group.Id(3).ToWire(), To = Group.Id(1).ToWire(),
            Term = group[1].Term, LogIndex = 1_000,
        });
        Assert.Contains("not in the configuration", group[1].Ignored);
    }

    [Fact]
    public void Replica_that_lost_its_state_should_vote_and_not_lead_until_a_snapshot_fills_it()
    {
        var group = new Group(3);
        RaftNode lost = Lost(group);
        group.Elect(1);
        group[1].Propose(Group.Text("kept"), out ulong index);
        group.Deliver(2);

        // With node 2 away the vote and the acknowledgement of the replica without a state have decided.
        Assert.Equal((RaftRole.Leader, index), (group[1].Role, group[1].Commit));
        Assert.True(lost.AwaitsState);
        Assert.DoesNotContain("kept", group.Applied.GetValueOrDefault(3u) ?? []);
        Group.Forget(lost, 60);
        Assert.Equal(RaftRole.Follower, lost.Role);

        Assert.True(lost.InstallSnapshot(
            new SnapshotMeta { Index = 1, Term = 1, Configuration = lost.Log.Membership.ToWire(), Folder = "f" }, Group.Id(1)));
        Ready ready = lost.TakeReady();

        // The event names the folder and holds everything behind the snapshot: nothing acknowledged is dropped.
        Assert.Equal("f", ready.Persist!.Installed.Folder);
        Assert.Equal(index, ready.Persist.Entries[^1].Index);
        Assert.Equal(2ul, ready.Persist.FirstIndex);
        Assert.Equal(index, ready.Committed[^1].Index);
    }

    [Fact]
    public void Snapshot_before_the_log_should_not_fill_a_lost_state()
    {
        var group = new Group(3);
        RaftNode lost = Lost(group);
        Assert.False(lost.InstallSnapshot(
            new SnapshotMeta { Index = 0, Term = 0, Configuration = lost.Log.Membership.ToWire(), Folder = "f" }, Group.Id(1)));
        Assert.True(lost.AwaitsState);
    }

    private static RaftNode Lost(Group group)
    {
        var members = new Membership([Group.Id(1), Group.Id(2), Group.Id(3)], []);
        var node = new RaftNode(
            Group.Id(3), Group.Cluster, new RaftState(1, ReplicaId.None, new RaftLog(1, 1, members)), 0, new RaftSettings(), 3);
        group.Add(node);
        return node;
    }

    private static Group Led(int voters)
    {
        var group = new Group(voters);
        group.Elect(1);
        Beat(group, 25);
        Assert.Equal(RaftRole.Leader, group[1].Role);
        return group;
    }

    /// <summary>Heartbeats and their answers, without the nodes that are cut off.</summary>
    private static void Beat(Group group, int ticks, params uint[] cutOff)
    {
        for (int i = 0; i < ticks; i++)
        {
            group[1].Tick();
            group.Deliver(cutOff);
        }
    }

    private static void Done(Group group, MembershipChange change)
    {
        ChangeResult result = group[1].Change(change, out ulong index);
        Assert.Equal((ChangeOutcome.Done, ""), (result.Outcome, result.Reason));
        Assert.NotEqual(0ul, index);
        group.Deliver();
        Beat(group, 2);
        Assert.True(group[1].Commit >= index);
    }

    private static void Expect(Group group, ChangeOutcome outcome, string reason, MembershipChange change)
    {
        ChangeResult result = group[1].Change(change, out _);
        Assert.Equal(outcome, result.Outcome);
        Assert.Contains(reason, result.Reason);
    }

    private static int[] Sizes(Group group) => [group[1].Log.Membership.Voters.Length, group[1].Log.Membership.Learners.Length];

    [Fact]
    public void Replica_that_begins_should_know_what_is_applied_as_committed()
    {
        var log = new RaftLog(1, 1, new Membership([Group.Id(1)], []));
        log.Append(new Entry { Index = 2, Term = 1 });
        log.Append(new Entry { Index = 3, Term = 1 });
        log.MarkPersisted(3, 1);
        RaftNode node = Restarted(2, log, applied: 2);
        Assert.Equal(2ul, node.Commit);
        log.Compact(2);
        Assert.True(node.Commit >= log.BaseIndex);
    }

    [Fact]
    public void Voter_that_alone_holds_its_removal_should_campaign_after_a_restart()
    {
        // It was no voter yet where its log starts, which is all that it knows as committed.
        var alone = new Membership([Group.Id(1)], []);
        var log = new RaftLog(1, 1, alone);
        log.Append(Change(2, new Membership([Group.Id(1), Group.Id(2)], [])));
        log.Append(Change(3, alone));
        log.MarkPersisted(3, 1);
        RaftNode node = Restarted(2, log, applied: 1);
        for (int i = 0; i < 40 && node.Role == RaftRole.Follower; i++)
            node.Tick();
        Assert.Equal(RaftRole.PreCandidate, node.Role);
    }

    private static RaftNode Restarted(uint node, RaftLog log, ulong applied)
        => new(Group.Id(node), Group.Cluster, new RaftState(1, ReplicaId.None, log), applied, new RaftSettings(), seed: 1);

    private static Entry Change(ulong index, Membership members)
        => new() { Index = index, Term = 1, Kind = EntryKind.EntryConfiguration, Data = members.ToWire().ToByteString() };
}
