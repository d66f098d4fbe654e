using System.Net;
using Predastore.Shards.Protocol;
using Predastore.Shards.Tests.Protocol;
using Predastore.Shards.Transport;
using Xunit;

namespace Predastore.Shards.Tests.Transport;

public sealed class ClusterTransportSpecs : IAsyncLifetime
{
    private static readonly IPEndPoint AnyPort = new(IPAddress.Loopback, 0);

    private readonly DevelopmentCa _ca = DevelopmentCa.Create("test cluster");
    private readonly MemoryShardService _service = new();
    private readonly ClusterTrust _one;
    private readonly ClusterTrust _two;
    private readonly List<(Peer Peer, string Reason)> _fallbacks = [];

    public ClusterTransportSpecs()
    {
        _one = ClusterTrustSpecs.TrustOf(_ca, 1);
        _two = ClusterTrustSpecs.TrustOf(_ca, 2);
    }

    [SkippableFact]
    public async Task Auto_should_use_quic_where_both_have_it()
    {
        Skip.IfNot(QuicSupport.IsSupported, "the native library libmsquic is not on this machine");
        await using ClusterListener listener = await ListenAsync(TransportPreference.Auto);
        Assert.Equal([TransportKind.Tls, TransportKind.Quic], listener.Kinds);
        await using ClusterTransport transport = Dialer(TransportPreference.Auto);
        await PingAsync(transport, listener, times: 3);
        Assert.Equal((TransportKind.Quic, false), Used(transport));
        Assert.Empty(_fallbacks);
    }

    [SkippableFact]
    public async Task Auto_should_fall_back_to_tls_and_say_so_once()
    {
        Skip.IfNot(QuicSupport.IsSupported, "the native library libmsquic is not on this machine");
        await using ClusterListener listener = await ListenAsync(TransportPreference.Tls);
        await using ClusterTransport transport = Dialer(TransportPreference.Auto);
        await PingAsync(transport, listener, times: 3);
        Assert.Equal((TransportKind.Tls, true), Used(transport));
        Assert.Equal(1u, Assert.Single(_fallbacks).Peer.Node);
    }

    [SkippableFact]
    public async Task Peer_that_was_slow_to_offer_quic_should_be_reached_over_it_soon()
    {
        Skip.IfNot(QuicSupport.IsSupported, "the native library libmsquic is not on this machine");
        ClusterListener listener = await ListenAsync(TransportPreference.Tls);
        IPEndPoint endpoint = listener.Endpoint;
        await using ClusterTransport transport = Dialer(TransportPreference.Auto);
        await PingAsync(transport, listener, times: 1);
        Assert.Equal((TransportKind.Tls, true), Used(transport));
        await listener.DisposeAsync();

        await using ClusterListener both = await ClusterListener.StartAsync(endpoint, _one, TransportPreference.Auto, new ShardServer(_service).HandleAsync);
        await UntilAnsweredAsync(transport, both, () => Used(transport) == (TransportKind.Quic, false));
    }

    [Fact]
    public async Task Tls_should_use_tls_only()
    {
        await using ClusterListener listener = await ListenAsync(TransportPreference.Tls);
        Assert.Equal([TransportKind.Tls], listener.Kinds);
        await using ClusterTransport transport = Dialer(TransportPreference.Tls);
        await PingAsync(transport, listener, times: 3);
        Assert.Equal((TransportKind.Tls, false), Used(transport));
    }

