using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Http.Tests.Door;

namespace Predastore.Http.Tests.Operations;

public sealed class ObjectLockSpecs : IAsyncLifetime
{
    private static readonly (string, HttpStatusCode) Denied = ("AccessDenied", HttpStatusCode.Forbidden);
    private static readonly DateTime Soon = new(DateTime.UtcNow.Year + 1, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private TestDoor _door = null!;
    private AmazonS3Client _s3 = null!;

    public async Task InitializeAsync()
    {
        _door = await TestDoor.OpenAsync();
        _s3 = _door.AsMain();
    }

    public async Task DisposeAsync() => await _door.DisposeAsync();

    [Fact]
    public async Task Configuration_should_round_trip_and_give_new_versions_their_retention()
    {
        string bucket = await _door.BucketAsync(objectLock: true);
        Assert.Equal("Enabled", (await _s3.GetBucketVersioningAsync(bucket)).VersioningConfig.Status.Value);
        await ConfigureAsync(bucket, new DefaultRetention { Mode = ObjectLockRetentionMode.Governance, Days = 2 });
        GetObjectLockConfigurationResponse read = await _s3.GetObjectLockConfigurationAsync(new GetObjectLockConfigurationRequest { BucketName = bucket });
        Assert.Equal(2, read.ObjectLockConfiguration.Rule.DefaultRetention.Days);
        string version = await PutAsync(bucket);
        Assert.Equal(Denied, await TestDoor.RefusedAsync(() => _s3.DeleteObjectAsync(bucket, "k", version)));
        await _s3.DeleteObjectAsync(new DeleteObjectRequest { BucketName = bucket, Key = "k", VersionId = version, BypassGovernanceRetention = true });
    }

    [Theory]
    [InlineData("GOVERNANCE", 0, null, "InvalidRetentionPeriod")]
    [InlineData("GOVERNANCE", null, -1, "InvalidRetentionPeriod")]
    [InlineData("GOVERNANCE", 1, 1, "MalformedXML")]
    [InlineData("abc", 1, null, "MalformedXML")]
    public async Task Configuration_should_refuse_what_is_no_retention(string mode, int? days, int? years, string code)
    {
        string bucket = await _door.BucketAsync(objectLock: true);
        var retention = new DefaultRetention { Mode = new ObjectLockRetentionMode(mode), Days = days, Years = years };
        Assert.Equal((code, HttpStatusCode.BadRequest), await TestDoor.RefusedAsync(() => ConfigureAsync(bucket, retention)));
    }

    [Fact]
    public async Task Lock_should_need_versioning_and_then_forbid_its_suspension()
    {
        string bucket = await _door.BucketAsync();
        var rule = new DefaultRetention { Mode = ObjectLockRetentionMode.Governance, Days = 1 };
        Assert.Equal("ObjectLockConfigurationNotFoundError", (await TestDoor.RefusedAsync(
            () => _s3.GetObjectLockConfigurationAsync(new GetObjectLockConfigurationRequest { BucketName = bucket }))).Code);
        Assert.Equal(("InvalidBucketState", HttpStatusCode.Conflict), await TestDoor.RefusedAsync(() => ConfigureAsync(bucket, rule)));
        await VersioningAsync(bucket, VersionStatus.Enabled);
        await ConfigureAsync(bucket, rule);
        Assert.Equal(("InvalidBucketState", HttpStatusCode.Conflict), await TestDoor.RefusedAsync(() => VersioningAsync(bucket, VersionStatus.Suspended)));
    }

    [Fact]
    public async Task Retention_should_be_shortened_only_with_the_bypass()
    {
        string bucket = await _door.BucketAsync(objectLock: true);
        string version = await PutAsync(bucket);
        Assert.Equal("NoSuchObjectLockConfiguration", (await TestDoor.RefusedAsync(() => RetentionAsync(bucket))).Code);
        await RetainAsync(bucket, Soon.AddDays(2));
        Assert.Equal(Soon.AddDays(2), (await RetentionAsync(bucket)).Retention.RetainUntilDate!.Value.ToUniversalTime());
        Assert.Equal(Denied, await TestDoor.RefusedAsync(() => RetainAsync(bucket, Soon)));
        await RetainAsync(bucket, Soon, bypass: true);
        GetObjectMetadataResponse head = await _s3.GetObjectMetadataAsync(bucket, "k");
        Assert.Equal("GOVERNANCE", head.ObjectLockMode.Value);
        Assert.Equal("InvalidArgument", (await TestDoor.RefusedAsync(() => RetainAsync(bucket, DateTime.UtcNow.AddDays(-1), bypass: true))).Code);
        Assert.Equal(Denied, await TestDoor.RefusedAsync(() => _s3.DeleteObjectAsync(bucket, "k", version)));
    }

    [Fact]
    public async Task Bypass_should_be_the_owners_alone()
    {
        string bucket = await _door.BucketAsync(objectLock: true);
        await _s3.PutBucketAclAsync(new PutBucketAclRequest { BucketName = bucket, ACL = S3CannedACL.PublicReadWrite });
        string version = await PutAsync(bucket);
        await RetainAsync(bucket, Soon);
        var delete = new DeleteObjectRequest { BucketName = bucket, Key = "k", VersionId = version, BypassGovernanceRetention = true };
        Assert.Equal(Denied, await TestDoor.RefusedAsync(() => _door.AsAlt().DeleteObjectAsync(delete)));
        await _s3.DeleteObjectAsync(delete);
    }

    [Fact]
    public async Task Guest_who_may_write_should_not_lock_what_he_writes()
    {
        string bucket = await _door.BucketAsync(objectLock: true);
        await _s3.PutBucketAclAsync(new PutBucketAclRequest { BucketName = bucket, ACL = S3CannedACL.PublicReadWrite });
        AmazonS3Client guest = _door.AsAlt();
        Assert.Equal(Denied, await TestDoor.RefusedAsync(() => guest.PutObjectAsync(new PutObjectRequest
        {
            BucketName = bucket, Key = "k", ContentBody = "x", ObjectLockLegalHoldStatus = ObjectLockLegalHoldStatus.On,
        })));
        Assert.Equal(Denied, await TestDoor.RefusedAsync(() => guest.InitiateMultipartUploadAsync(new InitiateMultipartUploadRequest
        {
            BucketName = bucket, Key = "k", ObjectLockMode = ObjectLockMode.Compliance, ObjectLockRetainUntilDate = Soon,
        })));
        string version = (await guest.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = "k", ContentBody = "x" })).VersionId;
        Assert.Equal(Denied, await TestDoor.RefusedAsync(() => guest.PutObjectLegalHoldAsync(new PutObjectLegalHoldRequest
        {
            BucketName = bucket, Key = "k", VersionId = version, LegalHold = new ObjectLockLegalHold { Status = ObjectLockLegalHoldStatus.On },
        })));
    }

    [Fact]
    public async Task Legal_hold_should_keep_a_version_until_it_is_taken_away()
    {
        string bucket = await _door.BucketAsync(objectLock: true);
        string version = await PutAsync(bucket);
        Assert.Equal("NoSuchObjectLockConfiguration", (await TestDoor.RefusedAsync(StatusAsync)).Code);
        await HoldAsync(ObjectLockLegalHoldStatus.On);
        Assert.Equal("ON", (await StatusAsync()).LegalHold.Status.Value);
        Assert.Equal(Denied, await TestDoor.RefusedAsync(() => _s3.DeleteObjectAsync(bucket, "k", version)));
        await HoldAsync(ObjectLockLegalHoldStatus.Off);
        Assert.Equal("OFF", (await StatusAsync()).LegalHold.Status.Value);
        await _s3.DeleteObjectAsync(bucket, "k", version);

        Task HoldAsync(ObjectLockLegalHoldStatus status) => _s3.PutObjectLegalHoldAsync(new PutObjectLegalHoldRequest
        {
            BucketName = bucket, Key = "k", LegalHold = new ObjectLockLegalHold { Status = status },
        });

        Task<GetObjectLegalHoldResponse> StatusAsync()
            => _s3.GetObjectLegalHoldAsync(new GetObjectLegalHoldRequest { BucketName = bucket, Key = "k" });
    }

    [Fact]
    public async Task Locks_should_be_refused_in_a_bucket_without_object_lock()
    {
        string bucket = await _door.BucketAsync();
        await PutAsync(bucket);
        Assert.Equal(("InvalidRequest", HttpStatusCode.BadRequest), await TestDoor.RefusedAsync(() => RetainAsync(bucket, Soon)));
        Assert.Equal(("InvalidRequest", HttpStatusCode.BadRequest), await TestDoor.RefusedAsync(() => RetentionAsync(bucket)));
        Assert.Equal("InvalidRequest", (await TestDoor.RefusedAsync(() => _s3.PutObjectAsync(new PutObjectRequest
        {
            BucketName = bucket, Key = "k", ContentBody = "x", ObjectLockLegalHoldStatus = ObjectLockLegalHoldStatus.On,
        }))).Code);
    }

    private async Task<string> PutAsync(string bucket)
        => (await _s3.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = "k", ContentBody = "x" })).VersionId;

    private Task RetainAsync(string bucket, DateTime until, bool bypass = false) => _s3.PutObjectRetentionAsync(new PutObjectRetentionRequest
    {
        BucketName = bucket, Key = "k", BypassGovernanceRetention = bypass,
        Retention = new ObjectLockRetention { Mode = ObjectLockRetentionMode.Governance, RetainUntilDate = until },
    });

    private Task<GetObjectRetentionResponse> RetentionAsync(string bucket)
        => _s3.GetObjectRetentionAsync(new GetObjectRetentionRequest { BucketName = bucket, Key = "k" });

    private Task ConfigureAsync(string bucket, DefaultRetention retention) => _s3.PutObjectLockConfigurationAsync(new PutObjectLockConfigurationRequest
    {
        BucketName = bucket,
        ObjectLockConfiguration = new Amazon.S3.Model.ObjectLockConfiguration
        {
            ObjectLockEnabled = ObjectLockEnabled.Enabled, Rule = new ObjectLockRule { DefaultRetention = retention },
        },
    });

    private Task VersioningAsync(string bucket, VersionStatus status) => _s3.PutBucketVersioningAsync(new PutBucketVersioningRequest
    {
        BucketName = bucket, VersioningConfig = new S3BucketVersioningConfig { Status = status },
    });
}
