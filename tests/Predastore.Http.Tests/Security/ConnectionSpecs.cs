using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Predastore.Http.Hosting;
using Predastore.Http.Tests.Wire;

namespace Predastore.Http.Tests.Security;

/// <summary>
/// Clients that hold connections, send slowly, or stop: cut in time, each by the limit that is meant for it. Limits are short here; what
/// they are by default is pinned below.
/// </summary>
public sealed class ConnectionSpecs : IAsyncLifetime
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly S3Limits Limits = new()
    {
        ConnectionsMax = 20, Handshake = Short, Headers = Short, Idle = Short, BodyIdle = Short, RateGrace = TimeSpan.FromSeconds(2), BodyBytesPerSecondMin = 100,
        AnswerBytesPerSecondMin = 16 << 20,
    };

    private WireDoor? _door;

    private WireDoor Door => _door!;

    private S3Call Put => Door.Call("PUT", "/bucket/key") with { Payload = "UNSIGNED-PAYLOAD" };

    public async Task InitializeAsync()
    {
        _door = await WireDoor.StartAsync(Limits);
        Assert.Equal(200, (await Door.Call("PUT", "/bucket").SendAsync()).Status);
        Assert.Equal(200, (await Door.Call("PUT", "/bucket/key", "old"u8.ToArray()).SendAsync()).Status);
    }

    public async Task DisposeAsync()
    {
        if (_door is not null)
            await _door.DisposeAsync();
    }

    [Fact]
    public void S17_every_limit_should_be_what_the_product_promises()
    {
        var limits = new S3Limits();
        Assert.Equal(TimeSpan.FromSeconds(10), limits.Headers);
        Assert.Equal(TimeSpan.FromSeconds(10), limits.Handshake);
        Assert.Equal(TimeSpan.FromSeconds(120), limits.Idle);
        Assert.Equal(TimeSpan.FromSeconds(30), limits.BodyIdle);
        Assert.Equal((20_000, 1_000), (limits.ConnectionsMax, limits.IdleConnectionsMax));
        Assert.Equal((8192, 128), (limits.HeaderBytesMax, limits.StreamsPerConnectionMax));
        Assert.Equal((100, 100, 30), (limits.BodyBytesPerSecondMin, limits.AnswerBytesPerSecondMin, limits.RateGrace.TotalSeconds));
    }

    [Fact]
    public async Task S17_CVE_2022_31028_idle_connections_should_be_ended()
    {
        var clients = new List<TcpClient>();
        try
        {
            for (int i = 0; i < Limits.ConnectionsMax; i++)
            {
                var client = new TcpClient();
                clients.Add(client);
                await client.ConnectAsync(Door.Plain);
            }

            foreach (TcpClient client in clients)
                Assert.InRange(await EndAsync(client), TimeSpan.Zero, Patience);
            await KeptAsync();
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    [Fact]
    public async Task F20_longest_idle_connections_should_make_room_and_requests_go_on()
    {
        await using WireDoor door = await WireDoor.StartAsync(new S3Limits { IdleConnectionsMax = 3 });
        Assert.Equal(200, (await door.Call("PUT", "/bucket").SendAsync()).Status);
        int before = door.Store.Bodies;
        var clients = new List<TcpClient>();
        try
        {
            S3Call put = door.Call("PUT", "/bucket/key") with { Payload = "UNSIGNED-PAYLOAD", Length = 10 };
            clients.Add(await SendAsync(Encoding.Latin1.GetBytes(put.Head), door));
            await Waiting.UntilAsync(() => door.Store.Bodies > before, "the oldest connection has a request");
            byte[] live = "GET /_/health/live HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray();
            for (int i = 0; i < 5; i++)
            {
                clients.Add(await SendAsync(live, door));
                Assert.Equal(200, (await AnswerAsync(clients[^1])).Status);
            }

            await Waiting.UntilAsync(() => clients.Count(IsEnded) == 2, "two of five have made room");
            Assert.False(IsEnded(clients[0]) || IsEnded(clients[^1]));
            foreach (TcpClient client in clients[1..].Where(client => !IsEnded(client)))
            {
                await client.GetStream().WriteAsync(live);
                Assert.Equal(200, (await AnswerAsync(client)).Status);
            }

            await clients[0].GetStream().WriteAsync(new byte[10]);
            Assert.Equal(200, (await AnswerAsync(clients[0])).Status);
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    [Fact]
    public async Task F20_longest_idle_connection_of_http2_should_make_room()
    {
        await using WireDoor door = await WireDoor.StartAsync(new S3Limits { IdleConnectionsMax = 1 });
        await using RawHttp2 first = await RawHttp2.ConnectAsync(door);
        await using RawHttp2 second = await RawHttp2.ConnectAsync(door);
        await DrainAsync(first.Stream).WaitAsync(Patience);
    }

    [Fact]
    public async Task S17_connection_over_the_cap_should_be_closed_at_once()
    {
        var clients = new List<TcpClient>();
        try
        {
            // Each has a request under way, so that none ends meanwhile.
            Door.Store.BeforeBody = cancel => Task.Delay(Patience, cancel);
            for (int i = 0; i < Limits.ConnectionsMax; i++)
                clients.Add(await SendAsync(Encoding.Latin1.GetBytes((Put with { Length = 10 }).Head)));
            await Waiting.UntilAsync(() => Door.Store.Bodies > Limits.ConnectionsMax, "all connections are in use");
            using var one = new TcpClient();
            await one.ConnectAsync(Door.Plain);
            Assert.InRange(await EndAsync(one), TimeSpan.Zero, Short);
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
            Door.Store.BeforeBody = _ => Task.CompletedTask;
        }
    }

    [Fact]
    public async Task S17_slow_headers_should_be_cut()
    {
        using TcpClient client = await SendAsync("GET / HTTP/1.1\r\nHost: a\r\n"u8.ToArray());
        using var stop = new CancellationTokenSource();
        Task trickle = TrickleAsync(client, "X-A: 1\r\n"u8.ToArray(), stop.Token);
        Assert.InRange(await EndAsync(client), TimeSpan.Zero, Patience);
        await stop.CancelAsync();
        await trickle;
    }

    [Fact]
    public async Task S17_handshake_that_stops_should_be_cut()
    {
        foreach (byte[] begun in new byte[][] { [], [0x16, 0x03, 0x01, 0x02, 0x00, 0x01] })
        {
            using var client = new TcpClient { NoDelay = true };
            await client.ConnectAsync(Door.Https.Host, Door.Https.Port);
            await client.GetStream().WriteAsync(begun);
            Assert.InRange(await EndAsync(client), TimeSpan.Zero, Patience);
        }

        await KeptAsync();
    }

    [Fact]
    public async Task S17_reader_that_stops_should_be_cut()
    {
        byte[] large = new byte[32 << 20];
        Assert.Equal(200, (await Door.Call("PUT", "/bucket/large", large).SendAsync()).Status);
        using TcpClient client = await SendAsync(Encoding.Latin1.GetBytes(Door.Call("GET", "/bucket/large").Head));
        NetworkStream answer = client.GetStream();

        // What is written to a connection that the other side has ended comes back as an error.
        await Waiting.UntilAsync(() => !TrySend(client), "the connection is ended");
        Assert.InRange(await DrainAsync(answer), 0, large.Length - 1);
        await KeptAsync();
    }

    [Fact]
    public async Task S17_slow_body_should_be_cut_and_the_old_object_stay()
    {
        using TcpClient client = await SendAsync(Encoding.Latin1.GetBytes((Put with { Length = 100_000 }).Head));
        using var stop = new CancellationTokenSource();
        Task trickle = TrickleAsync(client, [1], stop.Token);
        Assert.InRange(await EndAsync(client), TimeSpan.Zero, Patience);
        await stop.CancelAsync();
        await trickle;
        await KeptAsync();
    }

    /// <summary>A rate over the whole body would let this one hold its upload for hours: it began fast.</summary>
    [Fact]
    public async Task F19_body_that_stops_should_be_abandoned_and_the_old_object_stay()
    {
        byte[] head = Encoding.Latin1.GetBytes((Put with { Length = 512 << 20 }).Head);
        using TcpClient client = await SendAsync([.. head, .. new byte[1 << 20]]);
        RawAnswer answer = await AnswerAsync(client);
        Assert.Equal((400, "RequestTimeout"), (answer.Status, answer.Code));
        await KeptAsync();
    }

    [Fact]
    public async Task F19_client_that_dies_in_its_body_should_leave_the_old_object()
    {
        int before = Door.Store.Bodies;
        for (int i = 0; i < 8; i++)
        {
            using TcpClient client = await SendAsync([.. Encoding.Latin1.GetBytes((Put with { Length = 1 << 20 }).Head), .. new byte[1000]]);
            await Waiting.UntilAsync(() => Door.Store.Bodies == before + i + 1, "the upload has begun");
            client.LingerState = new LingerOption(true, 0);
        }

        await KeptAsync();
    }

    [Fact]
    public async Task S17_http2_rapid_reset_should_end_the_connection()
    {
        const int resets = 100_000;
        await using RawHttp2 http2 = await RawHttp2.ConnectAsync(Door);
        Task<long> reading = DrainAsync(http2.Stream);
        int sent = 0;
        long started = Stopwatch.GetTimestamp();
        try
        {
            // GET / with :authority a, then RST_STREAM CANCEL at once.
            byte[] headers = [0x82, 0x84, 0x87, 0x41, 0x01, (byte)'a'];
            for (int id = 1; sent < resets; sent++, id += 2)
                await http2.Stream.WriteAsync((byte[])[.. RawHttp2.Frame(1, 5, id, headers), .. RawHttp2.Frame(3, 0, id, [0, 0, 0, 8])]);
        }
        catch (IOException)
        {
            // Cut off, as it should be.
        }

        await reading.WaitAsync(Patience);
        Assert.InRange(sent, 1, resets - 1);
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, Patience);
        await KeptAsync();
    }

    private static async Task<long> DrainAsync(Stream stream)
    {
        byte[] buffer = new byte[16 << 10];
        long total = 0;
        try
        {
            while (await stream.ReadAsync(buffer) is > 0 and int count)
                total += count;
        }
        catch (IOException)
        {
            // The other side has reset it.
        }

        return total;
    }

    private static bool IsEnded(TcpClient client) => client.Client.Poll(0, SelectMode.SelectRead) && client.Available == 0;

    private static bool TrySend(TcpClient client)
    {
        try
        {
            return client.Client.Send([0]) == 1;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    // The time until the other side ends the connection.
    private static async Task<TimeSpan> EndAsync(TcpClient client)
    {
        long started = Stopwatch.GetTimestamp();
        await DrainAsync(client.GetStream()).WaitAsync(Patience);
        return Stopwatch.GetElapsedTime(started);
    }

    private static async Task TrickleAsync(TcpClient client, byte[] bytes, CancellationToken stop)
    {
        try
        {
            while (!stop.IsCancellationRequested)
            {
                await client.GetStream().WriteAsync(bytes, stop);
                await Task.Delay(Short / 4, stop);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // Cut off, or told to stop.
        }
    }

    private async Task<TcpClient> SendAsync(byte[] bytes, WireDoor? door = null)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync((door ?? Door).Plain);
        await client.GetStream().WriteAsync(bytes);
        return client;
    }

    private static async Task<RawAnswer> AnswerAsync(TcpClient client)
    {
        using var limit = new CancellationTokenSource(Patience);
        return await RawHttp.ReadAsync(client.GetStream(), isHead: false, limit.Token);
    }

    private async Task KeptAsync()
    {
        // Connections that were just ended may still count.
        RawAnswer? answer = null;
        for (int i = 0; i < 50 && answer is not { Status: 200 }; i++)
        {
            if (i > 0)
                await Task.Delay(Short / 10);
            answer = await Door.Call("GET", "/bucket/key").SendAsync();
        }

        Assert.Equal((200, "old"), (answer!.Status, answer.Body));
    }
}
