using System.Text;
using Predastore.Http.Tests.Wire;

namespace Predastore.Http.Tests.Security;

/// <summary>Keys are opaque: no spelling of one reaches another object, another bucket, or the inside of the server.</summary>
public sealed class KeySpecs(DoorFixture fixture) : IClassFixture<DoorFixture>
{
    public static IEnumerable<object[]> Keys =>
    [
        ["../other/o", "../other/o"], ["../../etc/passwd", "../../etc/passwd"], ["a/../kept", "a/../kept"], ["./kept", "./kept"],
        ["a/%2e%2e/b", "a/../b"], ["%2e%2e%2fprivate%2fkept", "../private/kept"], ["a%2Fb", "a/b"], ["%5c..%5ckept", "\\..\\kept"],
        ["//kept", "//kept"], ["kept/", "kept/"], ["kept%3Facl", "kept?acl"], ["kept%23", "kept#"], ["a+b", "a+b"], ["a%20b", "a b"],
        ["%25", "%"], ["%252e%252e", "%2e%2e"], ["a%0Ab", "a\nb"], ["%F0%9F%98%80", "\U0001F600"], ["_/admin", "_/admin"], [".", "."], ["..", ".."],
    ];

    [Theory]
    [MemberData(nameof(Keys))]
    public async Task S8_key_should_name_itself_and_nothing_else(string raw, string key)
    {
        string canonical = Canonical(raw);
        S3Call put = fixture.Door.Call("PUT", $"/{DoorFixture.Bucket}/{canonical}", Encoding.UTF8.GetBytes(key)) with
        {
            BendHead = head => head.Replace($"/{canonical} HTTP", $"/{raw} HTTP", StringComparison.Ordinal),
        };
        Assert.Equal(200, (await put.SendAsync()).Status);
        RawAnswer got = await fixture.Door.Call("GET", $"/{DoorFixture.Bucket}/{canonical}").SendAsync();
        Assert.Equal((200, key), (got.Status, got.Body));
        RawAnswer listed = await (fixture.Door.Call("GET", $"/{DoorFixture.Bucket}") with
        {
            Query = ["encoding-type=url", $"prefix={Uri.EscapeDataString(key)}"],
        }).SendAsync();
        Assert.Contains($"<Key>{Uri.EscapeDataString(key).Replace("%2F", "/", StringComparison.Ordinal)}</Key>", listed.Body);
        await fixture.AssertKeptAsync();
    }

    [Theory]
    [InlineData("a%00b", "InvalidArgument")]
    [InlineData("a%", "InvalidURI")]
    [InlineData("a%2", "InvalidURI")]
    [InlineData("a%zz", "InvalidURI")]
    [InlineData("%ff", "InvalidURI")]
    [InlineData("%c0%af", "InvalidURI")]
    [InlineData("%ed%a0%80", "InvalidURI")]
    public async Task S8_key_that_is_no_text_should_be_refused(string raw, string code)
    {
        foreach (string method in new[] { "GET", "PUT", "DELETE" })
        {
            RawAnswer answer = await fixture.Door.Call(method, $"/{DoorFixture.Bucket}/{raw}").SendAsync();
            Assert.Equal(400, answer.Status);
            // NUL is refused by the web server itself, which knows no documents.
            Assert.Contains(answer.Code, raw.Contains("%00", StringComparison.Ordinal) ? new[] { code, "" } : [code]);
        }
    }

    [Fact]
    public async Task S8_key_of_1025_bytes_should_be_refused_and_one_of_1024_taken()
    {
        RawAnswer answer = await fixture.Door.Call("PUT", $"/{DoorFixture.Bucket}/{new string('k', 1025)}").SendAsync();
        Assert.Equal((400, "KeyTooLongError"), (answer.Status, answer.Code));
        string wide = string.Concat(Enumerable.Repeat("%C3%BC", 512));
        Assert.Equal(200, (await fixture.Door.Call("PUT", $"/{DoorFixture.Bucket}/{wide}").SendAsync()).Status);
        Assert.Equal("KeyTooLongError", (await fixture.Door.Call("PUT", $"/{DoorFixture.Bucket}/{wide}k").SendAsync()).Code);
    }

