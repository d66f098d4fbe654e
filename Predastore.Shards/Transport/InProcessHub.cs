using System.Collections.Concurrent;
using System.Net;

namespace Predastore.Shards.Transport;

/// <summary>
/// Connects nodes of one process with each other, keyed by the address that the cluster file gives them. Nobody can pretend to be
/// another node here: the process owns both ends. Thread-safe.
/// </summary>
public sealed class InProcessHub : IDisposable
{
    private readonly ConcurrentDictionary<(string Host, int Port), InProcessListener> _listeners = new();
    private readonly TransportOptions _options;
    private readonly IdleWatch _watch;

    /// <summary>An empty hub.</summary>
    public InProcessHub(TransportOptions? options = null)
    {
        _options = options ?? new TransportOptions();
        _watch = new IdleWatch(_options);
    }

    /// <summary>Offers a node at an address until the listener is disposed.</summary>
    /// <exception cref="InvalidOperationException">Another node of this process has that address.</exception>
    public ITransportListener Listen(string host, int port, uint node, StreamHandler handler)
    {
        var listener = new InProcessListener(node, handler, _options, self => _listeners.TryRemove(new((host, port), self)));
        if (!_listeners.TryAdd((host, port), listener)) throw new InvalidOperationException($"{host}:{port} is in use in this process");
        return listener;
    }

    /// <summary>True if the peer lives in this process.</summary>
    public bool Has(Peer peer) => _listeners.ContainsKey((peer.Host, peer.Port));

    /// <summary>A transport for one node of this process; it reaches only nodes of this process.</summary>
    public ITransport Transport(uint localNode) => new Dialer(this, localNode);

    /// <summary>Cuts what is under way.</summary>
    public void Dispose()
    {
        _watch.AbortAll();
        _watch.Dispose();
    }

    private InProcessStream Open(uint localNode, Peer peer)
    {
        if (!_listeners.TryGetValue((peer.Host, peer.Port), out InProcessListener? listener))
            throw new TransportException($"{peer} is not in this process");
        if (listener.Node != peer.Node) throw new TransportException($"{peer.Host}:{peer.Port} is node {listener.Node}, not node {peer.Node}");
        (InProcessStream dialled, InProcessStream accepted) = InProcessStream.Pair(_watch);
        if (!listener.TryRun(accepted, new PeerIdentity(localNode, TransportKind.InProcess, null)))
            throw Refuse(dialled, peer, listener.Stopping);
        return dialled;
    }

    private static TransportException Refuse(InProcessStream dialled, Peer peer, bool stopping)
    {
        _ = dialled.DisposeAsync().AsTask();
        return new TransportException($"{peer} {(stopping ? "is stopping" : "has too much under way")}") { Busy = !stopping };
    }

    private sealed class Dialer(InProcessHub hub, uint localNode) : ITransport
    {
        public TransportKind Kind => TransportKind.InProcess;

        public ValueTask<ITransportStream> OpenAsync(Peer peer, CancellationToken cancel)
        {
            cancel.ThrowIfCancellationRequested();
            return new ValueTask<ITransportStream>(hub.Open(localNode, peer));
        }

        public ValueTask DisposeAsync() => default;
    }

    private sealed class InProcessListener(uint node, StreamHandler handler, TransportOptions options, Action<InProcessListener> remove)
        : ITransportListener
    {
        private readonly HandlerSet _handlers = new(handler, options);

        public uint Node => node;

        public TransportKind Kind => TransportKind.InProcess;

        public IPEndPoint? Endpoint => null;

        public bool Stopping => _handlers.IsStopping;

        public bool TryRun(InProcessStream stream, PeerIdentity peer)
        {
            if (_handlers.TryEnter(peer.Node))
            {
                _ = Task.Run(() => _handlers.RunEnteredAsync(stream, peer));
                return true;
            }
            _ = stream.DisposeAsync().AsTask();
            return false;
        }

        public async ValueTask DisposeAsync()
        {
            remove(this);
            await _handlers.StopAsync().ConfigureAwait(false);
            _handlers.Dispose();
        }
    }
}
