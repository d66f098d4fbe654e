using System.Net;
using Predastore.Shards.Transport;
using Xunit;

namespace Predastore.Shards.Tests.Transport;

public sealed class StreamPlacesSpecs
{
    private static readonly TransportOptions One = new()
    {
        StreamsPerPeerMax = 1,
        StreamsPerRemoteNodeMax = 1,
        PlaceTimeout = TimeSpan.FromMilliseconds(50),
    };

    [SkippableTheory]
    [MemberData(nameof(TransportHarness.Kinds), MemberType = typeof(TransportHarness))]
    public async Task Exchange_without_a_place_should_say_that_it_is_busy(TransportKind kind)
    {
        TransportHarness.SkipWithoutLibrary(kind);
        await using var harness = new TransportHarness(kind, WaitAsync, One);
        await using ITransportStream held = await harness.Transport.OpenAsync(harness.Peer, CancellationToken.None);
        TransportException error = await Assert.ThrowsAsync<TransportException>(
            () => harness.Transport.OpenAsync(harness.Peer, CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.True(error.Busy, error.Message);
    }

    [SkippableFact]
    public async Task Want_of_places_should_not_be_taken_for_a_peer_without_quic()
    {
        TransportHarness.SkipWithoutLibrary(TransportKind.Quic);
        using DevelopmentCa ca = DevelopmentCa.Create("test cluster");
        using ClusterTrust one = ClusterTrustSpecs.TrustOf(ca, 1);
        using ClusterTrust two = ClusterTrustSpecs.TrustOf(ca, 2);
        await using ClusterListener listener = await ClusterListener.StartAsync(
            new IPEndPoint(IPAddress.Loopback, 0), one, TransportPreference.Auto, WaitAsync);
        await using var transport = new ClusterTransport(two, TransportPreference.Auto, options: One);
        var peer = new Peer(1, "127.0.0.1", listener.Endpoint.Port);
        await using ITransportStream held = await transport.OpenAsync(peer, CancellationToken.None);
        Assert.Equal(TransportKind.Quic, held.Kind);
        for (int i = 0; i < 3; i++)
        {
            TransportException error = await Assert.ThrowsAsync<TransportException>(
                () => transport.OpenAsync(peer, CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
            Assert.True(error.Busy, error.Message);
        }

        TransportStatus status = Assert.Single(transport.Status());
        Assert.Equal((TransportKind.Quic, false), (status.Kind, status.FellBack));
    }

    private static Task WaitAsync(ITransportStream stream, PeerIdentity peer, CancellationToken cancel)
        => Task.Delay(Timeout.Infinite, cancel);
}
