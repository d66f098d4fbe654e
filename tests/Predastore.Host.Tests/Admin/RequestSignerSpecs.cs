using Predastore.Host.Admin;
using Xunit;

namespace Predastore.Host.Tests.Admin;

public class RequestSignerSpecs
{
    /// <summary>
    /// The expected signature was computed by the published steps with another implementation (Python's hmac and hashlib).
    /// </summary>
    [Fact]
    public void Signature_should_match_an_independent_implementation()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "https://127.11.12.1:8443/_/status");

        RequestSigner.Sign(request, "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "ap-southeast-2",
            new DateTimeOffset(2013, 5, 24, 2, 0, 0, TimeSpan.FromHours(2)));

        Assert.Equal("127.11.12.1:8443", request.Headers.Host);
        Assert.Equal("20130524T000000Z", request.Headers.GetValues("x-amz-date").Single());
        Assert.Equal(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/ap-southeast-2/s3/aws4_request, "
            + "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=9762d938946eee4f2c3a1e01c45d482dbd9074aabc70642eaffe2a9cf162eb9b",
            request.Headers.GetValues("Authorization").Single());
    }
}
