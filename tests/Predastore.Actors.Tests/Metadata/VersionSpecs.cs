using Predastore.Actors.Metadata;
using Xunit;

namespace Predastore.Actors.Tests.Metadata;

public sealed class VersionSpecs : IDisposable
{
    private readonly Bench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Overwrite_should_replace_and_turn_the_old_bytes_into_garbage_at_once()
    {
        BucketRow bucket = _bench.Bucket();
        _bench.Put(bucket, "k", "one");
        DataRow first = _bench.Get("b", "k", data: true).Data;
        _bench.Put(bucket, "k", "two");
        QueryResult now = _bench.Get("b", "k", data: true);
        Assert.Equal("two", now.Version.Etag);
        Assert.Equal(1u, now.Data.References);
        GarbageRow garbage = Assert.Single(_bench.Garbage());
        Assert.Equal(first.ObjectHash, garbage.Data.ObjectHash);
        Assert.Equal(1UL, _bench.Counters().Versions);
        Assert.Equal(100UL, _bench.Counters().Bytes);
    }

    [Fact]
    public void Versioned_bucket_should_keep_every_version_and_hide_behind_a_marker()
    {
        BucketRow bucket = _bench.Bucket(versioning: Versioning.Enabled);
        string one = VersionId.Format(_bench.Put(bucket, "k", "one").Version);
        _bench.Put(bucket, "k", "two");
        DeleteResult deleted = _bench.Delete("b", "k");
        Assert.True(deleted.DeleteMarker);
        QueryResult hidden = _bench.Get("b", "k");
        Assert.Equal(ResultCode.ResultNoSuchKey, hidden.Code);
        Assert.True(hidden.Version.DeleteMarker);
        Assert.Equal("one", _bench.Get("b", "k", one).Version.Etag);
        Assert.False(_bench.Get("b", "k", one).IsLatest);
        Assert.Equal(ResultCode.ResultMethodNotAllowed, _bench.Get("b", "k", deleted.MarkerVersionId).Code);
        Assert.True(_bench.Delete("b", "k", deleted.MarkerVersionId).DeleteMarker);
        Assert.Equal("two", _bench.Get("b", "k").Version.Etag);
        Assert.Empty(_bench.Garbage());
    }

    [Fact]
    public void Suspended_bucket_should_replace_only_the_null_version()
    {
        BucketRow bucket = _bench.Bucket();
        _bench.Put(bucket, "k", "null-1");
        _bench.Versions("b", Versioning.Enabled);
        string kept = VersionId.Format(_bench.Put(bucket, "k", "kept").Version);
        Assert.Equal("null-1", _bench.Get("b", "k", "null").Version.Etag);
        _bench.Versions("b", Versioning.Suspended);
        CommandResult put = _bench.Put(bucket, "k", "null-2");
        Assert.Equal("null", VersionId.Format(put.Version));
        Assert.Equal("null-2", _bench.Get("b", "k", "null").Version.Etag);
        Assert.Equal("null-2", _bench.Get("b", "k").Version.Etag);
        Assert.Equal("kept", _bench.Get("b", "k", kept).Version.Etag);
        Assert.Equal(2UL, _bench.Counters().Versions);

        DeleteResult marker = _bench.Delete("b", "k");
        Assert.Equal("null", marker.MarkerVersionId);
        Assert.Equal(ResultCode.ResultNoSuchKey, _bench.Get("b", "k").Code);
        Assert.Equal(2UL, _bench.Counters().Versions);
        Assert.Equal(2, _bench.Garbage().Count);
    }

    [Fact]
    public void Null_version_should_not_be_reachable_by_its_position()
    {
        BucketRow bucket = _bench.Bucket();
        CommandResult put = _bench.Put(bucket, "k");
        Assert.Equal(ResultCode.ResultNoSuchVersion, _bench.Get("b", "k", VersionId.Format(put.Version.Position)).Code);
        Assert.Equal(ResultCode.ResultInvalidArgument, _bench.Get("b", "k", "nonsense").Code);
    }

