using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Predastore.Http.Tests.Wire;

/// <summary>HTTP/2 as frames on a connection: a client library corrects or refuses what these tests send.</summary>
internal sealed class RawHttp2 : IAsyncDisposable
{
    private const byte Data = 0;
    private const byte Headers = 1;
    private const byte Reset = 3;
    private const byte Settings = 4;
    private const byte GoAway = 7;

    private readonly TcpClient _client;

    private RawHttp2(TcpClient client, SslStream stream) => (_client, Stream) = (client, stream);

    public SslStream Stream { get; }

    /// <summary>A connection on which nothing but the preface was sent.</summary>
    public static async Task<RawHttp2> ConnectAsync(WireDoor door)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(door.Https.Host, door.Https.Port);
        var tls = new SslStream(client.GetStream());
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "127.0.0.1", ApplicationProtocols = [SslApplicationProtocol.Http2], CertificateChainPolicy = door.Trust,
        });
        await tls.WriteAsync((byte[])[.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, 0, [])]);
        return new RawHttp2(client, tls);
    }

    /// <summary>length 3, type 1, flags 1, stream 4, then the payload; big-endian.</summary>
    public static byte[] Frame(byte type, byte flags, int stream, byte[] payload)
    {
        byte[] frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    /// <summary>Sends a call as stream 1 and answers its status, or 0 if the stream or the connection was ended instead.</summary>
    /// <param name="call">Signed for the door's HTTPS authority.</param>
    /// <param name="declared">Content-Length.</param>
    public async Task<int> SendAsync(S3Call call, long declared)
    {
        using var headers = new MemoryStream();
        Write(headers, ":method", call.Method);
        Write(headers, ":scheme", "https");
        Write(headers, ":path", call.Path);
        Write(headers, ":authority", call.Host);
        Write(headers, "content-length", $"{declared}");
        foreach (string line in call.Head.Split("\r\n", StringSplitOptions.RemoveEmptyEntries)[1..])
        {
            int colon = line.IndexOf(':');
            string name = line[..colon].ToLowerInvariant();
            if (name is not ("host" or "connection" or "content-length"))
                Write(headers, name, line[(colon + 2)..]);
        }

        // END_HEADERS, then END_STREAM.
        await Stream.WriteAsync((byte[])[.. Frame(Headers, 4, 1, headers.ToArray()), .. Frame(Data, 1, 1, call.Body)]);
        return await StatusAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Stream.DisposeAsync();
        _client.Dispose();
    }

    private async Task<int> StatusAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        byte[] head = new byte[9];
        while (await Stream.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, limit.Token) == head.Length)
        {
            byte[] payload = new byte[BinaryPrimitives.ReadInt32BigEndian(head) >> 8];
            await Stream.ReadExactlyAsync(payload, limit.Token);
            if (head[3] == Headers)
                return Status(payload);
            if (head[3] is Reset or GoAway)
                return 0;
        }

        return 0;
    }

    // Either a row of the static table, or its row of :status with three digits behind it.
    private static int Status(byte[] block) => block[0] switch
    {
        0x88 => 200, 0x89 => 204, 0x8A => 206, 0x8B => 304, 0x8C => 400, 0x8D => 404, 0x8E => 500,
        _ => int.Parse(Encoding.ASCII.GetString(block, 2, 3), null),
    };

    // A literal without indexing: 0, length and name, length and value, neither Huffman-coded.
    private static void Write(MemoryStream block, string name, string value)
    {
        block.WriteByte(0);
        foreach (string text in new[] { name, value })
        {
            int rest = text.Length - 127;
            block.WriteByte((byte)Math.Min(text.Length, 127));
            for (; rest >= 128; rest >>= 7)
                block.WriteByte((byte)((rest & 127) | 128));
            if (text.Length >= 127)
                block.WriteByte((byte)rest);
            block.Write(Encoding.Latin1.GetBytes(text));
        }
    }
}
