using System.Collections.Concurrent;
using System.Net;
using System.Net.Quic;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.Authentication;
using System.Text;
using Predastore.Shards.Protocol;
using Predastore.Shards.Tests.Protocol;
using Predastore.Shards.Transport;
using Xunit;

namespace Predastore.Shards.Tests.Transport;

/// <summary>Strangers at the shard port: refused, and the node serves its peers on.</summary>
public sealed class ListenerNegativeSpecs
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly MemoryShardService _service = new();
    private readonly ConcurrentQueue<string> _refused = new();

    public static TheoryData<TransportKind> Kinds => TransportHarness.NetworkKinds;

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Peer_of_another_ca_should_be_refused_by_both_sides(TransportKind kind)
    {
        await using TransportHarness harness = Start(kind);
        using DevelopmentCa other = DevelopmentCa.Create("test cluster");
        // The dialer refuses the listener.
        using (ClusterTrust foreign = ClusterTrustSpecs.TrustOf(other, 2)) await RefusedAsync(harness, kind, foreign);
        // A dialer that trusts the listener but shows another CA's certificate.
        IssuedCertificate forged = other.IssueNode(2, []);
        using (ClusterTrust half = HalfTrust(harness, forged)) await RefusedAsync(harness, kind, half);
        await StillServesAsync(harness);
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Expired_certificate_should_be_refused(TransportKind kind)
    {
        await using TransportHarness harness = Start(kind);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        IssuedCertificate expired = harness.Ca.IssueNode(2, [], now.AddMinutes(-30), now.AddMinutes(-10));
        // Its owner's clock is behind, so it does not notice itself.
        using ClusterTrust trust = ClusterTrust.Load(
            harness.Ca.CertificatePem, expired.CertificatePem, expired.KeyPem, new Clock(now.AddMinutes(-20)));
        await RefusedAsync(harness, kind, trust);
        await StillServesAsync(harness);
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Dialer_should_refuse_a_node_it_did_not_mean(TransportKind kind)
    {
        await using TransportHarness harness = Start(kind);
        var client = new ShardClient(harness.Transport);
        await Assert.ThrowsAnyAsync<TransportException>(async () => await client.PingAsync(harness.Peer with { Node = 3 }));
        Assert.Empty(_service.Peers);
        await StillServesAsync(harness);
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Client_without_certificate_should_be_refused(TransportKind kind)
    {
        await using TransportHarness harness = Start(kind);
        SslClientAuthenticationOptions options = harness.ClientTrust.ClientOptions(1);
        options.ClientCertificateContext = null;
        await RefusedRawAsync(harness, kind, options);
        Assert.NotEmpty(_refused);
        await StillServesAsync(harness);
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Client_with_another_alpn_should_be_refused(TransportKind kind)
    {
        await using TransportHarness harness = Start(kind);
        SslClientAuthenticationOptions other = harness.ClientTrust.ClientOptions(1);
        other.ApplicationProtocols = [SslApplicationProtocol.Http2];
        await RefusedRawAsync(harness, kind, other);
        if (kind == TransportKind.Tls)
        {
            SslClientAuthenticationOptions none = harness.ClientTrust.ClientOptions(1);
            none.ApplicationProtocols = null;
            await RefusedRawAsync(harness, kind, none);
        }
        await StillServesAsync(harness);
    }

    [Fact]
    public async Task Older_tls_should_be_refused()
    {
        await using TransportHarness harness = Start(TransportKind.Tls);
        SslClientAuthenticationOptions options = harness.ClientTrust.ClientOptions(1);
#pragma warning disable CA5398 // The old version is what is tested.
        options.EnabledSslProtocols = SslProtocols.Tls12;
#pragma warning restore CA5398
        await RefusedRawAsync(harness, TransportKind.Tls, options);
        await StillServesAsync(harness);
    }

    [Fact]
    public async Task Plain_http_and_garbage_should_be_closed()
    {
        await using TransportHarness harness = Start(TransportKind.Tls);
        byte[] garbage = new byte[300];
        new Random(3).NextBytes(garbage);
        foreach (byte[] bytes in new[] { Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), garbage, [] })
        {
            using Socket socket = await ConnectAsync(harness);
            await socket.SendAsync(bytes);
            socket.Shutdown(SocketShutdown.Send);
            Assert.Equal(0, await ReadToEndAsync(socket));
        }
        await StillServesAsync(harness);
    }

    [Fact]
    public async Task Silent_connection_should_be_cut_at_the_handshake_limit()
    {
        await using TransportHarness harness = Start(TransportKind.Tls, new TransportOptions { HandshakeTimeout = TimeSpan.FromMilliseconds(200) });
        using Socket socket = await ConnectAsync(harness);
        await ReadToEndAsync(socket).WaitAsync(Patience);
        await StillServesAsync(harness);
    }

    [Fact]
    public async Task Idle_connection_should_be_closed_and_replaced_unnoticed()
    {
        await using TransportHarness harness = Start(TransportKind.Tls, new TransportOptions { ConnectionIdle = TimeSpan.FromMilliseconds(100) });
        for (int i = 0; i < 3; i++)
        {
            await StillServesAsync(harness);
            await Task.Delay(200);
        }
    }

    [Fact]
    public async Task Flood_of_probes_should_leave_the_node_serving()
    {
        const int probes = 10_000;
        await using TransportHarness harness = Start(TransportKind.Tls);
        byte[] garbage = new byte[64];
        await Parallel.ForEachAsync(Enumerable.Range(0, probes), new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (i, cancel) =>
        {
            using Socket socket = await ConnectAsync(harness);
            if (i % 3 == 0) return;
            await socket.SendAsync(garbage, cancel);
        });
        await StillServesAsync(harness);
    }

    [Fact]
    public async Task Silent_strangers_beyond_the_bound_should_be_closed_at_once()
    {
        await using TransportHarness harness = Start(TransportKind.Tls, new TransportOptions { HandshakesPerListenerMax = 4 });
        var silent = new List<Socket>();
        try
        {
            for (int i = 0; i < 12; i++) silent.Add(await ConnectAsync(harness));
            Task[] closed = [.. silent.Select(s => (Task)ReadToEndAsync(s))];
            while (closed.Count(c => c.IsCompleted) < 8)
            {
                await Task.WhenAny(closed.Where(c => !c.IsCompleted)).WaitAsync(TimeSpan.FromSeconds(3));
            }
        }
        finally
        {
            foreach (Socket socket in silent) socket.Dispose();
        }
    }

    [SkippableFact]
    public async Task Garbage_datagrams_should_leave_quic_serving()
    {
        TransportHarness.SkipWithoutLibrary(TransportKind.Quic);
        await using TransportHarness harness = Start(TransportKind.Quic);
        var random = new Random(4);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        for (int i = 0; i < 2_000; i++)
        {
            byte[] datagram = new byte[random.Next(1, 1400)];
            random.NextBytes(datagram);
            await socket.SendToAsync(datagram, harness.Listener.Endpoint!);
        }
        await StillServesAsync(harness);
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Member_that_sends_garbage_should_get_an_error_and_lose_its_exchange_only(TransportKind kind)
    {
        await using TransportHarness harness = Start(kind);
        await using (ITransportStream stream = await harness.Transport.OpenAsync(harness.Peer, default))
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), last: true, default);
            using var reader = new FrameReader(stream);
            Assert.Equal(FrameType.Error, (await reader.NextAsync(default).AsTask().WaitAsync(Patience)).Type);
        }
        await StillServesAsync(harness);
    }

    private TransportHarness Start(TransportKind kind, TransportOptions? options = null)
    {
        TransportHarness.SkipWithoutLibrary(kind);
        return new TransportHarness(kind, new ShardServer(_service).HandleAsync, options, (_, reason) => _refused.Enqueue(reason));
    }

    // Trusts the harness's cluster, and shows a certificate that is not of it.
    private static ClusterTrust HalfTrust(TransportHarness harness, IssuedCertificate shown) =>
        ClusterTrust.LoadUnchecked(harness.Ca.CertificatePem, shown.CertificatePem, shown.KeyPem);

    private static async Task RefusedAsync(TransportHarness harness, TransportKind kind, ClusterTrust trust)
    {
        await using ITransport dialer = harness.Dialer(kind, trust);
        // With TLS 1.3 the dialer learns only from its first read that its own certificate was refused.
        await Assert.ThrowsAnyAsync<IOException>(async () => await new ShardClient(dialer).PingAsync(harness.Peer).AsTask().WaitAsync(Patience));
    }

    private static async Task RefusedRawAsync(TransportHarness harness, TransportKind kind, SslClientAuthenticationOptions options)
    {
        byte[] answer = new byte[1];
        if (kind == TransportKind.Tls)
        {
            using Socket socket = await ConnectAsync(harness);
            await using var stream = new SslStream(new NetworkStream(socket));
            int read;
            try
            {
                await stream.AuthenticateAsClientAsync(options).WaitAsync(Patience);
                read = await stream.ReadAsync(answer).AsTask().WaitAsync(Patience);
            }
            catch (Exception e) when (e is AuthenticationException or IOException)
            {
                return;
            }
            Assert.Equal(0, read);
            return;
        }
        if (!QuicSupport.IsSupported) throw new PlatformNotSupportedException();
        Task round = QuicRoundAsync(harness, options);
        await Assert.ThrowsAnyAsync<Exception>(() => round);
    }

    [SupportedOSPlatform("linux")]
    [SupportedOSPlatform("macos")]
    [SupportedOSPlatform("windows")]
    private static async Task QuicRoundAsync(TransportHarness harness, SslClientAuthenticationOptions options)
    {
        await using QuicConnection connection = await QuicConnection.ConnectAsync(new QuicClientConnectionOptions
        {
            RemoteEndPoint = harness.Listener.Endpoint!,
            ClientAuthenticationOptions = options,
            DefaultCloseErrorCode = 1,
            DefaultStreamErrorCode = 1,
        }).AsTask().WaitAsync(Patience);
        await using QuicStream stream = await connection.OpenOutboundStreamAsync(QuicStreamType.Bidirectional).AsTask().WaitAsync(Patience);
        await stream.WriteAsync(new byte[1]);
        if (await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(Patience) == 0) throw new IOException("closed");
    }

    private async Task StillServesAsync(TransportHarness harness)
    {
        await harness.Client.PingAsync(harness.Peer).AsTask().WaitAsync(Patience);
        await using ShardUpload upload = await harness.Client.PutShardAsync(harness.Peer, ShardCluster.NewPut(new Random(1)));
        await upload.WriteAsync(new byte[10]);
        await upload.CommitAsync(1).AsTask().WaitAsync(Patience);
        Assert.All(_service.Peers, p => Assert.Equal(2u, p.Node));
    }

    private static async Task<Socket> ConnectAsync(TransportHarness harness)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(harness.Listener.Endpoint!);
        return socket;
    }

    // Bytes that are not a TLS alert: 0, whether the listener closes or resets.
    private static async Task<int> ReadToEndAsync(Socket socket)
    {
        byte[] buffer = new byte[1024];
        try
        {
            while (true)
            {
                int read = await socket.ReceiveAsync(buffer).WaitAsync(Patience);
                if (read == 0) return 0;
                if (buffer[0] != 21) return read;
            }
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    private sealed class Clock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
