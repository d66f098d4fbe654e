using Predastore.Http.Tests.Wire;

namespace Predastore.Http.Tests.Operations;

/// <summary>A version id that was lost on the way does not mean the current version.</summary>
public sealed class VersionIdSpecs(DoorFixture fixture) : IClassFixture<DoorFixture>
{
    private const string Object = $"/{DoorFixture.Bucket}/{DoorFixture.Key}";

    [Theory]
    [InlineData("GET", "")]
    [InlineData("HEAD", "")]
    [InlineData("DELETE", "")]
    [InlineData("GET", "acl=")]
    [InlineData("GET", "tagging=")]
    [InlineData("DELETE", "tagging=")]
    [InlineData("GET", "attributes=")]
    public async Task Empty_version_id_should_be_refused(string method, string subresource)
    {
        S3Call call = fixture.Door.Call(method, Object) with
        {
            Headers = subresource == "attributes=" ? [("x-amz-object-attributes", "ETag")] : [],
        };
        foreach (string empty in new[] { "versionId=", "versionId" })
        {
            RawAnswer answer = await (call with { Query = subresource.Length > 0 ? [subresource, empty] : [empty] }).SendAsync();
            Assert.Equal((400, method == "HEAD" ? "" : "InvalidArgument"), (answer.Status, answer.Code));
            if (method != "HEAD")
                Assert.Equal("Version id cannot be the empty string", answer.Element("Message"));
        }

        await fixture.AssertKeptAsync();
    }

    [Fact]
    public async Task Empty_version_id_of_a_copy_source_should_be_refused()
    {
        S3Call copy = fixture.Door.Call("PUT", $"/{DoorFixture.Bucket}/copy") with { Headers = [("x-amz-copy-source", $"{Object}?versionId=")] };
        RawAnswer answer = await copy.SendAsync();
        Assert.Equal((400, "InvalidArgument", "Version id cannot be the empty string"), (answer.Status, answer.Code, answer.Element("Message")));
    }
}
