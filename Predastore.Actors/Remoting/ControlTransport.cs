using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Remote;
using Akka.Remote.Transport;
using Predastore.Actors.Hosting;
using Predastore.Shards.Transport;

namespace Predastore.Actors.Remoting;

/// <summary>
/// Carries Akka.Remote's associations over mutual TLS 1.3. Both sides show a certificate of the cluster CA; whoever dials checks that it belongs
/// to the node at that address, whoever listens, that it belongs to a node of this cluster. An association exists once its handshake is done,
/// and a dial that is not done within <see cref="TransportOptions.DialTimeout"/> has failed; neither ends anything but itself. After the handshake each
/// side says which actor system it is (8 bytes, the dialler first); then come the frames of <see cref="ControlAssociation"/>.
/// </summary>
/// <remarks>Akka.Remote creates it by its name in HOCON (<c>akka.remote.control.transport-class</c>).</remarks>
[SuppressMessage("Reliability", "CA1001", Justification = "Akka.Remote ends transports by Shutdown")]
internal sealed class ControlTransport : Transport
{
    /// <summary>Scheme of control addresses; Akka.Remote puts <c>akka.</c> before it.</summary>
    public const string Scheme = "tls";

    // What Akka.Remote's protocol puts around a message whose size it has checked.
    private const int EnvelopeBytesMax = 64;

    // How long the beginning of an association holds up the next one with the same node.
    private static readonly TimeSpan TurnPatience = TimeSpan.FromSeconds(5);

    private readonly long _self = Random.Shared.NextInt64(1, long.MaxValue);
    private readonly AssociationTurns _turns = new(TurnPatience);
    private readonly ControlTransportSetup _setup;
    private readonly ILoggingAdapter _log;
    private readonly TransportOptions _options = new();
    private readonly ConcurrentDictionary<ControlAssociation, byte> _associations = new(ReferenceEqualityComparer.Instance);
    private readonly TaskCompletionSource<IAssociationEventListener> _listener = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stopping = new();

    // Whoever probes the port must not fill the disk with log lines.
    private readonly LineBudget _budget = new(TimeProvider.System);
    private TlsAcceptor? _acceptor;

    /// <param name="system">The actor system; it has a <see cref="ControlTransportSetup"/>.</param>
    /// <param name="config"><c>akka.remote.control</c>.</param>
    public ControlTransport(ActorSystem system, Config config)
    {
        System = system;
        Config = config;
        SchemeIdentifier = Scheme;
        MaximumPayloadBytes = config.GetByteSize("maximum-frame-size")
            ?? throw new ConfigurationException("akka.remote.control.maximum-frame-size is missing");
        _setup = system.Settings.Setup.Get<ControlTransportSetup>().Value;
        _log = Logging.GetLogger(system, typeof(ControlTransport));
        Own = new Address(Scheme, system.Name, _setup.Node.Address.Host, _setup.Node.Address.Port);
    }

    private Address Own { get; }

    private int FrameBytesMax => (int)MaximumPayloadBytes + EnvelopeBytesMax;

    /// <inheritdoc/>
    public override bool IsResponsibleFor(Address remote) => true;

    /// <summary>Binds the control port; nothing is accepted before Akka.Remote listens.</summary>
    /// <exception cref="SocketException">The address cannot be bound.</exception>
    public override async Task<(Address, TaskCompletionSource<IAssociationEventListener>)> Listen()
    {
        IPEndPoint endpoint = await _setup.Node.ListenAtAsync(_stopping.Token);
        ((ExtendedActorSystem)System).SystemActorOf(AssociationWatch.Props(Associated), "control-associations");
        _acceptor = TlsAcceptor.Start(endpoint, _setup.Node.Trust, ClusterTrust.ControlAlpn, ServeAsync, _options, (remote, reason) => Refused($"{remote}", reason));
        return (Own, _listener);
    }

    /// <summary>Dials a node of the cluster file.</summary>
    /// <exception cref="InvalidAssociationException">No node has this address, it cannot be reached in time, or it is somebody else.</exception>
    public override async Task<AssociationHandle> Associate(Address remoteAddress)
    {
        if (_setup.PeerAt(remoteAddress.Host, remoteAddress.Port ?? 0) is not { } peer)
            throw new InvalidAssociationException($"no node of the cluster file has the address {remoteAddress}");
        try
        {
            AssociationTurns.Turn turn = await _turns.DialAsync(peer.Node, _stopping.Token)
                ?? throw new InvalidAssociationException($"{peer} has associated by itself");
            try
            {
                (TlsConnection connection, turn.System) = await MeetAsync(peer);
                return Keep(connection, remoteAddress, turn);
            }
            catch
            {
                turn.Dispose();
                throw;
            }
        }
        catch (TransportException e)
        {
            if (e.Distrusted) Refused($"{peer}", e.Message);
            throw new InvalidAssociationException(e.Message);
        }
        catch (OperationCanceledException)
        {
            throw new InvalidAssociationException("the actor system ends");
        }
    }

