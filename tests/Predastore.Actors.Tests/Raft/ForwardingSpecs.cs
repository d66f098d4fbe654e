using Predastore.Actors.Raft;
using Xunit;

namespace Predastore.Actors.Tests.Raft;

/// <summary>Proposals and reads that a follower hands to its leader: late, doubled and lost answers.</summary>
public sealed class ForwardingSpecs
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Answer_to_an_earlier_life_of_the_replica_should_answer_nobody()
    {
        await using var bench = new ShellBench();
        await bench.StartAsync();
        await bench.FollowAsync(2, 5);
        Task<ProposeResult> before = bench.Group.Propose("before"u8.ToArray(), Long);
        ulong early = (await bench.SentAsync<ProposeRequest>(0)).Id;
        await bench.StartAsync();
        Assert.Equal(ProposeOutcome.Unknown, (await before.WaitAsync(ShellBench.Patience)).Outcome);

        await bench.FollowAsync(2, 5);
        Task<ProposeResult> after = bench.Group.Propose("after"u8.ToArray(), Long);
        ulong late = (await bench.SentAsync<ProposeRequest>(1)).Id;
        bench.Group.Deliver(new ProposeReply { Id = early, Accepted = true, Index = 1, Term = 5 });
        var append = new RaftMessage { Type = MessageType.MessageAppend, Term = 5, Commit = 1 };
        append.Entries.Add(new Entry { Index = 1, Term = 5, Kind = EntryKind.EntryCommand, Data = Google.Protobuf.ByteString.CopyFromUtf8("before") });
        bench.From(2, append);
        await ShellBench.UntilAsync(() => bench.Machine.Lines.Count == 1);
        bench.Group.Deliver(new ProposeReply { Id = late, Accepted = false });
        Assert.Equal(ProposeOutcome.NotProposed, (await after.WaitAsync(ShellBench.Patience)).Outcome);
    }

    [Fact]
    public async Task Proposal_whose_place_another_leader_gave_away_should_be_in_doubt_at_once()
    {
        await using var bench = new ShellBench();
        await bench.StartAsync();
        await bench.FollowAsync(2, 5);
        Task<ProposeResult> first = bench.Group.Propose("first"u8.ToArray(), Long);
        bench.Group.Deliver(new ProposeReply { Id = (await bench.SentAsync<ProposeRequest>(0)).Id, Accepted = true, Index = 4, Term = 5 });
        await bench.FollowAsync(3, 6);
        Task<ProposeResult> second = bench.Group.Propose("second"u8.ToArray(), Long);
        bench.Group.Deliver(new ProposeReply { Id = (await bench.SentAsync<ProposeRequest>(1)).Id, Accepted = true, Index = 4, Term = 6 });
        Assert.Equal(ProposeOutcome.Unknown, (await first.WaitAsync(ShellBench.Patience)).Outcome);
        Assert.False(second.IsCompleted);
    }

    [Fact]
    public async Task Reads_that_wait_for_a_replica_that_lags_should_be_bounded()
    {
        await using var bench = new ShellBench(shell => shell with { PendingMax = 3 });
        await bench.StartAsync();
        await bench.FollowAsync(2, 5);
        for (int i = 0; i < 3; i++)
        {
            _ = bench.Group.ReadIndex(Long).ContinueWith(static read => _ = read.Exception, TaskScheduler.Default);
            bench.Group.Deliver(new ReadReply { Id = (await bench.SentAsync<ReadRequest>(i)).Id, Accepted = true, Index = 1000 });
        }

        await Assert.ThrowsAsync<TimeoutException>(() => bench.Group.ReadIndex(Long).WaitAsync(ShellBench.Patience / 4));
        Assert.Equal(3, bench.Sent.Count(sent => sent.Message is ReadRequest));
    }

    [Fact]
    public async Task Snapshot_that_is_no_news_should_leave_no_folder_behind()
    {
        await using var bench = new ShellBench();
        await bench.StartAsync();
        await bench.FollowAsync(2, 5);
        string folder = Path.Combine(bench.StatePath, "received-1");
        Directory.CreateDirectory(folder);
        bench.Group.Received(new RaftMessage
        {
            Type = MessageType.MessageSnapshot,
            Term = 4,
            ClusterId = Google.Protobuf.ByteString.CopyFrom(new byte[16]),
            From = new Replica { Node = 3, Incarnation = 1 },
            To = new Replica { Node = 1, Incarnation = 1 },
            Snapshot = new SnapshotMeta { Index = 9, Term = 4, Folder = "received-1" },
        });
        await ShellBench.UntilAsync(() => !Directory.Exists(folder));
    }
}