    [Fact]
    public void Last_modified_should_never_go_back_for_a_key()
    {
        BucketRow bucket = _bench.Bucket(versioning: Versioning.Enabled);
        long first = _bench.Put(bucket, "k").Version.ModifiedMs;
        _bench.NowMs -= 3_600_000;
        Assert.Equal(first, _bench.Put(bucket, "k").Version.ModifiedMs);
        Assert.True(_bench.Put(bucket, "other").Version.ModifiedMs < first);
    }

    [Fact]
    public void Write_preconditions_should_be_decided_on_the_current_version()
    {
        BucketRow bucket = _bench.Bucket(versioning: Versioning.Enabled);
        var none = new Preconditions { IfNoneMatchAny = true };
        var match = new Preconditions { IfMatch = { "\"one\"" } };
        Assert.Equal(ResultCode.ResultNoSuchKey, _bench.Put(bucket, "k", "one", match).Code);
        Assert.Equal(ResultCode.ResultOk, _bench.Put(bucket, "k", "one", none).Code);
        Assert.Equal(ResultCode.ResultPreconditionFailed, _bench.Put(bucket, "k", "two", none).Code);
        Assert.Equal(ResultCode.ResultOk, _bench.Put(bucket, "k", "two", match).Code);
        Assert.Equal(ResultCode.ResultPreconditionFailed, _bench.Put(bucket, "k", "three", match).Code);
        Assert.Equal(ResultCode.ResultOk, _bench.Put(bucket, "k", "three", new Preconditions { IfMatch = { "*" } }).Code);
        _bench.Delete("b", "k");
        Assert.Equal(ResultCode.ResultNoSuchKey, _bench.Put(bucket, "k", "x", match).Code);
        Assert.Equal(ResultCode.ResultOk, _bench.Put(bucket, "k", "four", none).Code);
        Assert.Equal(0UL, _bench.Counters().GarbageRows);
    }

    [Fact]
    public void If_none_match_with_tags_should_refuse_only_the_tag_that_stands()
    {
        BucketRow bucket = _bench.Bucket(versioning: Versioning.Enabled);
        var none = new Preconditions { IfNoneMatch = { "one", "\"two\"" } };
        Assert.Equal(ResultCode.ResultOk, _bench.Put(bucket, "k", "one", none).Code);
        Assert.Equal(ResultCode.ResultPreconditionFailed, _bench.Put(bucket, "k", "x", none).Code);
        _bench.Put(bucket, "k", "two");
        Assert.Equal(ResultCode.ResultPreconditionFailed, _bench.Put(bucket, "k", "x", none).Code);
        Assert.Equal(ResultCode.ResultOk, _bench.Put(bucket, "k", "three", new Preconditions { IfNoneMatch = { "one" } }).Code);
        _bench.Delete("b", "k");
        Assert.Equal(ResultCode.ResultOk, _bench.Put(bucket, "k", "two", none).Code);
    }

    [Fact]
    public void Update_of_a_version_that_was_replaced_should_be_a_conflict()
    {
        BucketRow bucket = _bench.Bucket();
        Position first = _bench.Put(bucket, "k", "one").Version.Position;
        _bench.Put(bucket, "k", "two");
        var update = new UpdateVersion { Bucket = "b", Key = "k", Position = first, Acl = "public-read" };
        Assert.Equal(ResultCode.ResultConflict, _bench.Execute(new Command { UpdateVersion = update }).Code);
        Assert.Equal("", _bench.Get("b", "k").Version.Attributes?.Acl ?? "");
        update.Position = _bench.Get("b", "k").Version.Position;
        Assert.Equal(ResultCode.ResultOk, _bench.Execute(new Command { UpdateVersion = update }).Code);
    }

