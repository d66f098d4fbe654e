using Predastore.Actors.Metadata;
using Xunit;

namespace Predastore.Actors.Tests.Metadata;

public sealed class ObjectLockSpecs : IDisposable
{
    private const long Day = 86_400_000;
    private readonly Bench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(LockMode.LockGovernance, false, false)]
    [InlineData(LockMode.LockGovernance, true, true)]
    [InlineData(LockMode.LockCompliance, false, false)]
    [InlineData(LockMode.LockCompliance, true, false)]
    public void Retained_version_should_be_deleted_only_by_whom_the_mode_lets(LockMode mode, bool bypass, bool deleted)
    {
        BucketRow bucket = _bench.Bucket(objectLock: true);
        Assert.Equal(Versioning.Enabled, bucket.Versioning);
        string id = VersionId.Format(_bench.Put(bucket, "k").Version);
        Assert.Equal(ResultCode.ResultOk, Retain(id, mode, 1).Code);
        Assert.Equal(deleted ? ResultCode.ResultOk : ResultCode.ResultObjectLocked, _bench.Delete("b", "k", id, bypass).Code);

        // A delete marker may always be put on top.
        Assert.True(_bench.Delete("b", "k").DeleteMarker);
        _bench.NowMs += 2 * Day;
        Assert.Equal(ResultCode.ResultOk, _bench.Delete("b", "k", id).Code);
    }

    [Fact]
    public void Legal_hold_should_stop_even_a_bypass()
    {
        BucketRow bucket = _bench.Bucket(objectLock: true);
        string id = VersionId.Format(_bench.Put(bucket, "k").Version);
        Hold(id, true);
        Assert.Equal(ResultCode.ResultObjectLocked, _bench.Delete("b", "k", id, bypass: true).Code);
        Hold(id, false);
        Assert.Equal(ResultCode.ResultOk, _bench.Delete("b", "k", id).Code);
    }

    [Fact]
    public void Compliance_should_only_be_extended()
    {
        BucketRow bucket = _bench.Bucket(objectLock: true);
        string id = VersionId.Format(_bench.Put(bucket, "k").Version);
        Retain(id, LockMode.LockCompliance, 2);
        Assert.Equal(ResultCode.ResultObjectLocked, Retain(id, LockMode.LockCompliance, 1, bypass: true).Code);
        Assert.Equal(ResultCode.ResultObjectLocked, Retain(id, LockMode.LockGovernance, 3, bypass: true).Code);
        Assert.Equal(ResultCode.ResultObjectLocked, Retain(id, LockMode.LockNone, 3, bypass: true).Code);
        Assert.Equal(ResultCode.ResultOk, Retain(id, LockMode.LockCompliance, 3).Code);
    }

    [Fact]
    public void Governance_should_be_shortened_only_with_the_bypass()
    {
        BucketRow bucket = _bench.Bucket(objectLock: true);
        string id = VersionId.Format(_bench.Put(bucket, "k").Version);
        Retain(id, LockMode.LockGovernance, 2);
        Assert.Equal(ResultCode.ResultObjectLocked, Retain(id, LockMode.LockGovernance, 1).Code);
        Assert.Equal(ResultCode.ResultObjectLocked, Retain(id, LockMode.LockCompliance, 3).Code);
        Assert.Equal(ResultCode.ResultOk, Retain(id, LockMode.LockGovernance, 3).Code);
        Assert.Equal(ResultCode.ResultOk, Retain(id, LockMode.LockGovernance, 1, bypass: true).Code);
        Assert.Equal(ResultCode.ResultOk, Retain(id, LockMode.LockCompliance, 1, bypass: true).Code);
    }

    [Fact]
    public void Default_retention_should_be_given_to_new_versions()
    {
        BucketRow bucket = _bench.Bucket(objectLock: true);
        _bench.Execute(new Command
        {
            UpdateBucket = new UpdateBucket
            {
                Name = "b", SetDefaultRetention = true, DefaultRetention = new DefaultRetention { Mode = LockMode.LockGovernance, Days = 3 },
            },
        });
        VersionRow version = _bench.Put(bucket, "k").Version;
        Assert.Equal(LockMode.LockGovernance, version.Retention.Mode);
        Assert.Equal(version.ModifiedMs + (3 * Day), version.Retention.UntilMs);
    }

    [Fact]
    public void Lock_should_need_versioning_and_forbid_its_suspension()
    {
        _bench.Bucket("plain");
        var enable = new Command { UpdateBucket = new UpdateBucket { Name = "plain", ObjectLock = true } };
        Assert.Equal(ResultCode.ResultInvalidState, _bench.Execute(enable).Code);
        _bench.Bucket("locked", objectLock: true);
        Assert.Equal(ResultCode.ResultInvalidState, _bench.Versions("locked", Versioning.Suspended).Code);
        BucketRow plain = _bench.Ask(new Query { GetBucket = new GetBucket { Name = "plain" } }).Bucket;
        Command put = _bench.PutCommand(plain, "k");
        put.PutVersion.Version.LegalHold = true;
        Assert.Equal(ResultCode.ResultInvalidRequest, _bench.Execute(put).Code);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Lock_asked_for_at_the_start_of_an_upload_should_hold_once_it_is_complete(bool hold)
    {
        BucketRow bucket = _bench.Bucket(objectLock: true);
        var upload = new UploadRow { Key = "k" };
        if (hold) upload.LegalHold = true;
        else upload.Retention = new Retention { Mode = LockMode.LockCompliance, UntilMs = Bench.Start + Day };
        Google.Protobuf.ByteString id = _bench.Execute(new Command
        {
            CreateUpload = new CreateUpload { Bucket = "b", BucketId = bucket.Id, Upload = upload },
        }).UploadId;
        ulong writeId = _bench.NextWriteId();
        _bench.Execute(new Command
        {
            WriteId = writeId,
            PutPart = new PutPart
            {
                Bucket = "b", BucketId = bucket.Id, Key = "k", UploadId = id, Part = new PartRow { Number = 1, Etag = "e" },
                Data = Bench.Data(writeId, bucket.Id),
            },
        });
        VersionRow version = _bench.Execute(new Command
        {
            CompleteUpload = new CompleteUpload { Bucket = "b", Key = "k", UploadId = id, Parts = { new CompletePart { Number = 1, Etag = "e" } } },
        }).Version;
        Assert.Equal(ResultCode.ResultObjectLocked, _bench.Delete("b", "k", VersionId.Format(version), bypass: true).Code);
    }

    [Fact]
    public void Legal_hold_that_was_taken_away_should_stay_known()
    {
        BucketRow bucket = _bench.Bucket(objectLock: true);
        string id = VersionId.Format(_bench.Put(bucket, "k").Version);
        Assert.False(_bench.Get("b", "k").Version.LegalHoldKnown);
        Hold(id, false);
        VersionRow version = _bench.Get("b", "k").Version;
        Assert.True(version.LegalHoldKnown);
        Assert.False(version.LegalHold);
    }

    private CommandResult Retain(string id, LockMode mode, int days, bool bypass = false) => _bench.Execute(new Command
    {
        UpdateVersion = new UpdateVersion
        {
            Bucket = "b", Key = "k", VersionId = id, BypassGovernance = bypass,
            SetRetention = new Retention { Mode = mode, UntilMs = Bench.Start + (days * Day) },
        },
    });

    private void Hold(string id, bool hold) => _bench.Execute(new Command
    {
        UpdateVersion = new UpdateVersion { Bucket = "b", Key = "k", VersionId = id, LegalHold = hold },
    });
}