    [Theory]
    [InlineData("/private/kept%3FversionId%3D..%2F..%2Fx", "NoSuchKey")]
    [InlineData("/private/../private/absent", "NoSuchKey")]
    [InlineData("/private/kept?versionId=../../x", "InvalidArgument")]
    [InlineData("/private/kept%00", "InvalidArgument")]
    [InlineData("/private", "InvalidArgument")]
    [InlineData("/", "InvalidArgument")]
    [InlineData("/private/%zz", "InvalidArgument")]
    public async Task S8_copy_source_should_name_one_key_or_be_refused(string source, string code)
    {
        S3Call copy = fixture.Door.Call("PUT", $"/{DoorFixture.Bucket}/copied") with { Headers = [("x-amz-copy-source", source)] };
        Assert.Equal(code, (await copy.SendAsync()).Code);
        Assert.Equal(404, (await fixture.Door.Call("GET", $"/{DoorFixture.Bucket}/copied").SendAsync()).Status);
    }

    [Fact]
    public async Task S8_header_value_that_no_answer_could_carry_should_be_refused_before_it_is_stored()
    {
        foreach (string name in new[] { "x-amz-meta-a", "Content-Type", "Cache-Control", "Content-Disposition" })
        {
            S3Call put = fixture.Door.Call("PUT", $"/{DoorFixture.Bucket}/{DoorFixture.Key}", "x"u8.ToArray()) with { Headers = [(name, "a\u0001b")] };
            Assert.Equal(400, (await put.SendAsync()).Status);
        }

        S3Call get = fixture.Door.Call("GET", $"/{DoorFixture.Bucket}/{DoorFixture.Key}") with { Query = ["response-content-type=a%0D%0Ax-evil%3A%201"] };
        RawAnswer answer = await get.SendAsync();
        Assert.Equal((400, "InvalidArgument"), (answer.Status, answer.Code));
        Assert.DoesNotContain("x-evil", answer.Headers.Keys);
        await fixture.AssertKeptAsync();
    }

    [Fact]
    public async Task Virtual_host_should_name_the_bucket_and_leave_the_whole_path_to_the_key()
    {
        foreach (string path in new[] { "/kept", "/_/health/live", "/private/kept", "/a//b" })
        {
            S3Call put = fixture.Door.Call("PUT", path, Encoding.UTF8.GetBytes(path)) with { Host = $"{DoorFixture.Bucket}.{WireDoor.Domain}:8443" };
            if (path != "/kept")
                Assert.Equal(200, (await put.SendAsync()).Status);
            RawAnswer got = await fixture.Door.Call("GET", $"/{DoorFixture.Bucket}{path}").SendAsync();
            Assert.Equal((200, path == "/kept" ? DoorFixture.Content : path), (got.Status, got.Body));
        }

        RawAnswer dotted = await (fixture.Door.Call("PUT", "/") with { Host = $"with.dots.{WireDoor.Domain}" }).SendAsync();
        Assert.Equal(200, dotted.Status);
        Assert.Equal(200, (await fixture.Door.Call("HEAD", "/with.dots").SendAsync()).Status);
        Assert.Contains("<Name>private</Name>", (await (fixture.Door.Call("GET", "/") with { Host = WireDoor.Domain }).SendAsync()).Body);
    }

    // What a client signs: unreserved characters as they are, all others escaped.
    private static string Canonical(string raw)
        => string.Join('/', raw.Split('/').Select(segment =>
            Uri.EscapeDataString(Uri.UnescapeDataString(segment.Replace("%2F", "\u0001", StringComparison.OrdinalIgnoreCase)))
                .Replace("%01", "%2F", StringComparison.Ordinal)));
}
