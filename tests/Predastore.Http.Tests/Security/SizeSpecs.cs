using System.Net.Sockets;
using System.Text;
using Predastore.Http.Tests.Wire;

namespace Predastore.Http.Tests.Security;

/// <summary>Declared sizes cost nothing, and sizes over the limits are refused before a byte of them is read.</summary>
public sealed class SizeSpecs(DoorFixture fixture) : IClassFixture<DoorFixture>
{
    private const long ObjectBytesMax = 5L << 30;
    private const int Declarations = 1000;
    private const int Batches = 10;

    private S3Call Put => fixture.Door.Call("PUT", $"/{DoorFixture.Bucket}/{DoorFixture.Key}") with { Payload = "UNSIGNED-PAYLOAD" };

    [Fact]
    public async Task S16_thousand_declarations_of_5_TiB_without_a_body_should_allocate_nothing_of_it()
    {
        S3Call whole = Put with { Length = 5L << 40 };
        S3Call chunked = Put with { Payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER", Headers = [("x-amz-decoded-content-length", $"{5L << 40}")], Length = 5L << 40 };
        Assert.Equal("EntityTooLarge", (await whole.SendAsync()).Code);
        Assert.Equal("EntityTooLarge", (await chunked.SendAsync()).Code);
        int bodies = fixture.Door.Store.Bodies;
        long least = long.MaxValue;
        for (int batch = 0; batch < Batches; batch++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int i = 0; i < Declarations / Batches / 2; i++)
            {
                Assert.Equal(400, (await whole.SendAsync()).Status);
                Assert.Equal(400, (await chunked.SendAsync()).Status);
            }

            least = Math.Min(least, (GC.GetTotalAllocatedBytes(precise: true) - before) / (Declarations / Batches));
        }

        // What a small request costs, on both sides of the connection; other tests that run meanwhile allocate too, though not in every batch.
        Assert.InRange(least, 0, 256 << 10);
        Assert.Equal(bodies, fixture.Door.Store.Bodies);
        await fixture.AssertKeptAsync();
    }

    /// <summary>As large as is allowed, so that it is accepted and waited for.</summary>
    [Fact]
    public async Task S16_open_uploads_that_declare_5_GiB_should_hold_no_memory_of_it()
    {
        const int uploads = 64;
        int bodies = fixture.Door.Store.Bodies;
        string head = (Put with { Length = ObjectBytesMax }).Head;
        var clients = new List<TcpClient>();
        try
        {
            GC.Collect();
            long before = GC.GetTotalMemory(forceFullCollection: true);
            for (int i = 0; i < uploads; i++)
            {
                var client = new TcpClient();
                clients.Add(client);
                await client.ConnectAsync(fixture.Door.Plain);
                await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(head));
            }

            await Waiting.UntilAsync(() => fixture.Door.Store.Bodies - bodies == uploads, "all uploads are open");
            // What other tests hold meanwhile goes; what the uploads hold would stay.
            await Waiting.UntilAsync(
                () => (GC.GetTotalMemory(forceFullCollection: true) - before) / uploads <= 512 << 10, "at most 512 KiB held by each upload");
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }

