using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Bootstrap;
using Predastore.Actors.Raft.Core;
using Predastore.Actors.Raft.Journal;
using Predastore.Shards.Disk;
using Predastore.Testing.Disk;
using Xunit;

namespace Predastore.Actors.Tests.Raft;

/// <summary>A replica whose journal was emptied or put back has forgotten its votes and does not vote again.</summary>
public sealed class JournalLossSpecs
{
    [Fact]
    public void Emptied_journal_of_a_member_should_be_refused()
    {
        using var folder = new TemporaryFolder();
        ReplicaId self = Join(folder.Path);
        Assert.Equal(self, Open(folder.Path).Self);
        Empty(ReplicaFolder.JournalOf(folder.Path));

        for (int i = 0; i < 2; i++)
        {
            IdentityException refused = Assert.Throws<IdentityException>(() => Open(folder.Path));
            Assert.Contains("--new-replica", refused.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("\n", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Journal_of_another_replica_should_be_refused()
    {
        using var folder = new TemporaryFolder();
        string own = Path.Combine(folder.Path, "own");
        string other = Path.Combine(folder.Path, "other");
        Join(own);
        Join(other);
        Empty(ReplicaFolder.JournalOf(own));
        TemporaryFolder.Copy(ReplicaFolder.JournalOf(other), ReplicaFolder.JournalOf(own));

        Assert.Throws<IdentityException>(() => Open(own));
    }

    [Fact]
    public void Program_that_ended_while_it_joined_should_join_again()
    {
        using var folder = new TemporaryFolder();
        ReplicaId self = Join(folder.Path);
        File.Delete(Path.Combine(folder.Path, IdentityFile.Name));

        Assert.Equal(self, Join(folder.Path));
        Assert.Equal(self, Open(folder.Path).Self);
    }

    [Fact]
    public async Task Journal_with_events_should_not_be_taken_for_one_of_an_empty_replica()
    {
        using var folder = new TemporaryFolder();
        Join(folder.Path);
        using (var store = new JournalStore(new RocksKvFactory(), ReplicaFolder.JournalOf(folder.Path)))
            await store.WriteAsync("raft", [new JournalRecord(1, 7, "event", [1])]);
        File.Delete(Path.Combine(folder.Path, IdentityFile.Name));

        Assert.Throws<IdentityException>(() => Open(folder.Path));
    }

    [Theory]
    [InlineData("3 2", "ends at 2")]
    [InlineData("2 1", "term 2 at 2")]
    public async Task State_that_the_journal_does_not_lead_to_should_stop_the_replica(string state, string reason)
    {
        await using var bench = new ShellBench();
        await bench.StartAsync();
        await bench.FollowAsync(2, 2);
        var append = new RaftMessage { Type = MessageType.MessageAppend, Term = 2, Commit = 2 };
        foreach (ulong index in new ulong[] { 1, 2 })
            append.Entries.Add(new Entry { Index = index, Term = 2, Kind = EntryKind.EntryCommand, Data = Google.Protobuf.ByteString.CopyFromUtf8("x") });
        bench.From(2, append);
        await ShellBench.UntilAsync(() => bench.Machine.Lines.Count == 2);
        await File.WriteAllTextAsync(Path.Combine(bench.StatePath, "first", "state"), state + "\nx\nx");

        await bench.StopAsync();
        bench.Begin();

        await ShellBench.UntilAsync(() => bench.Group.Status.Reason.Contains(reason, StringComparison.Ordinal));
        Assert.Equal(RaftPhase.Recovering, bench.Group.Status.Phase);
    }

    private static ReplicaFolder Open(string path) => ReplicaFolder.Open(new FileDisk(), new RocksKvFactory(), path, 1);

    private static ReplicaId Join(string path)
    {
        ReplicaFolder folder = Open(path);
        folder.Join(Guid.NewGuid(), Membership.Empty);
        return folder.Self;
    }

    private static void Empty(string folder)
    {
        Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
    }
}
