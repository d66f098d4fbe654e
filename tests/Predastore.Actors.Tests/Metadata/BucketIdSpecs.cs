using Google.Protobuf;
using Predastore.Actors.Metadata;
using Xunit;

namespace Predastore.Actors.Tests.Metadata;

/// <summary>A command that was allowed for one bucket does nothing to another one that has got its name since.</summary>
public sealed class BucketIdSpecs : IDisposable
{
    private readonly Bench _bench = new();

    public static TheoryData<string> Commands => ["update", "delete", "delete versions", "update version", "complete", "abort"];

    public void Dispose() => _bench.Dispose();

    [Theory]
    [MemberData(nameof(Commands))]
    public void Command_for_a_bucket_that_is_gone_should_not_touch_the_one_that_has_its_name(string name)
    {
        ulong gone = _bench.Bucket().Id;
        _bench.Execute(new Command { DeleteBucket = new DeleteBucket { Name = "b" } });
        BucketRow bucket = _bench.Bucket();
        _bench.Put(bucket, "k", "kept");
        ByteString upload = Upload(bucket);

        Assert.Equal(ResultCode.ResultNoSuchBucket, _bench.Execute(Make(name, gone, upload)).Code);
        Assert.Equal(bucket, _bench.Ask(new Query { GetBucket = new GetBucket { Name = "b" } }).Bucket);
        Assert.Empty(_bench.Get("b", "k").Version.Tags);
        Assert.Equal("kept", _bench.Get("b", "k").Version.Etag);
        Assert.Equal(1UL, _bench.Counters().OpenUploads);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void Command_should_be_carried_out_for_the_bucket_that_it_names(string name)
    {
        foreach (bool named in new[] { true, false })
        {
            BucketRow bucket = _bench.Bucket();
            ByteString upload = Upload(bucket);
            if (name != "delete")
                _bench.Put(bucket, "k", "kept");
            Assert.Equal(ResultCode.ResultOk, _bench.Execute(Make(name, named ? bucket.Id : 0, upload)).Code);
        }
    }

    private static Command Make(string name, ulong bucketId, ByteString upload) => name switch
    {
        "update" => new Command
        {
            UpdateBucket = new UpdateBucket { Name = "b", BucketId = bucketId, Acl = "public-read" },
        },
        "delete" => new Command { DeleteBucket = new DeleteBucket { Name = "b", BucketId = bucketId } },
        "delete versions" => new Command
        {
            DeleteVersions = new DeleteVersions { Bucket = "b", BucketId = bucketId, Items = { new DeleteItem { Key = "k" } } },
        },
        "update version" => new Command
        {
            UpdateVersion = new UpdateVersion { Bucket = "b", BucketId = bucketId, Key = "k", SetTags = true, Tags = { new Pair { Name = "a" } } },
        },
        "complete" => new Command
        {
            CompleteUpload = new CompleteUpload
            {
                Bucket = "b", BucketId = bucketId, Key = "u", UploadId = upload, Parts = { new CompletePart { Number = 1, Etag = "e" } },
            },
        },
        _ => new Command { AbortUpload = new AbortUpload { Bucket = "b", BucketId = bucketId, Key = "u", UploadId = upload } },
    };

    private ByteString Upload(BucketRow bucket)
    {
        ByteString id = _bench.Execute(new Command
        {
            CreateUpload = new CreateUpload { Bucket = bucket.Name, BucketId = bucket.Id, Upload = new UploadRow { Key = "u", Owner = "me" } },
        }).UploadId;
        Assert.Equal(ResultCode.ResultOk, _bench.Execute(new Command
        {
            PutPart = new PutPart
            {
                Bucket = bucket.Name, BucketId = bucket.Id, Key = "u", UploadId = id, Part = new PartRow { Number = 1, Etag = "e" },
            },
        }).Code);
        return id;
    }
}