    /// <summary>Ends all associations, after what they still had to send or a short time.</summary>
    public override async Task<bool> Shutdown()
    {
        await _stopping.CancelAsync();
        if (_acceptor is { } acceptor) await acceptor.DisposeAsync();
        foreach (ControlAssociation association in _associations.Keys) association.End();
        await Task.WhenAll(_associations.Keys.Select(association => association.Ended));
        return true;
    }

    /// <summary>Carries out <see cref="EndLinks"/>; knows no other command.</summary>
    public override Task<bool> ManagementCommand(object message)
    {
        if (message is not EndLinks links) return Task.FromResult(false);
        foreach (ControlAssociation association in _associations.Keys.Where(association => association.Node == links.Node)) association.End();
        return Task.FromResult(true);
    }

    private async Task<(TlsConnection Connection, long System)> MeetAsync(Peer peer)
    {
        TlsConnection connection = await TlsConnection.DialAsync(peer, _setup.Node.Trust, ClusterTrust.ControlAlpn, _options, _stopping.Token);
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            limit.CancelAfter(_options.DialTimeout);
            await SayAsync(connection, limit.Token);
            return (connection, await HearAsync(connection, limit.Token));
        }
        catch (Exception e)
        {
            connection.Dispose();
            if (_stopping.IsCancellationRequested || e is not (IOException or OperationCanceledException)) throw;
            throw new TransportException($"{peer} does not say which actor system it is: {e.Message}", e);
        }
    }

    private async Task ServeAsync(TlsConnection connection)
    {
        try
        {
            long system;
            using (var limit = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token))
            {
                limit.CancelAfter(_options.HandshakeTimeout);
                system = await HearAsync(connection, limit.Token);
                await SayAsync(connection, limit.Token);
            }

            IAssociationEventListener listener = await _listener.Task.WaitAsync(_stopping.Token);
            AssociationTurns.Turn? turn = await _turns.AcceptAsync(connection.Node, system, _stopping.Token);
            // Where it comes from; what the peer calls itself it says in Akka.Remote's own handshake.
            var from = (IPEndPoint)connection.Remote!;
            ControlAssociation association = Keep(connection, new Address(Scheme, System.Name, from.Address.ToString(), from.Port), turn);
            listener.Notify(new InboundAssociation(association));
            await association.Ended;
        }
        catch (Exception e)
        {
            connection.Dispose();
            _log.Debug("A control connection of node {0} ended before it began: {1}", connection.Node, e.Message);
        }
    }

    private async Task SayAsync(TlsConnection connection, CancellationToken cancellation)
    {
        byte[] own = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(own, _self);
        await connection.Stream.WriteAsync(own, cancellation);
    }

    private static async Task<long> HearAsync(TlsConnection connection, CancellationToken cancellation)
    {
        byte[] other = new byte[sizeof(long)];
        await connection.Stream.ReadExactlyAsync(other, cancellation);
        return BinaryPrimitives.ReadInt64BigEndian(other);
    }

    private ControlAssociation Keep(TlsConnection connection, Address remote, AssociationTurns.Turn? turn)
    {
        var association = new ControlAssociation(connection, Own, remote, FrameBytesMax, Tell);
        _associations[association] = 0;
        _ = ForgetAsync(association, turn);
        // One that came while the transport was stopping may have been overlooked.
        if (_stopping.IsCancellationRequested) association.End();
        return association;
    }

    private async Task ForgetAsync(ControlAssociation association, AssociationTurns.Turn? turn)
    {
        await association.Ended;
        turn?.Dispose();
        _associations.TryRemove(association, out _);
    }

    private void Associated(AssociatedEvent association)
    {
        if (_setup.PeerAt(association.RemoteAddress.Host, association.RemoteAddress.Port ?? 0) is { } peer)
            _turns.Associated(peer.Node, isDial: !association.IsInbound);
    }

    private void Tell(Address remote, string what) => _log.Debug("Control connection with {0}: {1}", remote, what);

    private void Refused(string peer, string reason)
    {
        int dropped;
        lock (_budget)
        {
            if (!_budget.TryTake(nameof(ControlTransport), out dropped)) return;
        }

        string more = dropped == 0 ? "" : $" ({dropped} more were refused before)";
        _log.Warning("Refused a control connection with {0}: {1}{2}", peer, reason, more);
    }
}

/// <summary>Ends all associations with a node, so that Akka.Remote dials it anew.</summary>
/// <param name="Node">The node, as its certificate proves.</param>
internal sealed record EndLinks(uint Node);
