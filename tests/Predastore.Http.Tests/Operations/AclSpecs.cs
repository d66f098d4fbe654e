using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Http.Tests.Door;

namespace Predastore.Http.Tests.Operations;

public sealed class AclSpecs : IAsyncLifetime
{
    private static readonly (string, HttpStatusCode) Denied = ("AccessDenied", HttpStatusCode.Forbidden);

    private TestDoor _door = null!;
    private AmazonS3Client _main = null!;
    private AmazonS3Client _alt = null!;
    private AmazonS3Client _nobody = null!;

    public async Task InitializeAsync()
    {
        _door = await TestDoor.OpenAsync();
        (_main, _alt, _nobody) = (_door.AsMain(), _door.AsAlt(), _door.AsNobody());
    }

    public async Task DisposeAsync() => await _door.DisposeAsync();

    [Theory]
    [InlineData("private", false, false)]
    [InlineData("authenticated-read", true, false)]
    [InlineData("public-read", true, true)]
    [InlineData("public-read-write", true, true)]
    public async Task Canned_acl_of_an_object_should_let_others_read_it_and_no_more(string acl, bool alt, bool nobody)
    {
        string bucket = await _door.BucketAsync();
        await _main.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = "k", ContentBody = "x", CannedACL = new S3CannedACL(acl) });
        await CheckAsync(alt, () => _alt.GetObjectAsync(bucket, "k"));
        await CheckAsync(nobody, () => _nobody.GetObjectAsync(bucket, "k"));
        await CheckAsync(false, () => _alt.ListObjectsV2Async(new ListObjectsV2Request { BucketName = bucket }));
        await CheckAsync(false, () => _alt.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = "k", ContentBody = "y" }));
        await CheckAsync(false, () => _alt.DeleteObjectAsync(bucket, "k"));
        await CheckAsync(false, () => _alt.GetObjectTaggingAsync(new GetObjectTaggingRequest { BucketName = bucket, Key = "k" }));
    }

    [Theory]
    [InlineData("private", false, false)]
    [InlineData("public-read", true, false)]
    [InlineData("public-read-write", true, true)]
    public async Task Canned_acl_of_a_bucket_should_let_others_list_and_write_as_it_says(string acl, bool read, bool write)
    {
        string bucket = await _door.BucketAsync();
        await _main.PutBucketAclAsync(new PutBucketAclRequest { BucketName = bucket, ACL = new S3CannedACL(acl) });
        foreach (AmazonS3Client client in new[] { _alt, _nobody })
        {
            await CheckAsync(read, () => client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = bucket }));
            await CheckAsync(write, () => client.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = "k", ContentBody = "y" }));
            await CheckAsync(false, () => client.GetBucketAclAsync(new GetBucketAclRequest { BucketName = bucket }));
            await CheckAsync(false, () => client.DeleteBucketAsync(bucket));
        }
    }

    [Fact]
    public async Task Missing_key_should_be_told_only_to_whom_may_list()
    {
        string bucket = await _door.BucketAsync();
        Assert.Equal("NoSuchKey", (await TestDoor.RefusedAsync(() => _main.GetObjectAsync(bucket, "none"))).Code);
        Assert.Equal(Denied, await TestDoor.RefusedAsync(() => _alt.GetObjectAsync(bucket, "none")));
        await _main.PutBucketAclAsync(new PutBucketAclRequest { BucketName = bucket, ACL = S3CannedACL.PublicRead });
        Assert.Equal("NoSuchKey", (await TestDoor.RefusedAsync(() => _nobody.GetObjectAsync(bucket, "none"))).Code);
    }

    [Fact]
    public async Task Document_should_grant_exactly_what_it_says()
    {
        string bucket = await _door.BucketAsync();
        await _main.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = "k", ContentBody = "x" });
        GetBucketAclResponse read = await _main.GetBucketAclAsync(new GetBucketAclRequest { BucketName = bucket });
        var acl = new S3AccessControlList { Owner = read.Owner, Grants = read.Grants };
        Assert.Equal(TestDoor.Main.CanonicalId, acl.Owner.Id);
        Assert.Equal("FULL_CONTROL", Assert.Single(acl.Grants).Permission.Value);
        acl.AddGrant(new S3Grantee { CanonicalUser = TestDoor.Alt.CanonicalId }, S3Permission.READ);
        await _main.PutBucketAclAsync(new PutBucketAclRequest { BucketName = bucket, AccessControlPolicy = acl });
        await CheckAsync(true, () => _alt.ListObjectsV2Async(new ListObjectsV2Request { BucketName = bucket }));
        await CheckAsync(false, () => _nobody.ListObjectsV2Async(new ListObjectsV2Request { BucketName = bucket }));
        await CheckAsync(false, () => _alt.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = "k", ContentBody = "y" }));
        await CheckAsync(false, () => _alt.GetObjectAsync(bucket, "k"));

        acl.Grants = [new S3Grant { Grantee = new S3Grantee { CanonicalUser = TestDoor.Alt.CanonicalId }, Permission = S3Permission.WRITE_ACP }];
        await _main.PutObjectAclAsync(new PutObjectAclRequest { BucketName = bucket, Key = "k", AccessControlPolicy = acl });
        await CheckAsync(false, () => _alt.GetObjectAsync(bucket, "k"));
        acl.Grants[0].Permission = S3Permission.FULL_CONTROL;
        await _alt.PutObjectAclAsync(new PutObjectAclRequest { BucketName = bucket, Key = "k", AccessControlPolicy = acl });
        await CheckAsync(true, () => _alt.GetObjectAsync(bucket, "k"));

        // The owner needs no grant.
        await CheckAsync(true, () => _main.GetObjectAsync(bucket, "k"));
    }

    [Fact]
    public async Task Document_with_another_owner_or_an_unknown_grantee_should_be_refused()
    {
        string bucket = await _door.BucketAsync();
        var acl = new S3AccessControlList { Owner = new Owner { Id = TestDoor.Alt.CanonicalId }, Grants = [] };
        Assert.Equal(Denied, await PutAsync());
        acl.Owner.Id = TestDoor.Main.CanonicalId;
        acl.AddGrant(new S3Grantee { CanonicalUser = "_foo" }, S3Permission.READ);
        Assert.Equal(("InvalidArgument", HttpStatusCode.BadRequest), await PutAsync());
        acl.Grants = [new S3Grant { Grantee = new S3Grantee { EmailAddress = "none@example.com" }, Permission = S3Permission.READ }];
        Assert.Equal(("UnresolvableGrantByEmailAddress", HttpStatusCode.BadRequest), await PutAsync());
        acl.Grants = [new S3Grant { Grantee = new S3Grantee { EmailAddress = TestDoor.Alt.Email }, Permission = S3Permission.READ }];
        await _main.PutBucketAclAsync(new PutBucketAclRequest { BucketName = bucket, AccessControlPolicy = acl });
        await CheckAsync(true, () => _alt.ListObjectsV2Async(new ListObjectsV2Request { BucketName = bucket }));

        Task<(string, HttpStatusCode)> PutAsync() => TestDoor.RefusedAsync(
            () => _main.PutBucketAclAsync(new PutBucketAclRequest { BucketName = bucket, AccessControlPolicy = acl }));
    }

    [Fact]
    public async Task Grant_headers_should_make_the_list_and_exclude_a_canned_one()
    {
        string bucket = await _door.BucketAsync();
        var put = new PutObjectRequest { BucketName = bucket, Key = "k", ContentBody = "x" };
        put.Headers["x-amz-grant-read"] = $"id=\"{TestDoor.Alt.CanonicalId}\", emailAddress=\"{TestDoor.Main.Email}\"";
        await _main.PutObjectAsync(put);
        await CheckAsync(true, () => _alt.GetObjectAsync(bucket, "k"));
        await CheckAsync(false, () => _nobody.GetObjectAsync(bucket, "k"));
        put.CannedACL = S3CannedACL.Private;
        Assert.Equal("InvalidRequest", (await TestDoor.RefusedAsync(() => _main.PutObjectAsync(put))).Code);
    }

    [Fact]
    public async Task Expected_owner_should_deny_where_it_is_another()
    {
        string bucket = await _door.BucketAsync();
        await _main.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = "k", ContentBody = "x" });
        var get = new GetObjectRequest { BucketName = bucket, Key = "k", ExpectedBucketOwner = TestDoor.Main.Id };
        await CheckAsync(true, () => _main.GetObjectAsync(get));
        get.ExpectedBucketOwner = TestDoor.Alt.Id;
        Assert.Equal(Denied, await TestDoor.RefusedAsync(() => _main.GetObjectAsync(get)));
    }

    private static async Task CheckAsync(bool allowed, Func<Task> call)
    {
        if (allowed)
            await call();
        else
            Assert.Equal(Denied, await TestDoor.RefusedAsync(call));
    }
}
