using System.Net;
using System.Net.Sockets;
using System.Text;
using Predastore.Http.Hosting;
using Predastore.Http.Tests.Wire;

namespace Predastore.Http.Tests.Security;

/// <summary>
/// Requests that two readers could cut differently: refused, and the connection ended, so that nothing is left on it that could be
/// taken for the next request.
/// </summary>
public sealed class FramingSpecs(DoorFixture fixture) : IClassFixture<DoorFixture>
{
    private const string Smuggled = "GET /smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

    public static IEnumerable<object[]> Ambiguous =>
    [
        ["both framings", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
        ["both framings, the other order", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"],
        ["two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"],
        ["two equal lengths in one", "Content-Length: 5, 5\r\n\r\nhello"],
        ["a negative length", "Content-Length: -5\r\n\r\nhello"],
        ["a length in hex", "Content-Length: 0x5\r\n\r\nhello"],
        ["a length over all bounds", "Content-Length: 99999999999999999999\r\n\r\nhello"],
        ["a folded header", "X-A: 1\r\n Content-Length: 5\r\n\r\nhello"],
        ["a space before the colon", "Content-Length : 5\r\n\r\nhello"],
        ["a header without a colon", "Content-Length 5\r\n\r\nhello"],
        ["a coding other than chunked", "Transfer-Encoding: gzip\r\n\r\nhello"],
        ["chunked that is not the last coding", "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"],
        ["a bare line feed in a chunk extension", "Transfer-Encoding: chunked\r\n\r\n5;\nxx\r\nhello\r\n0\r\n\r\n"],
        ["a bare carriage return in a header", "X-A: 1\rContent-Length: 5\r\n\r\nhello"],
        ["NUL in a header", "X-A: \0\r\nContent-Length: 0\r\n\r\n"],
        ["a chunk size over all bounds", "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n"],
        ["a chunk longer than it says", "Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n"],
        ["no host", ""],
        ["two hosts", "Host: 127.0.0.2\r\nContent-Length: 0\r\n\r\n"],
    ];

    [Theory]
    [MemberData(nameof(Ambiguous))]
    public async Task S15_CVE_2025_55315_ambiguous_framing_should_be_refused_and_end_the_connection(string what, string rest)
    {
        // Signed as far as that goes, so that the body would be read: a route that stores.
        S3Call put = fixture.Door.Call("PUT", $"/{DoorFixture.Bucket}/{DoorFixture.Key}") with
        {
            Payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER", Headers = [("x-amz-decoded-content-length", "5")], Length = -1,
            BendHead = head =>
            {
                string open = head.Replace("Connection: close\r\n", "", StringComparison.Ordinal);
                return what == "no host" ? open.Replace("Host: 127.0.0.1\r\n", "Content-Length: 0\r\n", StringComparison.Ordinal) : open[..^2] + rest;
            },
        };
        string answers = await ConverseAsync(put.Head + Smuggled);
        Assert.StartsWith("HTTP/1.1 4", answers);
        Assert.Equal(1, answers.Split("HTTP/1.1 ").Length - 1);
        await fixture.AssertKeptAsync();
    }

    [Fact]
    public async Task S15_http2_body_other_than_its_length_should_be_refused()
    {
        S3Call put = fixture.Door.Call("PUT", $"/{DoorFixture.Bucket}/{DoorFixture.Key}", "ten bytes!"u8.ToArray()) with
        {
            Payload = "UNSIGNED-PAYLOAD", Host = fixture.Door.Https.Authority,
        };
        foreach (long declared in new[] { 3L, 9L, 11L, 30L })
        {
            await using RawHttp2 http2 = await RawHttp2.ConnectAsync(fixture.Door);
            int status = await http2.SendAsync(put, declared);
            Assert.True(status is 0 or >= 400 and < 500, $"{status} for {declared} bytes");
        }

        await fixture.AssertKeptAsync();
    }

    [Fact]
    public async Task S15_http2_body_of_its_length_should_be_taken()
    {
        await using RawHttp2 http2 = await RawHttp2.ConnectAsync(fixture.Door);
        S3Call put = fixture.Door.Call("PUT", $"/{DoorFixture.Bucket}/http2", "ten bytes!"u8.ToArray()) with { Host = fixture.Door.Https.Authority };
        Assert.Equal(200, await http2.SendAsync(put, 10));
    }

    [Fact]
    public async Task Both_http_versions_over_tls_should_carry_the_same_requests()
    {
        foreach (Version version in new[] { HttpVersion.Version11, HttpVersion.Version20 })
        {
            using HttpClient client = fixture.Door.Client();
            S3Call put = fixture.Door.Call("PUT", $"/{DoorFixture.Bucket}/over-tls", Encoding.UTF8.GetBytes(version.ToString())) with { Host = fixture.Door.Https.Authority };
            using HttpRequestMessage sent = Message(put, version);
            sent.Content = new ByteArrayContent(put.Body);
            using HttpResponseMessage stored = await client.SendAsync(sent);
            Assert.Equal((HttpStatusCode.OK, version), (stored.StatusCode, stored.Version));
            using HttpRequestMessage asked = Message(put with { Method = "GET", Body = [] }, version);
            using HttpResponseMessage got = await client.SendAsync(asked);
            Assert.Equal(version.ToString(), await got.Content.ReadAsStringAsync());
        }
    }

    [Theory]
    [InlineData("9.0.9", ".NET 9.0.9")]
    [InlineData("10.0.0", ".NET 10.0.0-rc.1.25451.107")]
    public void S15_CVE_2025_55315_runtime_without_the_fix_should_be_refused(string version, string description)
        => Assert.Throws<NotSupportedException>(() => RuntimeFloor.Check(Version.Parse(version), description));

    private static HttpRequestMessage Message(S3Call call, Version version)
    {
        var request = new HttpRequestMessage(new HttpMethod(call.Method), call.Path) { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        foreach (string line in call.Head.Split("\r\n", StringSplitOptions.RemoveEmptyEntries)[1..])
        {
            int colon = line.IndexOf(':');
            string name = line[..colon];
            if (name is not ("Host" or "Connection" or "Content-Length"))
                request.Headers.TryAddWithoutValidation(name, line[(colon + 1)..].Trim());
        }

        return request;
    }

    private async Task<string> ConverseAsync(string bytes)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(8));
        using var client = new TcpClient();
        await client.ConnectAsync(fixture.Door.Plain, limit.Token);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(bytes), limit.Token);
        using var answers = new MemoryStream();
        try
        {
            await stream.CopyToAsync(answers, limit.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // A reset after the answer: there were bytes that it did not read. Or it kept the connection, which the caller will see.
        }

        return Encoding.Latin1.GetString(answers.ToArray());
    }
}
