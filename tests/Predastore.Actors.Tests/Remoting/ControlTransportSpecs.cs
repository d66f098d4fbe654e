using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using Akka.Remote;
using Google.Protobuf.WellKnownTypes;
using Predastore.Actors.Hosting;
using Predastore.Actors.Remoting;
using Predastore.Actors.Serialization;
using Predastore.Actors.Tests.Hosting;
using Predastore.Shards.Transport;
using Xunit;

namespace Predastore.Actors.Tests.Remoting;

/// <summary>The control port against strangers: each is refused, and the node goes on serving its cluster.</summary>
public sealed class ControlTransportSpecs : IAsyncLifetime, IAsyncDisposable
{
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(10);
    private static readonly WireProtocol Text = new WireProtocol("text").Add("text", StringValue.Parser);

    private readonly LoopbackCluster _cluster = new(
        3, (_, builder) => builder.WithActors((system, _) => system.ActorOf(Props.Create(() => new Echo()), "echo")), protocols: Text);

    public async Task InitializeAsync()
    {
        await _cluster.StartAsync(1);
        await _cluster.StartAsync(2);
    }

    async ValueTask IAsyncDisposable.DisposeAsync() => await _cluster.DisposeAsync();

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Control_port_should_refuse_strangers_and_go_on_serving()
    {
        using DevelopmentCa other = DevelopmentCa.Create("other cluster");
        DateTimeOffset now = DateTimeOffset.UtcNow;
        Assert.True(await TlsStaysOpenAsync(_cluster.Ca.IssueNode(3, [])), "a node of the cluster must get in");

        Assert.False(await StaysOpenAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray()), "plain HTTP");
        byte[] garbage = new byte[4096];
        new Random(1).NextBytes(garbage);
        garbage[0] = 0xFF;
        Assert.False(await StaysOpenAsync(garbage), "garbage");
        Assert.False(await TlsStaysOpenAsync(null), "TLS without a certificate");
        Assert.False(await TlsStaysOpenAsync(other.IssueNode(3, [])), "a certificate of another CA");
        Assert.False(await TlsStaysOpenAsync(_cluster.Ca.IssueNode(3, [], now.AddMinutes(-30), now.AddMinutes(-1))), "an expired certificate");
        Assert.False(await TlsStaysOpenAsync(_cluster.Ca.IssueNode(99, [])), "a node that is not in the cluster file");
        for (int i = 0; i < 100; i++) Assert.False(await StaysOpenAsync(garbage), $"garbage again, {i}");

