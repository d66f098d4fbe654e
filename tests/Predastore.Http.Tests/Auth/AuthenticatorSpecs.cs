using Microsoft.AspNetCore.Http;
using Predastore.Http.Auth;
using Predastore.Http.Protocol;

namespace Predastore.Http.Tests.Auth;

/// <summary>The example of the AWS documentation (Authenticating Requests: Using the Authorization Header, GET Object), and what breaks it.</summary>
public sealed class AuthenticatorSpecs
{
    private const string Signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
    private static readonly DateTimeOffset Then = new(2013, 5, 24, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Documented_request_should_be_accepted()
    {
        AuthResult result = Authenticate(Headers());
        Assert.Equal(AuthMode.Header, result.Mode);
        Assert.Equal("123456789012", result.Account!.Id);
    }

    [Theory]
    [InlineData("/test.txt?acl", "SignatureDoesNotMatch")]
    [InlineData("/test.TXT", "SignatureDoesNotMatch")]
    [InlineData("/test.txt?X-Amz-Signature=x", "InvalidArgument")]
    public void Changed_target_should_be_refused(string target, string code)
        => Assert.Equal(code, Refused(() => Authenticate(Headers(), target)));

    [Theory]
    [InlineData("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLF", "InvalidAccessKeyId")]
    [InlineData("f0e8bdb8", "f0e8bdb9", "SignatureDoesNotMatch")]
    [InlineData("us-east-1", "eu-west-1", "AuthorizationHeaderMalformed")]
    [InlineData("/s3/", "/sqs/", "AuthorizationHeaderMalformed")]
    [InlineData("aws4_request", "aws3_request", "AuthorizationHeaderMalformed")]
    public void Changed_authorization_should_be_refused(string from, string to, string code)
    {
        HeaderDictionary headers = Headers();
        headers["Authorization"] = headers["Authorization"].ToString().Replace(from, to, StringComparison.Ordinal);
        Assert.Equal(code, Refused(() => Authenticate(headers)));
    }

    [Theory]
    [InlineData(16)]
    [InlineData(-16)]
    public void Request_from_another_time_should_be_refused(int minutes)
        => Assert.Equal("RequestTimeTooSkewed", Refused(() => Authenticate(Headers(), now: Then.AddMinutes(minutes))));

    [Fact]
    public void Header_that_changes_the_meaning_should_be_signed()
    {
        HeaderDictionary headers = Headers();
        headers["x-amz-acl"] = "public-read";
        Assert.Equal("AccessDenied", Refused(() => Authenticate(headers)));
    }

    [Fact]
    public void Request_without_credentials_should_be_nobody() => Assert.Null(Authenticate([]).Account);

    private static HeaderDictionary Headers() => new()
    {
        ["Host"] = "examplebucket.s3.amazonaws.com",
        ["Range"] = "bytes=0-9",
        ["x-amz-content-sha256"] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ["x-amz-date"] = "20130524T000000Z",
        ["Authorization"] = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            + $"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature={Signature}",
    };

    private static AuthResult Authenticate(HeaderDictionary headers, string target = "/test.txt", DateTimeOffset? now = null)
    {
        var accounts = new FixedAccounts([new AccessKey(
            "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", new Account("123456789012", "me", "c"))]);
        return new Authenticator(accounts, "us-east-1", new FixedTime(now ?? Then))
            .Authenticate("GET", RawTarget.Parse(target), headers);
    }

    private static string Refused(Action act) => Assert.Throws<S3Exception>(act).Error.Code;

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