    [SkippableFact]
    public async Task Quic_without_its_library_should_refuse_to_start_and_name_the_package()
    {
        Skip.If(QuicSupport.IsSupported, "the native library libmsquic is on this machine");
        var listening = await Assert.ThrowsAsync<PlatformNotSupportedException>(() => ListenAsync(TransportPreference.Quic));
        var dialling = Assert.Throws<PlatformNotSupportedException>(() => Dialer(TransportPreference.Quic));
        Assert.All([listening, dialling], e => Assert.Contains("libmsquic", e.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Nodes_of_one_process_should_meet_in_the_hub()
    {
        using var hub = new InProcessHub();
        await using ClusterListener listener = await ListenAsync(TransportPreference.Tls, hub);
        await using ClusterTransport transport = Dialer(TransportPreference.Tls, hub);
        await PingAsync(transport, listener, times: 2);
        Assert.Equal((TransportKind.InProcess, false), Used(transport));
    }

    [Theory]
    [InlineData(TransportPreference.Auto)]
    [InlineData(TransportPreference.Tls)]
    public async Task Dead_peer_should_fail_fast_and_be_reached_again_once_it_lives(TransportPreference preference)
    {
        ClusterListener listener = await ListenAsync(preference);
        IPEndPoint endpoint = listener.Endpoint;
        await using ClusterTransport transport = Dialer(preference);
        await PingAsync(transport, listener, times: 1);
        await listener.DisposeAsync();

        var client = new ShardClient(transport);
        var peer = new Peer(1, "127.0.0.1", endpoint.Port);
        await Assert.ThrowsAnyAsync<IOException>(async () => await client.PingAsync(peer).AsTask().WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.NotNull(Assert.Single(transport.Status()).LastError);

        await using ClusterListener again = await ClusterListener.StartAsync(endpoint, _one, preference, new ShardServer(_service).HandleAsync);
        await UntilAnsweredAsync(transport, again, () => true);
        Assert.Null(Assert.Single(transport.Status()).LastError);
    }

    [Fact]
    public async Task Port_in_use_should_be_named()
    {
        await using ClusterListener first = await ListenAsync(TransportPreference.Tls);
        var error = await Assert.ThrowsAsync<IOException>(
            () => ClusterListener.StartAsync(first.Endpoint, _one, TransportPreference.Tls, new ShardServer(_service).HandleAsync));
        Assert.Contains(first.Endpoint.ToString(), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Listener_should_stop_while_a_handler_hangs()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _service.OnBegin = _ =>
        {
            begun.SetResult();
            return gate.Task;
        };
        ClusterListener listener = await ClusterListener.StartAsync(
            AnyPort, _one, TransportPreference.Tls, new ShardServer(_service).HandleAsync,
            options: new TransportOptions { StopTimeout = TimeSpan.FromMilliseconds(100) });
        await using ClusterTransport transport = Dialer(TransportPreference.Tls);
        await using ShardUpload upload = await new ShardClient(transport).PutShardAsync(PeerOf(listener), ShardCluster.NewPut(new Random(1)));
        Task accepted = upload.WaitAcceptedAsync().AsTask();
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(10));
        await listener.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10));
        await Assert.ThrowsAnyAsync<IOException>(() => accepted.WaitAsync(TimeSpan.FromSeconds(10)));
        gate.SetResult();
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync()
    {
        _one.Dispose();
        _two.Dispose();
        _ca.Dispose();
        return Task.CompletedTask;
    }

    private static Peer PeerOf(ClusterListener listener) => new(1, "127.0.0.1", listener.Endpoint.Port);

    private static async Task PingAsync(ClusterTransport transport, ClusterListener listener, int times)
    {
        var client = new ShardClient(transport);
        for (int i = 0; i < times; i++) await client.PingAsync(PeerOf(listener)).AsTask().WaitAsync(TimeSpan.FromSeconds(10));
    }

    private static async Task UntilAnsweredAsync(ClusterTransport transport, ClusterListener listener, Func<bool> asWanted)
    {
        var client = new ShardClient(transport);
        DateTime limit = DateTime.UtcNow.AddSeconds(15);
        while (true)
        {
            try
            {
                await client.PingAsync(PeerOf(listener));
                if (asWanted()) return;
                Assert.True(DateTime.UtcNow < limit, $"still reached over {Used(transport)}");
            }
            catch (IOException) when (DateTime.UtcNow < limit)
            {
                // Not there yet.
            }
            await Task.Delay(20);
        }
    }

    private static (TransportKind?, bool) Used(ClusterTransport transport)
    {
        TransportStatus status = Assert.Single(transport.Status());
        return (status.Kind, status.FellBack);
    }

    private Task<ClusterListener> ListenAsync(TransportPreference preference, InProcessHub? hub = null) =>
        ClusterListener.StartAsync(AnyPort, _one, preference, new ShardServer(_service).HandleAsync, hub);

    private ClusterTransport Dialer(TransportPreference preference, InProcessHub? hub = null) =>
        new(_two, preference, hub, fellBack: (peer, reason) => _fallbacks.Add((peer, reason)));
}
