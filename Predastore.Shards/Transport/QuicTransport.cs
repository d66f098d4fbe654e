using System.Collections.Concurrent;
using System.Runtime.Versioning;

namespace Predastore.Shards.Transport;

/// <summary>Dials over QUIC: long-lived connections per peer, one bidirectional stream per exchange.</summary>
[SupportedOSPlatform("linux")]
[SupportedOSPlatform("macos")]
[SupportedOSPlatform("windows")]
public sealed class QuicTransport : ITransport
{
    private readonly ConcurrentDictionary<Peer, QuicPool> _pools = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly ClusterTrust _trust;
    private readonly TransportOptions _options;
    private readonly IdleWatch _watch;
    private volatile bool _disposed;

    /// <summary>The trust stays the caller's and must outlive this.</summary>
    /// <exception cref="PlatformNotSupportedException">The native library is missing; the message says what to install.</exception>
    public QuicTransport(ClusterTrust trust, TransportOptions? options = null)
    {
        if (!QuicSupport.IsSupported) throw new PlatformNotSupportedException(QuicSupport.MissingLibrary);
        _trust = trust;
        _options = options ?? new TransportOptions();
        _watch = new IdleWatch(_options);
    }

    /// <inheritdoc/>
    public TransportKind Kind => TransportKind.Quic;

    /// <inheritdoc/>
    public ValueTask<ITransportStream> OpenAsync(Peer peer, CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _pools.GetOrAdd(peer, static (p, self) => new QuicPool(p, self._trust, self._options, self._watch, self._stop.Token), this)
            .OpenAsync(cancel);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        _disposed = true;
        await _stop.CancelAsync().ConfigureAwait(false);
        _watch.AbortAll();
        _watch.Dispose();
        foreach (QuicPool pool in _pools.Values) await pool.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }
}
