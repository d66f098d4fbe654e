using Google.Protobuf;
using Predastore.Actors.Metadata;
using Xunit;

namespace Predastore.Actors.Tests.Metadata;

public sealed class DataSpecs : IDisposable
{
    private readonly Bench _bench = new();
    private readonly BucketRow _bucket;

    public DataSpecs() => _bucket = _bench.Bucket();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Copy_should_share_the_bytes_and_keep_them_until_the_last_reference()
    {
        VersionRow source = _bench.Put(_bucket, "k").Version;
        Assert.Equal(ResultCode.ResultOk, Copy(source, _bucket, "copy").Code);
        Assert.Equal(2u, _bench.Get("b", "copy", data: true).Data.References);
        _bench.Delete("b", "k");
        Assert.Empty(_bench.Garbage());
        _bench.Delete("b", "copy");
        Assert.Single(_bench.Garbage());
    }

    [Fact]
    public void Copy_onto_its_own_source_should_keep_the_bytes()
    {
        VersionRow source = _bench.Put(_bucket, "k").Version;
        Assert.Equal(ResultCode.ResultOk, Copy(source, _bucket, "k").Code);
        QueryResult now = _bench.Get("b", "k", data: true);
        Assert.Equal(1u, now.Data.References);
        Assert.Empty(_bench.Garbage());
        Assert.Equal(ResultCode.ResultConflict, Copy(source, _bucket, "late").Code);
    }

    [Fact]
    public void Copy_into_another_bucket_should_need_its_wrapped_key()
    {
        BucketRow other = _bench.Bucket("other");
        VersionRow source = _bench.Put(_bucket, "k").Version;
        Assert.Equal(ResultCode.ResultInvalidArgument, Copy(source, other, "copy").Code);
        DataRow data = _bench.Get("b", "k", data: true).Data;
        Assert.Equal(1u, data.References);
        var key = new DataKey { DataId = data.DataId, Key = new WrappedKey { BucketId = other.Id, Blob = Bench.Bytes("x") } };
        Assert.Equal(ResultCode.ResultOk, Copy(source, other, "copy", key).Code);
        Assert.Equal(2, _bench.Get("other", "copy", data: true).Data.Keys.Count);
    }

    // The key was wrapped from the row as it was read: of data that was written anew since, it opens nothing.
    [Fact]
    public void Copy_should_be_refused_with_the_key_of_data_that_was_written_anew_since()
    {
        BucketRow other = _bench.Bucket("other");
        VersionRow source = _bench.Put(_bucket, "k").Version;
        DataRow old = _bench.Get("b", "k", data: true).Data;
        DataKey key = KeyOf(old, other);
        Replace(old);

        Assert.Equal(ResultCode.ResultRewritten, Copy(source, other, "copy", key).Code);

        DataRow now = _bench.Get("b", "k", data: true).Data;
        Assert.Equal(1u, now.References);
        Assert.Single(now.Keys);
        Assert.Equal(ResultCode.ResultOk, Copy(source, other, "copy", KeyOf(now, other)).Code);

        // In its own bucket the row has the key.
        Assert.Equal(ResultCode.ResultOk, Copy(source, _bucket, "near", key).Code);
    }

    [Fact]
    public void Same_object_hash_should_not_be_committed_twice()
    {
        Command put = _bench.PutCommand(_bucket, "k");
        _bench.Execute(put.Clone());
        put.WriteId = _bench.NextWriteId();
        Assert.Equal(ResultCode.ResultInvalidArgument, _bench.Execute(put).Code);
    }

    [Fact]
    public void Place_should_be_a_compare_and_set_and_clear_the_queue()
    {
        Command put = _bench.PutCommand(_bucket, "k");
        put.PutVersion.Missing.Add(2);
        _bench.Execute(put);
        Assert.Equal(1UL, _bench.Counters().HealRows);
        DataRow data = _bench.Get("b", "k", data: true).Data;
        Assert.Equal([2u], data.Missing);
        var place = new PlaceShards { DataId = data.DataId, Generation = 9, Places = { new ShardPlace { Shard = 2, StorageId = 5 } } };
        Assert.Equal(ResultCode.ResultConflict, _bench.Execute(new Command { PlaceShards = place }).Code);
        place.Generation = data.Generation;
        place.Places[0].StorageId = 1;
        Assert.Equal(ResultCode.ResultInvalidArgument, _bench.Execute(new Command { PlaceShards = place }).Code);
        place.Places[0].StorageId = 5;
        DataRow placed = _bench.Execute(new Command { PlaceShards = place }).Data;
        Assert.Equal([1u, 2u, 5u], placed.Placement);
        Assert.Empty(placed.Missing);
        Assert.Equal(0UL, _bench.Counters().HealRows);
        Assert.Equal(ResultCode.ResultConflict, _bench.Execute(new Command { PlaceShards = place }).Code);
    }

    [Fact]
    public void Replacement_should_need_no_key_for_a_bucket_that_is_gone()
    {
        BucketRow other = _bench.Bucket("other");
        VersionRow source = _bench.Put(_bucket, "k").Version;
        DataRow data = _bench.Get("b", "k", data: true).Data;
        Copy(source, other, "copy", new DataKey { DataId = data.DataId, Key = new WrappedKey { BucketId = other.Id, Blob = Bench.Bytes("x") } });
        ulong writeId = _bench.NextWriteId();
        var replace = new ReplaceData { DataId = data.DataId, Generation = 1, Data = Bench.Data(writeId, _bucket.Id) };
        Assert.Equal(ResultCode.ResultConflict, _bench.Execute(new Command { WriteId = writeId, ReplaceData = replace }).Code);
        _bench.Delete("other", "copy");
        _bench.Execute(new Command { DeleteBucket = new DeleteBucket { Name = "other" } });
        writeId = _bench.NextWriteId();
        replace.Data = Bench.Data(writeId, _bucket.Id);
        Assert.Equal(ResultCode.ResultOk, _bench.Execute(new Command { WriteId = writeId, ReplaceData = replace }).Code);
    }

