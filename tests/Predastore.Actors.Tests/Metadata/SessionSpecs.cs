using Google.Protobuf;
using Predastore.Actors.Metadata;
using Predastore.Actors.Raft;
using Xunit;

namespace Predastore.Actors.Tests.Metadata;

public sealed class SessionSpecs : IDisposable
{
    private readonly Bench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Retry_of_a_write_id_should_answer_the_first_result_and_change_nothing()
    {
        BucketRow bucket = _bench.Bucket(versioning: Versioning.Enabled);
        Command put = _bench.PutCommand(bucket, "k");
        CommandResult first = _bench.Execute(put.Clone());
        CommandResult again = _bench.Execute(put.Clone());
        Assert.Equal(first.Version, again.Version);
        Assert.Equal(1UL, _bench.Counters().Versions);
    }

    [Fact]
    public void Refusal_should_be_kept_too()
    {
        BucketRow bucket = _bench.Bucket();
        Command put = _bench.PutCommand(bucket, "k");
        put.PutVersion.Preconditions = new Preconditions { IfMatch = { "one" } };
        Assert.Equal(ResultCode.ResultNoSuchKey, _bench.Execute(put.Clone()).Code);
        _bench.Put(bucket, "k", "one");
        Assert.Equal(ResultCode.ResultNoSuchKey, _bench.Execute(put.Clone()).Code);
    }

    [Fact]
    public void Write_below_low_or_of_a_closed_session_should_be_rejected()
    {
        BucketRow bucket = _bench.Bucket();
        Command early = _bench.PutCommand(bucket, "early");
        Command kept = _bench.PutCommand(bucket, "kept");
        Command late = _bench.PutCommand(bucket, "late");
        _bench.Execute(kept.Clone());
        Report(low: 2);
        Assert.Equal(ResultCode.ResultBelowLow, _bench.Execute(early).Code);
        Assert.Equal(ResultCode.ResultOk, _bench.Execute(kept.Clone()).Code);
        uint next = _bench.Execute(new Command { OpenSession = new OpenSession { Node = 1, Nonce = Bench.Bytes("next") } }).Session;
        Assert.NotEqual(_bench.Session, next);
        Assert.Equal(ResultCode.ResultSessionClosed, _bench.Execute(late).Code);

        // What a closed session had committed is still told to a late retry.
        Assert.Equal(ResultCode.ResultOk, _bench.Execute(kept.Clone()).Code);
        Assert.Equal(ResultCode.ResultSessionClosed, Report(low: 3).Code);
    }

    [Fact]
    public void Data_of_a_write_id_below_low_should_not_be_committed_under_a_younger_one()
    {
        BucketRow bucket = _bench.Bucket();
        Command put = _bench.PutCommand(bucket, "k");
        Report(low: 5);
        for (int i = 0; i < 8; i++) put.WriteId = _bench.NextWriteId();
        Assert.Equal(ResultCode.ResultBelowLow, _bench.Execute(put).Code);
    }

    [Fact]
    public void Nonce_should_name_one_session_for_ever()
    {
        CommandResult same = _bench.Execute(new Command { OpenSession = new OpenSession { Node = 1, Nonce = Bench.Bytes("nonce") } });
        Assert.Equal(_bench.Session, same.Session);
        _bench.Execute(new Command { OpenSession = new OpenSession { Node = 1, Nonce = Bench.Bytes("two") } });
        CommandResult late = _bench.Execute(new Command { OpenSession = new OpenSession { Node = 1, Nonce = Bench.Bytes("nonce") } });
        Assert.Equal(ResultCode.ResultSessionClosed, late.Code);
    }

    [Fact]
    public void Close_should_lose_against_a_renewal()
    {
        Report(low: 0);
        var close = new Command { CloseSession = new CloseSession { Session = _bench.Session, ExpectedRenewals = 0 } };
        Assert.Equal(ResultCode.ResultConflict, _bench.Execute(close).Code);
        close.CloseSession.ExpectedRenewals = 1;
        Assert.Equal(ResultCode.ResultOk, _bench.Execute(close).Code);
        Assert.Equal(ResultCode.ResultSessionClosed, Report(low: 1).Code);
    }

    [Fact]
    public void Garbage_should_wait_for_the_oldest_read()
    {
        BucketRow bucket = _bench.Bucket();
        _bench.Put(bucket, "k");
        ulong readIndex = _bench.Index;
        _bench.Delete("b", "k");
        ulong deleted = _bench.Index;
        Assert.Empty(Walk(readIndex));
        Assert.Empty(Walk(deleted));
        Assert.Single(Walk(deleted + 1));

        // A session that tells nothing counts as reading since its report before.
        _bench.Put(bucket, "k");
        _bench.Delete("b", "k");
        Assert.Single(Walk(ulong.MaxValue));
        Assert.Equal(2, Walk(ulong.MaxValue).Count);
    }

    [Fact]
    public void Walk_of_garbage_should_go_on_after_a_cursor()
    {
        BucketRow bucket = _bench.Bucket();
        for (int i = 0; i < 200; i++)
        {
            _bench.Put(bucket, "k");
            _bench.Delete("b", "k");
        }

        List<GarbageRow> all = Walk(_bench.Index + 1);
        Assert.Equal(200, all.Count);
        List<GarbageRow> paged = [];
        for (uint p = 0; p < 64; p++)
        {
            QueryResult page = new();
            do
            {
                page = _bench.Ask(new Query { WalkGarbage = new WalkGarbage { Partition = p, Limit = 2, After = page.NextCursor } });
                Assert.True(page.Garbage.Count <= 2);
                paged.AddRange(page.Garbage);
            }
            while (page.Truncated && paged.Count <= all.Count);
        }

        Assert.Equal(all, paged);
    }

    [Fact]
    public void Unknown_command_should_halt_and_write_nothing()
    {
        ulong before = _bench.Index;
        var level = new Command { FeatureLevel = 99, DeleteBucket = new DeleteBucket { Name = "b" } };
        Assert.Throws<UnknownCommandException>(() => _bench.Execute(level));
        Assert.Throws<UnknownCommandException>(() => _bench.Execute(new Command { WriteId = 1 }));
        Assert.Throws<UnknownCommandException>(() => _bench.Store.Apply([new MetadataEntry(before + 1, 1, new byte[] { 0xFF, 0xFF })]));
        Assert.Equal(before, _bench.Index);
    }

    private CommandResult Report(uint low) => _bench.Execute(new Command
    {
        ReportSession = new ReportSession { Session = _bench.Session, Low = low, OldestRead = _bench.Index },
    });

    private List<GarbageRow> Walk(ulong oldestRead)
    {
        _bench.Execute(new Command { ReportSession = new ReportSession { Session = _bench.Session, OldestRead = oldestRead } });
        var rows = new List<GarbageRow>();
        for (uint p = 0; p < 64; p++)
            rows.AddRange(_bench.Ask(new Query { WalkGarbage = new WalkGarbage { Partition = p } }).Garbage);
        return rows;
    }
}
