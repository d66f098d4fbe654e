using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Cluster.Tests.Harness;
using Predastore.Shards.Protocol;
using Predastore.Shards.Transport;

namespace Predastore.Cluster.Tests;

/// <summary>What strangers and broken peers send to the control and data ports of running nodes: refused, and the node goes on.</summary>
[Collection(SharedCluster.Name)]
public sealed class HostileProbeSpecs(SharedCluster shared)
{
    private const int Target = 1;
    private const int Rounds = 32;
    private const int AtOnce = 8;
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(20);

    private S3Cluster Cluster => shared.Cluster;

    private (IPEndPoint At, SslApplicationProtocol Protocol)[] Ports =>
        [(At(ClusterFolder.ControlPort), ClusterTrust.ControlAlpn), (At(Cluster.DataPort(Target)), ClusterTrust.Alpn)];

    [Fact]
    public Task Strangers_should_be_refused_by_both_planes() => Cluster.RunAsync(async () =>
    {
        using DevelopmentCa ours = Ca();
        using DevelopmentCa other = DevelopmentCa.Create("another cluster");
        string[] hosts = [Cluster.Host(Target)];
        DateTimeOffset now = DateTimeOffset.UtcNow;
        using X509Certificate2 foreign = Certificate(other.IssueNode(2, hosts));
        using X509Certificate2 unknown = Certificate(ours.IssueNode(77, hosts));
        using X509Certificate2 expired = Certificate(ours.IssueNode(2, hosts, now.AddMinutes(-50), now.AddMinutes(-5)));

        foreach ((IPEndPoint port, SslApplicationProtocol protocol) in Ports)
        {
            await RepeatAsync(() => SendAsync(port, RandomNumberGenerator.GetBytes(Random.Shared.Next(1, 4000))));
            await RepeatAsync(() => SendAsync(port, Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n")));
            await RepeatAsync(() => SendAsync(port, []));
            foreach (X509Certificate2? shown in new[] { null, foreign, unknown, expired })
                await RepeatAsync(async () => Assert.False(await IsLetInAsync(port, shown, [], protocol), $"{port} {shown?.Subject}"));
        }
        await StillServesAsync("strangers");
    });

    [Fact]
    public Task Node_that_breaks_the_protocol_should_hurt_only_itself() => Cluster.RunAsync(async () =>
    {
        using DevelopmentCa ours = Ca();
        using X509Certificate2 member = Certificate(ours.IssueNode(3, [Cluster.Host(3)]));

        // The probe itself is sound: the same certificate and a true request are answered.
        Assert.True(await IsLetInAsync(Ports[1].At, member, Ping(), ClusterTrust.Alpn));
        Assert.False(await IsLetInAsync(Ports[1].At, member, Ping(), new SslApplicationProtocol("h2")));
        foreach ((IPEndPoint port, SslApplicationProtocol protocol) in Ports)
        {
            await RepeatAsync(() => IsLetInAsync(port, member, RandomNumberGenerator.GetBytes(3000), protocol));
            // A length of four gigabytes in front of nothing.
            await RepeatAsync(() => IsLetInAsync(port, member, [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0], protocol));
            await RepeatAsync(() => IsLetInAsync(port, member, LyingFrames(), protocol));
        }
        await StillServesAsync("members");
        Assert.InRange(Cluster.Process(Target).ResidentBytes, 1, 600L << 20);
    });

    private IPEndPoint At(int port) => new(IPAddress.Parse(Cluster.Host(Target)), port);

    private DevelopmentCa Ca() => DevelopmentCa.Import(
        File.ReadAllText(Cluster.Files.CaFile), File.ReadAllText(Cluster.Files["certs/ca-key.pem"]));

    private static X509Certificate2 Certificate(IssuedCertificate issued) =>
        X509Certificate2.CreateFromPem(issued.CertificatePem, issued.KeyPem);

    // Every frame type with a payload that means something else.
    private static byte[] LyingFrames()
    {
        var type = (FrameType)Random.Shared.Next(0, 0x40);
        byte[] payload = RandomNumberGenerator.GetBytes(Random.Shared.Next(0, 200));
        return Frame(type, payload);
    }

    private static byte[] Ping() => Frame(FrameType.Ping, []);

    private static byte[] Frame(FrameType type, byte[] payload)
    {
        byte[] bytes = new byte[FrameHeader.Size + payload.Length];
        new FrameHeader(type, true, payload.Length, 0).Write(bytes);
        payload.CopyTo(bytes, FrameHeader.Size);
        return bytes;
    }

    private async Task StillServesAsync(string bucket)
    {
        AmazonS3Client s3 = Cluster.Client(Target);
        byte[] content = RandomNumberGenerator.GetBytes(1 << 20);
        await s3.PutBucketAsync(bucket);
        await s3.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = "a", InputStream = new MemoryStream(content) });
        foreach (int node in Cluster.Nodes)
        {
            using GetObjectResponse response = await Cluster.Client(node).GetObjectAsync(bucket, "a");
            using var copy = new MemoryStream();
            await response.ResponseStream.CopyToAsync(copy);
            Assert.Equal(content, copy.ToArray());
            Assert.True(Cluster.IsRunning(node));
        }
    }

    private static Task RepeatAsync(Func<Task> probe) => Parallel.ForAsync(
        0, Rounds, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (_, cancel) => await probe().WaitAsync(ProbeTimeout, cancel));

    // The peer may cut in the middle of our write.
    private static async Task SendAsync(IPEndPoint port, byte[] bytes)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(port);
        try
        {
            await client.GetStream().WriteAsync(bytes);
        }
        catch (IOException)
        {
            // Refused is what it should be.
        }
    }

    // True if the peer took our certificate and answered the bytes with something.
    private async Task<bool> IsLetInAsync(IPEndPoint port, X509Certificate2? shown, byte[] bytes, SslApplicationProtocol protocol)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(port);
        await using var tls = new SslStream(client.GetStream());
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = NodeName.Of(Target),
                ApplicationProtocols = [protocol],
                CertificateChainPolicy = TrustedHttp.Trust(Cluster.Files.CaFile),
                ClientCertificateContext = shown is null ? null : SslStreamCertificateContext.Create(shown, null, offline: true),
            });
            await tls.WriteAsync(bytes);
            // With TLS 1.3 a refusal of the certificate comes after the client's handshake has ended. Garbage may be waited out.
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(bytes.Length == 0 ? 10 : 1));
            return await tls.ReadAsync(new byte[64], limit.Token) > 0;
        }
        catch (Exception e) when (e is IOException or AuthenticationException or OperationCanceledException)
        {
            // Silence is no refusal.
            return e is OperationCanceledException && bytes.Length == 0;
        }
    }
}
