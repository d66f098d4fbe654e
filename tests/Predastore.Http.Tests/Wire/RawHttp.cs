using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Predastore.Http.Tests.Wire;

/// <summary>What came back. Status 0 means that the connection ended without an answer.</summary>
public sealed record RawAnswer(int Status, IReadOnlyDictionary<string, string> Headers, string Body)
{
    /// <summary>The Code of an error document; "" if there is none.</summary>
    public string Code => Element("Code");

    /// <summary>Text of the first element of that name; "" if there is none.</summary>
    public string Element(string name)
    {
        int start = Body.IndexOf($"<{name}>", StringComparison.Ordinal);
        int end = Body.IndexOf($"</{name}>", StringComparison.Ordinal);
        return start < 0 || end < 0 ? "" : Body[(start + name.Length + 2)..end];
    }

    public override string ToString() => $"{Status} {Code}";
}

/// <summary>HTTP/1.1 as bytes on a socket: no client library would send what these tests send.</summary>
internal static class RawHttp
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public static Task<RawAnswer> SendAsync(IPEndPoint door, string head, byte[] body)
        => SendAsync(door, [.. Encoding.Latin1.GetBytes(head), .. body]);

    public static async Task<RawAnswer> SendAsync(IPEndPoint door, byte[] bytes)
    {
        using var limit = new CancellationTokenSource(Limit);
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(door, limit.Token);
        NetworkStream stream = client.GetStream();
        Task sending = SendAllAsync(stream, bytes, limit.Token);
        RawAnswer answer = await ReadAsync(stream, bytes.AsSpan().StartsWith("HEAD "u8), limit.Token);
        client.Close();
        await sending;
        return answer;
    }

    /// <summary>Reads one answer, up to the end of the connection if it does not say how long it is.</summary>
    public static async Task<RawAnswer> ReadAsync(Stream stream, bool isHead, CancellationToken cancel)
    {
        using var received = new MemoryStream();
        byte[] buffer = new byte[16 << 10];
        int headEnd = -1;
        while (true)
        {
            int count;
            try
            {
                count = await stream.ReadAsync(buffer, cancel);
            }
            catch (IOException)
            {
                count = 0;
            }

            received.Write(buffer, 0, count);
            ReadOnlySpan<byte> all = received.GetBuffer().AsSpan(0, (int)received.Length);
            headEnd = headEnd >= 0 ? headEnd : HeadEnd(all);
            if (count == 0)
                return headEnd < 0 ? new RawAnswer(0, new Dictionary<string, string>(), "") : Parse(all, headEnd, isHead);
            if (headEnd >= 0 && IsWhole(all, headEnd, isHead))
                return Parse(all, headEnd, isHead);
        }
    }

    // Skips interim answers: 100 Continue.
    private static int HeadEnd(ReadOnlySpan<byte> all)
    {
        int end = all.IndexOf("\r\n\r\n"u8);
        if (end < 0 || !all.StartsWith("HTTP/1.1 1"u8))
            return end;
        int next = all[(end + 4)..].IndexOf("\r\n\r\n"u8);
        return next < 0 ? -1 : end + 4 + next;
    }

    private static bool IsWhole(ReadOnlySpan<byte> all, int headEnd, bool isHead)
    {
        (int status, Dictionary<string, string> headers) = Head(all, headEnd);
        if (isHead || status is 204 or 304)
            return true;
        ReadOnlySpan<byte> body = all[(headEnd + 4)..];
        return headers.TryGetValue("Content-Length", out string? length)
            ? body.Length >= int.Parse(length, null)
            : headers.ContainsKey("Transfer-Encoding") && body.EndsWith("0\r\n\r\n"u8);
    }

    private static RawAnswer Parse(ReadOnlySpan<byte> all, int headEnd, bool isHead)
    {
        (int status, Dictionary<string, string> headers) = Head(all, headEnd);
        string body = isHead ? "" : Encoding.Latin1.GetString(all[(headEnd + 4)..]);
        if (headers.ContainsKey("Transfer-Encoding"))
            body = Dechunk(body);
        return new RawAnswer(status, headers, Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(body)));
    }

    private static (int Status, Dictionary<string, string> Headers) Head(ReadOnlySpan<byte> all, int headEnd)
    {
        string[] lines = Encoding.Latin1.GetString(all[..headEnd]).Split("\r\n");
        int first = Array.FindLastIndex(lines, line => line.StartsWith("HTTP/1.1 ", StringComparison.Ordinal));
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (string line in lines[(first + 1)..])
        {
            int colon = line.IndexOf(':');
            headers[line[..colon]] = line[(colon + 1)..].Trim(' ');
        }

        return (int.Parse(lines[first].AsSpan(9, 3), null), headers);
    }

    private static string Dechunk(string body)
    {
        var text = new StringBuilder();
        while (body.IndexOf("\r\n", StringComparison.Ordinal) is > 0 and int line)
        {
            int size = int.Parse(body.AsSpan(0, line), System.Globalization.NumberStyles.HexNumber, null);
            if (size == 0)
                break;
            text.Append(body.AsSpan(line + 2, Math.Min(size, body.Length - line - 2)));
            body = body[Math.Min(body.Length, line + 2 + size + 2)..];
        }

        return text.ToString();
    }

    private static async Task SendAllAsync(NetworkStream stream, byte[] bytes, CancellationToken cancel)
    {
        try
        {
            await stream.WriteAsync(bytes, cancel);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The door refused before it had read everything.
        }
    }
}