        await fixture.AssertKeptAsync();
    }

    [Fact]
    public async Task S16_object_over_5_GiB_should_be_refused_unread()
    {
        RawAnswer answer = await (Put with { Length = ObjectBytesMax + 1 }).SendAsync();
        Assert.Equal((400, "EntityTooLarge"), (answer.Status, answer.Code));
        S3Call part = Put with { Length = ObjectBytesMax + 1, Path = $"/{DoorFixture.Bucket}/upload", Query = ["partNumber=1", $"uploadId={fixture.UploadId}"] };
        Assert.Equal("EntityTooLarge", (await part.SendAsync()).Code);
    }

    [Fact]
    public async Task S16_body_without_a_length_should_be_refused()
    {
        RawAnswer none = await (Put with { Length = -1 }).SendAsync();
        Assert.Equal((411, "MissingContentLength"), (none.Status, none.Code));
        S3Call undeclared = Put with { Payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER", Body = "0\r\n\r\n"u8.ToArray() };
        Assert.Equal("MissingContentLength", (await undeclared.SendAsync()).Code);
        await fixture.AssertKeptAsync();
    }

    [Theory]
    [InlineData("delete")]
    [InlineData("uploadId")]
    public async Task S16_document_without_a_length_should_be_read_up_to_its_limit(string query)
    {
        const int bytes = 6 << 20;
        S3Call call = fixture.Door.Call("POST", query == "delete" ? $"/{DoorFixture.Bucket}" : $"/{DoorFixture.Bucket}/upload") with
        {
            Query = [query == "delete" ? query : $"{query}={fixture.UploadId}"], Payload = "UNSIGNED-PAYLOAD", Length = -1,
            Headers = [("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg==")],
            BendHead = head => head[..^2] + $"Transfer-Encoding: chunked\r\n\r\n{bytes:x}\r\n",
            Body = new byte[bytes],
        };
        RawAnswer answer = await call.SendAsync();
        Assert.InRange(answer.Status, 400, 499);
        Assert.Contains(answer.Code, new[] { "EntityTooLarge", "MalformedXML" });
    }

    [Fact]
    public async Task S16_headers_over_8_KiB_should_be_refused()
    {
        S3Call put = Put with { Unsigned = [("X-Large", new string('x', 9000))] };
        RawAnswer answer = await put.SendAsync();
        Assert.Equal((400, "RequestHeaderSectionTooLarge"), (answer.Status, answer.Code));
        Assert.Equal(431, (await (put with { Unsigned = [("X-Larger", new string('x', 40_000))] }).SendAsync()).Status);
        Assert.Equal(431, (await (put with { Unsigned = [.. Enumerable.Range(0, 400).Select(i => ($"X-{i}", ""))] }).SendAsync()).Status);
        Assert.Equal(414, (await (put with { Path = "/" + new string('x', 20_000) }).SendAsync()).Status);
        await fixture.AssertKeptAsync();
    }

    [Fact]
    public async Task S16_metadata_over_2_KiB_should_be_refused_and_2_KiB_taken()
    {
        S3Call small = Put with { Path = $"/{DoorFixture.Bucket}/meta", Headers = [("x-amz-meta-a", new string('m', 2047))] };
        Assert.Equal(200, (await small.SendAsync()).Status);
        RawAnswer answer = await (Put with { Headers = [("x-amz-meta-a", new string('m', 2048))] }).SendAsync();
        Assert.Equal((400, "MetadataTooLarge"), (answer.Status, answer.Code));
        S3Call many = Put with { Path = $"/{DoorFixture.Bucket}/meta", Headers = [.. Enumerable.Range(0, 200).Select(i => ($"x-amz-meta-{i}", "1"))] };
        Assert.Equal(200, (await many.SendAsync()).Status);
        await fixture.AssertKeptAsync();
    }

    [Fact]
    public async Task Refusal_should_come_without_100_Continue()
    {
        S3Call put = Put with { Length = 10, Unsigned = [("Expect", "100-continue")] };
        Assert.Equal(403, (await ContinueAsync(put with { Key = null })).Status);
        Assert.Equal(412, (await ContinueAsync(put with { Headers = [("If-None-Match", "*")] })).Status);
        Assert.Equal(100, (await ContinueAsync(put)).Status);
        await fixture.AssertKeptAsync();
    }

    // The first answer, be it interim or not.
    private async Task<RawAnswer> ContinueAsync(S3Call call)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        using var client = new TcpClient();
        await client.ConnectAsync(fixture.Door.Plain, limit.Token);
        await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(call.Head), limit.Token);
        byte[] first = new byte[12];
        await client.GetStream().ReadExactlyAsync(first, limit.Token);
        return new RawAnswer(int.Parse(first.AsSpan(9), null), new Dictionary<string, string>(), "");
    }
}