    [Fact]
    public void Replacement_should_keep_the_id_and_retire_the_old_shards()
    {
        _bench.Put(_bucket, "k");
        DataRow old = _bench.Get("b", "k", data: true).Data;
        ByteString hash = Replace(old);
        DataRow now = _bench.Get("b", "k", data: true).Data;
        Assert.Equal((old.DataId, hash), (now.DataId, now.ObjectHash));
        Assert.Equal(old.ObjectHash, Assert.Single(_bench.Garbage()).Data.ObjectHash);

        // Below low only the rows decide: new shards and the garbage's own are named, others are orphans.
        Assert.Equal(
            [ExtentState.ExtentNamed, ExtentState.ExtentUndecided, ExtentState.ExtentUndecided], States(4, (hash, 0), (hash, 1), (old.ObjectHash, 0)));
        Report(low: uint.MaxValue);
        Assert.Equal([ExtentState.ExtentGarbage, ExtentState.ExtentOrphan], States(1, (old.ObjectHash, 0), (old.ObjectHash, 1)));
        Assert.Equal([false, true, false, true], Check(4, (hash, 0), (hash, 1)).Concat(Check(1, (old.ObjectHash, 0), (old.ObjectHash, 1))));
        _bench.Delete("b", "k");
        Assert.Equal([false], Check(4, (hash, 0)));
    }

    [Fact]
    public void Extent_should_be_no_orphan_while_its_write_may_still_commit()
    {
        ByteString hash = Bench.Data(_bench.NextWriteId(), 1).ObjectHash;
        Assert.Equal([false], Check(1, (hash, 0)));
        Report(low: uint.MaxValue);
        Assert.Equal([true], Check(1, (hash, 0)));
    }

    [Fact]
    public void Queue_should_keep_only_what_the_row_still_names()
    {
        _bench.Put(_bucket, "k");
        DataRow data = _bench.Get("b", "k", data: true).Data;
        var queue = new QueueHeal { DataId = data.DataId, Reason = "read", Places = { new ShardPlace { Shard = 1, StorageId = 6 } } };
        Assert.Equal(ResultCode.ResultConflict, _bench.Execute(new Command { QueueHeal = queue }).Code);
        queue.Places[0].StorageId = 2;
        Assert.Equal(ResultCode.ResultOk, _bench.Execute(new Command { QueueHeal = queue }).Code);
        uint partition = (uint)(data.DataId[0] >> 2);
        HealRow heal = Assert.Single(_bench.Ask(new Query { WalkHeals = new WalkHeals { Partition = partition } }).Heals);
        Assert.Equal([1u], heal.Shards);
        var settle = new SettleHeal { DataId = data.DataId, Generation = data.Generation };
        Assert.Equal(ResultCode.ResultOk, _bench.Execute(new Command { SettleHeal = settle }).Code);
        Assert.Equal(0UL, _bench.Counters().HealRows);
    }

    // Writes the data anew on other places; its new object hash.
    private ByteString Replace(DataRow old)
    {
        ulong writeId = _bench.NextWriteId();
        var replace = new ReplaceData
        {
            DataId = old.DataId, Generation = old.Generation, Data = Bench.Data(writeId, _bucket.Id, 100, 4, 5, 6),
        };
        ByteString hash = replace.Data.ObjectHash;
        Assert.Equal(ResultCode.ResultOk, _bench.Execute(new Command { WriteId = writeId, ReplaceData = replace }).Code);
        return hash;
    }

    private static DataKey KeyOf(DataRow row, BucketRow target) => new()
    {
        DataId = row.DataId, ObjectHash = row.ObjectHash, Key = new WrappedKey { BucketId = target.Id, Blob = Bench.Bytes("x") },
    };

    private CommandResult Copy(VersionRow source, BucketRow target, string key, params DataKey[] keys)
    {
        var from = new CopySource { BucketId = source.BucketId, Key = source.Key, Position = source.Position };
        from.Keys.AddRange(keys);
        return _bench.Execute(new Command
        {
            PutVersion = new PutVersion { Bucket = target.Name, BucketId = target.Id, Version = new VersionRow { Key = key }, Source = from },
        });
    }

    private void Report(uint low) =>
        _bench.Execute(new Command { ReportSession = new ReportSession { Session = _bench.Session, Low = low, OldestRead = _bench.Index } });

    // Whether each is an orphan.
    private IEnumerable<bool> Check(uint storage, params (ByteString Hash, uint Shard)[] extents) =>
        States(storage, extents).Select(state => state == ExtentState.ExtentOrphan);

    private IEnumerable<ExtentState> States(uint storage, params (ByteString Hash, uint Shard)[] extents)
    {
        var check = new CheckExtents { StorageId = storage };
        check.Extents.AddRange(extents.Select(e => new ExtentName { ObjectHash = e.Hash, Shard = e.Shard, WriteId = ((ulong)_bench.Session << 32) | 99 }));
        return _bench.Ask(new Query { CheckExtents = check }).Extents;
    }
}
