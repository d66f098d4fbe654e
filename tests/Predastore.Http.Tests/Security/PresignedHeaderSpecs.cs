using System.Security.Cryptography;
using System.Text;
using Predastore.Http.Tests.Wire;

namespace Predastore.Http.Tests.Security;

/// <summary>Headers that a presigner moved into the query: taken as headers are, or refused.</summary>
public sealed class PresignedHeaderSpecs(DoorFixture fixture) : IClassFixture<DoorFixture>
{
    private const string Path = $"/{DoorFixture.Bucket}/moved";

    [Theory]
    [InlineData("x-amz-meta-colour")]
    [InlineData("X-Amz-Meta-Colour")]
    public async Task Name_should_mean_the_same_in_every_case(string name)
    {
        Assert.Equal(200, (await Put($"{name}=blue").SendAsync()).Status);
        Assert.Equal("blue", (await Get().SendAsync()).Headers.GetValueOrDefault("x-amz-meta-colour"));
    }

    [Theory]
    [InlineData("x-amz-meta-a%20b=1")]
    [InlineData("x-amz-meta-%C3%BC=1")]
    [InlineData("x-amz-meta-a%3A=1")]
    [InlineData("x-amz-meta-a%0D%0Ab=1")]
    [InlineData("X-Amz-Meta-%28=1")]
    [InlineData("x-amz-meta-a=1%0D%0Aset-cookie%3A%20a")]
    [InlineData("x-amz-meta-a=%00")]
    public async Task What_no_header_could_be_should_be_refused(string parameter)
    {
        RawAnswer answer = await Put(parameter).SendAsync();
        Assert.Equal((400, "InvalidArgument"), (answer.Status, answer.Code));
    }

    [Fact]
    public async Task Text_should_come_back_as_the_bytes_it_is_in_a_header()
    {
        Assert.Equal(200, (await Put("x-amz-meta-word=%E2%82%AC%C3%A0").SendAsync()).Status);
        RawAnswer answer = await Get().SendAsync();
        Assert.Equal((200, Encoding.Latin1.GetString("\u20AC\u00E0"u8)), (answer.Status, answer.Headers["x-amz-meta-word"]));
    }

    [Fact]
    public async Task Wish_for_checksums_should_be_heard()
    {
        Assert.Equal(200, (await Put().SendAsync()).Status);
        foreach (string name in new[] { "x-amz-checksum-mode", "X-Amz-Checksum-Mode" })
            Assert.Contains("x-amz-checksum-crc64nvme", (await Get($"{name}=ENABLED").SendAsync()).Headers.Keys);
        Assert.DoesNotContain("x-amz-checksum-crc64nvme", (await Get().SendAsync()).Headers.Keys);

        S3Call create = fixture.Door.Call("POST", Path) with
        {
            Proof = Proof.Query, Query = ["uploads=", "x-amz-checksum-algorithm=SHA256", "x-amz-checksum-type=COMPOSITE"],
        };
        RawAnswer upload = await create.SendAsync();
        Assert.Equal(("SHA256", "COMPOSITE"), (upload.Headers["x-amz-checksum-algorithm"], upload.Headers["x-amz-checksum-type"]));
    }

    /// <summary>SDKs put the checksum of the empty body there that they sign a URL with: S3 holds the upload against it, too.</summary>
    [Theory]
    [InlineData("x-amz-checksum-crc32=AAAAAA%3D%3D", "BadDigest")]
    [InlineData("X-Amz-Checksum-Crc32=AAAAAA%3D%3D", "BadDigest")]
    [InlineData("x-amz-checksum-md17=AAAA", "InvalidRequest")]
    [InlineData("x-amz-sdk-checksum-algorithm=CRC32", "")]
    public async Task Checksum_should_be_that_of_the_body(string parameter, string code)
        => Assert.Equal(code, (await Put(parameter).SendAsync()).Code);

    [Fact]
    public async Task Right_checksum_should_be_returned()
    {
        string sha256 = Convert.ToBase64String(SHA256.HashData("x"u8));
        RawAnswer answer = await Put($"x-amz-checksum-sha256={Uri.EscapeDataString(sha256)}").SendAsync();
        Assert.Equal((200, sha256), (answer.Status, answer.Headers.GetValueOrDefault("x-amz-checksum-sha256")));
    }

    private S3Call Put(params string[] query) => fixture.Door.Call("PUT", Path, "x"u8.ToArray()) with { Proof = Proof.Query, Query = query };

    private S3Call Get(params string[] query) => fixture.Door.Call("GET", Path) with { Proof = Proof.Query, Query = query };
}