        await AssertServingAsync();
    }

    [Fact]
    public async Task Dialler_should_refuse_another_node_at_the_address()
    {
        // Node 3's address answers with a good certificate, but of node 2.
        IssuedCertificate impostor = _cluster.Ca.IssueNode(2, [_cluster.Nodes[3].Host]);
        using var listener = new TcpListener(IPAddress.Parse(_cluster.Nodes[3].Host), _cluster.Port);
        listener.Start();
        _cluster[1].Current!.ActorSelection($"akka.tls://predastore@{_cluster.Nodes[3]}/user/x").Tell(new StringValue());

        using var limit = new CancellationTokenSource(LoopbackCluster.Patience);
        using TcpClient dialled = await listener.AcceptTcpClientAsync(limit.Token);
        using ClusterTrust verifier = _cluster.Trust(2);
        await using var tls = new SslStream(dialled.GetStream(), false, (_, cert, _, _) => IsNode(verifier, cert, 1));
        using X509Certificate2 certificate = X509Certificate2.CreateFromPem(impostor.CertificatePem, impostor.KeyPem);
        int read;
        try
        {
            await tls.AuthenticateAsServerAsync(
                new SslServerAuthenticationOptions { ServerCertificate = certificate, ClientCertificateRequired = true, ApplicationProtocols = [ClusterTrust.ControlAlpn] }, limit.Token);
            read = await tls.ReadAsync(new byte[1024], limit.Token);
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            read = 0;
        }

        Assert.Equal(0, read);
        await _cluster.Eventually(
            () => _cluster.Logs.Lines.Any(line => line.Contains("belongs to node 2, not to node 3", StringComparison.Ordinal)),
            () => "the refusal is not in the log");
        await AssertServingAsync();
    }

    [Fact]
    public async Task Unknown_bytes_of_a_trusted_peer_should_not_end_the_connection()
    {
        await AssertServingAsync();
        // A message of a protocol that only the sender knows: lost, and said so, but nothing else is.
        await using var newer = new ActorSystemKeeper(
            _cluster.Settings(3) with { Protocols = [Text, new WireProtocol("newer").Add("flag", BoolValue.Parser)] }, _ => { }, _cluster.Logs);
        await newer.StartAsync(CancellationToken.None);
        await _cluster.Eventually(
            () => newer.IsUp && newer.Topology.View.IsAlive(1), () => "node 3 does not join");
        IActorRef echo = newer.Topology.Find(1, "user/echo")!;
        echo.Tell(new BoolValue { Value = true });
        echo.Tell(new Unregistered());

        StringValue answer = await echo.Ask<StringValue>(new StringValue { Value = "still" }, LoopbackCluster.Patience);
        Assert.Equal("still", answer.Value);
        await _cluster.Eventually(
            () => _cluster.Logs.Lines.Any(line => line.Contains("newer/flag", StringComparison.Ordinal)), () => "the loss is not in the log");
    }

    [Fact]
    public void Only_addresses_of_the_cluster_file_should_be_dialled()
    {
        var setup = new ControlTransportSetup(_cluster.Settings(1));

        Assert.Equal(new Peer(3, _cluster.Nodes[3].Host, _cluster.Port), setup.PeerAt(_cluster.Nodes[3].Host, _cluster.Port));
        Assert.Null(setup.PeerAt(_cluster.Nodes[3].Host, _cluster.Port + 1));
        Assert.Null(setup.PeerAt("127.0.0.1", _cluster.Port));
    }

    [Fact]
    public async Task Peer_that_never_finishes_a_handshake_should_not_keep_others_waiting()
    {
        // It takes the connection, and says nothing. The one that comes after it at that address is well.
        using (var mute = new TcpListener(IPAddress.Parse(_cluster.Nodes[3].Host), _cluster.Port))
        {
            mute.Start();
            using var limit = new CancellationTokenSource(LoopbackCluster.Patience);
            _cluster[1].Current!.ActorSelection($"akka.tls://predastore@{_cluster.Nodes[3]}/user/x").Tell(new StringValue());
            using TcpClient dialled = await mute.AcceptTcpClientAsync(limit.Token);
            await AssertServingAsync();
            while (await dialled.GetStream().ReadAsync(new byte[4096], limit.Token) > 0)
            {
                // What it says; then it gives up.
            }
        }

        await _cluster.StartAsync(3);
        await _cluster.AllSeeAllAsync();
        Assert.Equal(1, _cluster[1].Incarnation);
        Assert.Equal(1, _cluster[3].Incarnation);
    }

    [Fact]
    public async Task Ended_links_should_be_dialled_anew()
    {
        await AssertServingAsync();
        ActorSystem system = _cluster[1].Current!;
        var lost = new TaskCompletionSource<Address>(TaskCreationOptions.RunContinuationsAsynchronously);
        IActorRef listener = system.ActorOf(Props.Create(() => new Listener(lost)));
        system.EventStream.Subscribe<DisassociatedEvent>(listener);

        Assert.True(await ((IRemoteActorRefProvider)((ExtendedActorSystem)system).Provider).Transport.ManagementCommand(new EndLinks(2), CancellationToken.None));

        Assert.Equal(_cluster.Settings(1).AkkaAddress(2), await lost.Task.WaitAsync(LoopbackCluster.Patience));
        await AssertServingAsync();
    }

    private async Task AssertServingAsync()
    {
        await _cluster.Eventually(
            () => _cluster[1].Topology.IsUsable(2) && _cluster[2].Topology.IsUsable(1), () => "nodes 1 and 2 lost each other");
        IActorRef echo = _cluster[2].Topology.Find(1, "user/echo")!;
        Assert.Equal("x", (await echo.Ask<StringValue>(new StringValue { Value = "x" }, LoopbackCluster.Patience)).Value);
        Assert.Equal(1, _cluster[1].Incarnation);
    }

    private static bool IsNode(ClusterTrust verifier, X509Certificate? certificate, uint node) =>
        verifier.TryValidatePeer(certificate as X509Certificate2, node, out _, out _);

    private async Task<TcpClient> ConnectAsync()
    {
        var client = new TcpClient();
        using var limit = new CancellationTokenSource(ProbeTimeout);
        await client.ConnectAsync(IPAddress.Parse(_cluster.Nodes[1].Host), _cluster.Port, limit.Token);
        return client;
    }

    private async Task<bool> StaysOpenAsync(byte[] bytes)
    {
        using TcpClient client = await ConnectAsync();
        try
        {
            await client.GetStream().WriteAsync(bytes);
            return await StaysOpenAsync(client.GetStream(), ProbeTimeout);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private async Task<bool> TlsStaysOpenAsync(IssuedCertificate? certificate)
    {
        using TcpClient client = await ConnectAsync();
        using X509Certificate2? own = certificate is null ? null : X509Certificate2.CreateFromPem(certificate.CertificatePem, certificate.KeyPem);
        using ClusterTrust verifier = _cluster.Trust(2);
        await using var tls = new SslStream(client.GetStream(), false, (_, cert, _, _) => IsNode(verifier, cert, 1));
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "x",
                ClientCertificates = own is null ? null : [own],
                ApplicationProtocols = [ClusterTrust.ControlAlpn],
            });
            return await StaysOpenAsync(tls, TimeSpan.FromMilliseconds(500));
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            return false;
        }
    }

    /// <summary>True if the other side has not hung up after the time; a refusal comes within milliseconds.</summary>
    private static async Task<bool> StaysOpenAsync(Stream stream, TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        try
        {
            byte[] buffer = new byte[256];
            while (await stream.ReadAsync(buffer, limit.Token) > 0)
            {
            }

            return false;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    private sealed record Unregistered;

    private sealed class Echo : ReceiveActor
    {
        public Echo() => Receive<StringValue>(text => Sender.Tell(text));
    }

    private sealed class Listener : ReceiveActor
    {
        public Listener(TaskCompletionSource<Address> lost) => Receive<DisassociatedEvent>(ended => lost.TrySetResult(ended.RemoteAddress));
    }
}