    [Fact]
    public void Grants_and_canned_acl_should_take_each_others_place()
    {
        BucketRow bucket = _bench.Bucket();
        _bench.Put(bucket, "k");
        var grants = new GrantList { Items = { new Grant { Account = "other", Permission = "READ" } } };
        _bench.Execute(new Command { UpdateVersion = new UpdateVersion { Bucket = "b", Key = "k", Acl = "public-read" } });
        _bench.Execute(new Command { UpdateVersion = new UpdateVersion { Bucket = "b", Key = "k", Grants = grants } });
        Attributes attributes = _bench.Get("b", "k").Version.Attributes;
        Assert.Equal(("", grants), (attributes.Acl, attributes.Grants));
        _bench.Execute(new Command { UpdateVersion = new UpdateVersion { Bucket = "b", Key = "k", Acl = "private" } });
        attributes = _bench.Get("b", "k").Version.Attributes;
        Assert.Equal("private", attributes.Acl);
        Assert.Null(attributes.Grants);

        _bench.Execute(new Command { UpdateBucket = new UpdateBucket { Name = "b", Grants = grants } });
        Assert.Equal(grants, _bench.Ask(new Query { GetBucket = new GetBucket { Name = "b" } }).Bucket.Grants);
        _bench.Execute(new Command { UpdateBucket = new UpdateBucket { Name = "b", Acl = "public-read" } });
        Assert.Null(_bench.Ask(new Query { GetBucket = new GetBucket { Name = "b" } }).Bucket.Grants);
    }

    [Fact]
    public void Delete_preconditions_should_ignore_what_is_absent()
    {
        BucketRow bucket = _bench.Bucket();
        var bad = new Preconditions { IfMatch = { "bad" } };
        Assert.Equal(ResultCode.ResultOk, _bench.Delete("b", "k", preconditions: bad).Code);
        long modified = _bench.Put(bucket, "k", "one").Version.ModifiedMs;
        Assert.Equal(ResultCode.ResultPreconditionFailed, _bench.Delete("b", "k", preconditions: bad).Code);
        Assert.Equal(ResultCode.ResultPreconditionFailed, _bench.Delete("b", "k", preconditions: new Preconditions { IfMatchSize = 9 }).Code);
        var late = new Preconditions { IfMatchModifiedMs = modified + 2000 };
        Assert.Equal(ResultCode.ResultPreconditionFailed, _bench.Delete("b", "k", preconditions: late).Code);
        var right = new Preconditions { IfMatch = { "one" }, IfMatchSize = 100, IfMatchModifiedMs = modified / 1000 * 1000 };
        Assert.Equal(ResultCode.ResultOk, _bench.Delete("b", "k", preconditions: right).Code);
        Assert.Equal(ResultCode.ResultNoSuchKey, _bench.Get("b", "k").Code);
    }

    [Fact]
    public void Put_should_be_refused_when_the_bucket_was_made_anew()
    {
        BucketRow old = _bench.Bucket();
        _bench.Execute(new Command { DeleteBucket = new DeleteBucket { Name = "b" } });
        BucketRow young = _bench.Bucket();
        Assert.NotEqual(old.Id, young.Id);
        Assert.Equal(ResultCode.ResultNoSuchBucket, _bench.Put(old, "k").Code);
    }

    [Fact]
    public void Delete_bucket_should_refuse_while_a_marker_is_left()
    {
        _bench.Bucket(versioning: Versioning.Enabled);
        string marker = _bench.Delete("b", "k").MarkerVersionId;
        var delete = new Command { DeleteBucket = new DeleteBucket { Name = "b" } };
        Assert.Equal(ResultCode.ResultBucketNotEmpty, _bench.Execute(delete).Code);
        _bench.Delete("b", "k", marker);
        Assert.Equal(ResultCode.ResultOk, _bench.Execute(delete).Code);
        Assert.Equal(ResultCode.ResultNoSuchBucket, _bench.Execute(delete).Code);
    }

    [Fact]
    public void Create_bucket_should_tell_its_owner_from_others()
    {
        _bench.Bucket();
        var again = new CreateBucket { Name = "b", Owner = "me" };
        Assert.Equal(ResultCode.ResultBucketOwnedByYou, _bench.Execute(new Command { CreateBucket = again }).Code);
        again.Owner = "other";
        Assert.Equal(ResultCode.ResultBucketExists, _bench.Execute(new Command { CreateBucket = again }).Code);
    }
}
