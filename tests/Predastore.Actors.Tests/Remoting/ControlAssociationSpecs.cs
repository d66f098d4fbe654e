using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Akka.Actor;
using Akka.Remote.Transport;
using Google.Protobuf;
using Predastore.Actors.Remoting;
using Predastore.Actors.Tests.Hosting;
using Predastore.Shards.Transport;
using Xunit;

namespace Predastore.Actors.Tests.Remoting;

/// <summary>Two ends of one association, on a real connection.</summary>
[Collection(BusyPool.Name)]
public sealed class ControlAssociationSpecs : IAsyncLifetime
{
    private const int FrameMax = 128_064;
    private static readonly Address Near = new("tls", "near", "127.0.0.1", 1);
    private static readonly Address Far = new("tls", "far", "127.0.0.1", 2);

    private readonly DevelopmentCa _ca = DevelopmentCa.Create("test cluster");
    private readonly List<ClusterTrust> _trusts = [];
    private readonly TaskCompletionSource<TlsConnection> _accepted = new();
    private readonly TaskCompletionSource _release = new();
    private TlsAcceptor _acceptor = null!;
    private TlsConnection _dialled = null!;

    public async Task InitializeAsync()
    {
        _acceptor = TlsAcceptor.Start(
            new IPEndPoint(IPAddress.Loopback, 0), Trust(1), ClusterTrust.ControlAlpn,
            async connection =>
            {
                _accepted.SetResult(connection);
                await _release.Task;
            },
            new TransportOptions(), null);
        var peer = new Peer(1, "127.0.0.1", _acceptor.Endpoint.Port);
        _dialled = await TlsConnection.DialAsync(peer, Trust(2), ClusterTrust.ControlAlpn, new TransportOptions(), CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        _release.SetResult();
        await _acceptor.DisposeAsync();
        _dialled.Dispose();
        if (_accepted.Task.IsCompletedSuccessfully) (await _accepted.Task).Dispose();
        foreach (ClusterTrust trust in _trusts) trust.Dispose();
        _ca.Dispose();
    }

    [Fact]
    public async Task Messages_of_all_sizes_should_arrive_whole_and_in_order_both_ways()
    {
        (ControlAssociation near, ControlAssociation far) = await PairAsync();
        var atNear = new Inbox(near);
        var atFar = new Inbox(far);
        ByteString[] messages = [.. new[] { 0, 1, 5, 16 << 10, 100_000, FrameMax, 3 }.Select((size, i) => Message(size, i))];

        foreach (ByteString message in messages)
        {
            Assert.True(near.Write(message));
            Assert.True(far.Write(message));
        }

        await Task.WhenAll(atNear.UntilAsync(messages.Length), atFar.UntilAsync(messages.Length));
        Assert.Equal(messages, atNear.Messages);
        Assert.Equal(messages, atFar.Messages);
        Assert.Throws<ArgumentException>(() => near.Write(Message(FrameMax + 1, 0)));
        await EndAsync(near, far);
    }

    [Fact]
    public async Task What_came_before_somebody_listened_should_wait_for_them()
    {
        (ControlAssociation near, ControlAssociation far) = await PairAsync();
        Assert.True(near.Write(Message(10, 1)));

        var atFar = new Inbox(far);

        await atFar.UntilAsync(1);
        Assert.Equal([Message(10, 1)], atFar.Messages);
        await EndAsync(near, far);
    }

    [Fact]
    public async Task End_should_send_what_was_written_and_tell_both_sides()
    {
        (ControlAssociation near, ControlAssociation far) = await PairAsync();
        var atNear = new Inbox(near);
        var atFar = new Inbox(far);

        for (int i = 0; i < 100; i++) Assert.True(near.Write(Message(10_000, i)));
        near.End();
        near.End();

        Assert.False(near.Write(Message(1, 0)));
        await Task.WhenAll(atNear.Ended, atFar.Ended).WaitAsync(LoopbackCluster.Patience);
        Assert.Equal(Enumerable.Range(0, 100).Select(i => Message(10_000, i)), atFar.Messages);
        await Task.WhenAll(near.Ended, far.Ended).WaitAsync(LoopbackCluster.Patience);
    }

    [Fact]
    public async Task Messages_should_not_wait_for_the_thread_pool()
    {
        (ControlAssociation near, ControlAssociation far) = await PairAsync();
        var atNear = new Inbox(near);
        var atFar = new Inbox(far);
        Assert.True(near.Write(Message(10, 0)) && far.Write(Message(10, 0)));
        await Task.WhenAll(atNear.UntilAsync(1), atFar.UntilAsync(1));
        using var free = new ManualResetEventSlim();
        var wakened = new TaskCompletionSource();
        Task[] busy = [.. Enumerable.Range(0, 400).Select(_ => QueueAsync(() => free.Wait(LoopbackCluster.Patience)))];
        try
        {
            // Nothing comes to its turn in the pool meanwhile: this test goes on without it.
            Task late = QueueAsync(wakened.SetResult);
            Assert.True(near.Write(Message(10, 1)) && far.Write(Message(10, 1)));
            Assert.True(SpinWait.SpinUntil(() => atNear.Messages.Count == 2 && atFar.Messages.Count == 2, LoopbackCluster.Patience));
            Assert.False(late.IsCompleted);
        }
        finally
        {
            free.Set();
            await Task.WhenAll(busy);
        }

        await wakened.Task;
        await EndAsync(near, far);
    }

    [Fact]
    public async Task Peer_that_reads_nothing_should_bound_what_waits_and_not_delay_the_end()
    {
        (ControlAssociation near, _) = await PairAsync(farListens: false);
        var atNear = new Inbox(near);
        long taken = 0;
        while (near.Write(Message(100_000, 0)) && taken < 1L << 30) taken += 100_000;

        // What waits, and what the sockets hold.
        Assert.InRange(taken, ControlAssociation.QueueBytesMax / 2, ControlAssociation.QueueBytesMax + (64L << 20));
        var watch = Stopwatch.StartNew();
        near.End();
        await atNear.Ended.WaitAsync(LoopbackCluster.Patience);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    [Theory]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 0, 1, 0xF4, 0x41, 0, 0, 0, 0 })]
    public async Task Impossible_length_should_end_the_association(byte[] bytes)
    {
        var near = new ControlAssociation(_dialled, Near, Far, FrameMax, (_, _) => { });
        var atNear = new Inbox(near);
        TlsConnection far = await _accepted.Task;

        await far.Stream.WriteAsync(bytes);

        await atNear.Ended.WaitAsync(LoopbackCluster.Patience);
        Assert.Empty(atNear.Messages);
    }

    [Fact]
    public async Task Cut_connection_should_tell_who_listens_later()
    {
        var near = new ControlAssociation(_dialled, Near, Far, FrameMax, (_, _) => { });
        (await _accepted.Task).Cut();
        near.End();
        await near.Ended.WaitAsync(LoopbackCluster.Patience);

        await new Inbox(near).Ended.WaitAsync(LoopbackCluster.Patience);
    }

    // In turn: what a thread of the pool queues for itself would let others pass.
    private static Task QueueAsync(Action work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.PreferFairness, TaskScheduler.Default);

    private static ByteString Message(int size, int seed)
    {
        byte[] bytes = new byte[size];
        new Random(seed).NextBytes(bytes);
        return ByteString.CopyFrom(bytes);
    }

    private static async Task EndAsync(ControlAssociation near, ControlAssociation far)
    {
        near.End();
        await Task.WhenAll(near.Ended, far.Ended).WaitAsync(LoopbackCluster.Patience);
    }

    // Where nobody listens at the far end, its connection is held without being read.
    private async Task<(ControlAssociation Near, ControlAssociation Far)> PairAsync(bool farListens = true)
    {
        TlsConnection accepted = await _accepted.Task.WaitAsync(LoopbackCluster.Patience);
        var near = new ControlAssociation(_dialled, Near, Far, FrameMax, (_, _) => { });
        return (near, farListens ? new ControlAssociation(accepted, Far, Near, FrameMax, (_, _) => { }) : null!);
    }

    private ClusterTrust Trust(uint node)
    {
        IssuedCertificate issued = _ca.IssueNode(node, ["127.0.0.1"]);
        var trust = ClusterTrust.Load(_ca.CertificatePem, issued.CertificatePem, issued.KeyPem);
        _trusts.Add(trust);
        return trust;
    }

    private sealed class Inbox : IHandleEventListener
    {
        private readonly ConcurrentQueue<ByteString> _messages = new();
        private readonly TaskCompletionSource _ended = new();

        public Inbox(ControlAssociation association) => association.ReadHandlerSource.SetResult(this);

        public IReadOnlyCollection<ByteString> Messages => _messages;

        public Task Ended => _ended.Task;

        public void Notify(IHandleEvent happened)
        {
            if (happened is InboundPayload message) _messages.Enqueue(message.Payload);
            else if (happened is Disassociated) _ended.TrySetResult();
        }

        public async Task UntilAsync(int count)
        {
            var watch = Stopwatch.StartNew();
            while (_messages.Count < count)
            {
                Assert.True(watch.Elapsed < LoopbackCluster.Patience, $"{_messages.Count} of {count} messages came");
                await Task.Delay(10);
            }
        }
    }
}

/// <summary>Keeps the thread pool of the process busy: nothing else runs beside it.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class BusyPool
{
    public const string Name = "busy pool";
}
