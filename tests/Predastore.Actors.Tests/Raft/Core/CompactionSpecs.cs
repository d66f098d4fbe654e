using Google.Protobuf;
using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;
using Xunit;

namespace Predastore.Actors.Tests.Raft.Core;

public sealed class CompactionSpecs
{
    private static readonly Compaction Bounds = new(Entries: 20, Tail: 5, Bytes: 1000, BytesMax: 5000);

    [Fact]
    public void Log_of_many_entries_should_be_cut_before_its_tail()
    {
        Assert.Null(Bounds.Due(Log(25, 1), applied: 25));
        Assert.Equal(21UL, Bounds.Due(Log(26, 1), applied: 26));
        Assert.Equal(21UL, Bounds.Due(Log(40, 1), applied: 26));
    }

    [Theory]
    [InlineData(100, 11, 6)]
    [InlineData(200, 6, 4)]
    [InlineData(900, 2, 2)]
    public void Log_of_many_bytes_should_keep_a_tail_of_half_of_them_at_most(int size, ulong entries, ulong cut)
    {
        Assert.Null(Bounds.Due(Log(entries - 1, size), applied: entries - 1));
        Assert.Equal(cut, Bounds.Due(Log(entries, size), applied: entries));
    }

    [Fact]
    public void Bytes_that_are_not_applied_should_not_make_it_time()
        => Assert.Null(Bounds.Due(Log(20, 100), applied: 6));

    [Fact]
    public void Log_should_not_be_cut_behind_what_a_replica_that_is_filled_needs_until_it_is_too_large()
    {
        Assert.Null(Bounds.Due(Log(49, 100), applied: 49, needed: 10));
        Assert.Equal(44UL, Bounds.Due(Log(49, 100), applied: 49, needed: 44));
        Assert.Equal(51UL, Bounds.Due(Log(51, 100), applied: 51, needed: 10));
    }

    private static RaftLog Log(ulong entries, int size)
    {
        var log = new RaftLog(0, 0, Membership.Empty);
        for (ulong index = 1; index <= entries; index++)
            log.Append(new Entry { Index = index, Term = 1, Kind = EntryKind.EntryCommand, Data = ByteString.CopyFrom(new byte[size]) });
        log.MarkPersisted(entries, 1);
        return log;
    }
}
