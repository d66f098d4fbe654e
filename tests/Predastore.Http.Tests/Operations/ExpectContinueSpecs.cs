using System.Net.Sockets;
using System.Text;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Http.Tests.Door;

namespace Predastore.Http.Tests.Operations;

/// <summary>Expect: 100-continue on a bare socket: what the door says before it reads a body.</summary>
public sealed class ExpectContinueSpecs : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private TestDoor _door = null!;

    public async Task InitializeAsync() => _door = await TestDoor.OpenAsync();

    public async Task DisposeAsync() => await _door.DisposeAsync();

    [Fact]
    public async Task Denied_request_should_be_refused_without_asking_for_its_body()
    {
        string bucket = await _door.BucketAsync();
        string answer = await SendAsync($"/{bucket}/k");
        Assert.StartsWith("HTTP/1.1 403", answer, StringComparison.Ordinal);

        // The client may send the body all the same: this connection must not take it for the next request.
        Assert.Contains("Connection: close", answer, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Allowed_request_should_be_asked_for_its_body()
    {
        string bucket = await _door.BucketAsync();
        await _door.AsMain().PutBucketAclAsync(new PutBucketAclRequest { BucketName = bucket, ACL = S3CannedACL.PublicReadWrite });
        Assert.StartsWith("HTTP/1.1 100", await SendAsync($"/{bucket}/k"), StringComparison.Ordinal);
    }

    private async Task<string> SendAsync(string path)
    {
        using var limit = new CancellationTokenSource(Limit);
        using var client = new TcpClient();
        await client.ConnectAsync(_door.Url.Host, _door.Url.Port, limit.Token);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes($"PUT {path} HTTP/1.1\r\nHost: {_door.Url.Authority}\r\nContent-Length: 123\r\nExpect: 100-continue\r\n\r\n"),
            limit.Token);
        byte[] buffer = new byte[4096];
        int count = await stream.ReadAsync(buffer, limit.Token);
        return Encoding.ASCII.GetString(buffer, 0, count);
    }
}
