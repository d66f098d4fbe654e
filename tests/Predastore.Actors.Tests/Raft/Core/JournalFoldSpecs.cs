using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;
using Xunit;

namespace Predastore.Actors.Tests.Raft.Core;

public sealed class JournalFoldSpecs
{
    [Fact]
    public void Append_at_or_before_the_last_index_should_truncate()
    {
        RaftState state = RaftState.Replay([Event(1, 1, 1, 1, 1), Event(2, 2, 2)]);
        Assert.Equal((2ul, 2ul), (state.Log.LastIndex, state.Log.LastTerm));
        Assert.Equal(1ul, state.Log.TermOf(1));
        Assert.Equal(2ul, state.Log.Persisted);
    }

    [Fact]
    public void Vote_and_term_should_be_those_of_the_last_event()
    {
        RaftState state = RaftState.Replay([Event(3, 0), new JournalEvent { Term = 4, VotedFor = new ReplicaId(2, 9).ToWire() }]);
        Assert.Equal((4ul, new ReplicaId(2, 9)), (state.Term, state.VotedFor));
    }

    [Fact]
    public void Snapshot_should_start_the_log_anew_and_name_its_folder()
    {
        var fold = new JournalFold();
        fold.Add(Event(1, 1, 1, 1));
        JournalEvent installed = Event(2, 11, 2);
        installed.Installed = new SnapshotMeta { Index = 10, Term = 2, Folder = "state-3" };
        fold.Add(installed);
        Assert.Equal((10ul, 11ul, "state-3"), (fold.State.Log.BaseIndex, fold.State.Log.LastIndex, fold.Folder));
    }

    [Fact]
    public void Entries_before_one_replaced_during_the_write_should_stay_when_the_journal_begins_anew()
    {
        ReplicaId[] ids = [Group.Id(1), Group.Id(2), Group.Id(3)];
        RaftNode follower = Group.Create(ids[0], new Membership(ids, []));
        var journal = new JournalFold();
        journal.Add(new JournalEvent { Term = 1, Installed = new SnapshotMeta { Index = 1, Term = 1, Configuration = new Membership(ids, []).ToWire() } });
        follower.Step(Append(2, 2, 1, 1, Event(2, 2, 2, 2)));
        Save(follower, journal);
        follower.Step(Append(2, 2, 3, 2, Event(2, 4, 2, 2)));
        Ready written = follower.TakeReady();
        follower.Step(Append(3, 3, 4, 2, Event(3, 5, 3)));
        journal.Add(written.Persist!);
        follower.Persisted(written);
        Assert.Equal(4ul, follower.Log.Persisted);

        journal.Add(Compaction.Event(follower.Log, 2, 2, ReplicaId.None, ""));
        follower.Log.Compact(2);
        Save(follower, journal);
        Assert.Equal((2ul, 5ul, 3ul), (journal.State.Log.BaseIndex, journal.State.Log.LastIndex, journal.State.Log.LastTerm));
    }

    [Fact]
    public void Gap_or_older_term_should_be_refused()
    {
        Assert.Throws<InvalidDataException>(() => RaftState.Replay([Event(1, 1, 1), Event(1, 3, 1)]));
        Assert.Throws<InvalidDataException>(() => RaftState.Replay([Event(2, 0), Event(1, 0)]));
    }

    private static void Save(RaftNode node, JournalFold journal)
    {
        Ready ready = node.TakeReady();
        journal.Add(ready.Persist!);
        node.Persisted(ready);
    }

    private static RaftMessage Append(uint from, ulong term, ulong index, ulong indexTerm, JournalEvent entries)
    {
        var append = new RaftMessage
        {
            Type = MessageType.MessageAppend, Term = term, LogIndex = index, LogTerm = indexTerm, ClusterId = Group.Cluster,
            From = Group.Id(from).ToWire(), To = Group.Id(1).ToWire(),
        };
        append.Entries.AddRange(entries.Entries);
        return append;
    }

    private static JournalEvent Event(ulong term, ulong first, params ulong[] terms)
    {
        var e = new JournalEvent { Term = term, FirstIndex = first };
        e.Entries.AddRange(terms.Select((t, i) => new Entry { Index = first + (ulong)i, Term = t }));
        return e;
    }
}
