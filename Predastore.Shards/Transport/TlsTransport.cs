using System.Collections.Concurrent;

namespace Predastore.Shards.Transport;

/// <summary>
/// Dials over TLS 1.3: a pool of connections per peer, each carrying one exchange at a time. A connection goes back to the pool
/// only after an exchange that both sides ended.
/// </summary>
public sealed class TlsTransport : ITransport
{
    private readonly ConcurrentDictionary<Peer, TlsPool> _pools = new();
    private readonly ClusterTrust _trust;
    private readonly TransportOptions _options;
    private readonly IdleWatch _watch;
    private readonly ITimer _trim;
    private volatile bool _disposed;

    /// <summary>The trust stays the caller's and must outlive this.</summary>
    public TlsTransport(ClusterTrust trust, TransportOptions? options = null)
    {
        _trust = trust;
        _options = options ?? new TransportOptions();
        _watch = new IdleWatch(_options);
        TimeSpan period = _options.PooledIdle / 4;
        _trim = _options.Time.CreateTimer(static self => ((TlsTransport)self!).Trim(), this, period, period);
    }

    /// <inheritdoc/>
    public TransportKind Kind => TransportKind.Tls;

    /// <inheritdoc/>
    public ValueTask<ITransportStream> OpenAsync(Peer peer, CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        TlsPool pool = _pools.GetOrAdd(peer, static (p, self) => new TlsPool(p, self._trust, self._options, self._watch), this);
        return pool.OpenAsync(cancel);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        _disposed = true;
        await _trim.DisposeAsync().ConfigureAwait(false);
        _watch.AbortAll();
        _watch.Dispose();
        foreach (TlsPool pool in _pools.Values) pool.Dispose();
    }

    private void Trim()
    {
        foreach (TlsPool pool in _pools.Values) pool.Trim();
    }
}
