using System.Collections.Concurrent;

namespace Predastore.Shards.Transport;

/// <summary>
/// A node's way to all others: in process where the peer lives there, else QUIC, else TLS, as the preference says. A peer that
/// only answers over TLS is remembered as such for a while, and reported once. Thread-safe. The trust and the hub stay the
/// caller's and must outlive this.
/// </summary>
public sealed class ClusterTransport : ITransport
{
    // How long QUIC may take longer than TLS did on the first contact.
    private static readonly TimeSpan QuicGrace = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<Peer, Route> _routes = new();
    private readonly TransportOptions _options;
    private readonly Action<Peer, string>? _fellBack;
    private readonly InProcessHub? _hub;
    private readonly ITransport? _inProcess;
    private readonly ITransport? _quic;
    private readonly ITransport? _tls;

    /// <param name="trust">Who this node is, and whom it trusts.</param>
    /// <param name="preference">What to use.</param>
    /// <param name="hub">Nodes of the same process; null where there are none.</param>
    /// <param name="options">Limits.</param>
    /// <param name="fellBack">Hears once of every peer that QUIC did not reach and TLS did: which, and why.</param>
    /// <exception cref="PlatformNotSupportedException">QUIC is demanded and its library is missing.</exception>
    public ClusterTransport(
        ClusterTrust trust, TransportPreference preference, InProcessHub? hub = null, TransportOptions? options = null,
        Action<Peer, string>? fellBack = null)
    {
        _options = options ?? new TransportOptions();
        _fellBack = fellBack;
        _hub = hub;
        _inProcess = hub?.Transport(trust.Node);
        if (preference == TransportPreference.Quic && !QuicSupport.IsSupported) throw new PlatformNotSupportedException(QuicSupport.MissingLibrary);
        if (preference != TransportPreference.Tls && QuicSupport.IsSupported) _quic = new QuicTransport(trust, _options);
        if (preference != TransportPreference.Quic) _tls = new TlsTransport(trust, _options);
    }

    /// <inheritdoc/>
    public TransportKind Kind => _quic is not null ? TransportKind.Quic : TransportKind.Tls;

    /// <summary>How every peer dialled so far is reached.</summary>
    public IReadOnlyList<TransportStatus> Status() =>
        [.. _routes.Select(r => new TransportStatus(r.Key, r.Value.Kind, r.Value.FellBack, r.Value.LastError)).OrderBy(s => s.Peer.Node)];

    /// <inheritdoc/>
    public async ValueTask<ITransportStream> OpenAsync(Peer peer, CancellationToken cancel)
    {
        Route route = _routes.GetOrAdd(peer, static (_, options) => new Route(options), _options);
        try
        {
            ITransportStream stream = await OpenByAsync(peer, route, cancel).ConfigureAwait(false);
            route.Kind = stream.Kind;
            route.LastError = null;
            return stream;
        }
        catch (TransportException e)
        {
            route.LastError = e.Message;
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_quic is not null) await _quic.DisposeAsync().ConfigureAwait(false);
        if (_tls is not null) await _tls.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask<ITransportStream> OpenByAsync(Peer peer, Route route, CancellationToken cancel)
    {
        if (_hub is not null && _hub.Has(peer)) return await _inProcess!.OpenAsync(peer, cancel).ConfigureAwait(false);
        if (_tls is null) return await _quic!.OpenAsync(peer, cancel).ConfigureAwait(false);
        if (_quic is null || route.PrefersTls) return await _tls.OpenAsync(peer, cancel).ConfigureAwait(false);
        // Once QUIC has carried an exchange, a failure is the peer's and not the protocol's: no second dial.
        if (route.Kind == TransportKind.Quic) return await AgainAsync(peer, route, cancel).ConfigureAwait(false);
        return await RaceAsync(peer, route, cancel).ConfigureAwait(false);
    }

    private async Task<ITransportStream> AgainAsync(Peer peer, Route route, CancellationToken cancel)
    {
        try
        {
            return await _quic!.OpenAsync(peer, cancel).ConfigureAwait(false);
        }
        catch (TransportException e) when (!e.Busy)
        {
            // It may come back without the library: the next contact is a first one.
            route.Kind = null;
            throw;
        }
    }

    // The first contact. Both are dialled at once, because silence on UDP takes the whole dial timeout to tell from a dead
    // peer, while TCP says at once that nobody listens: every listener of auto has both.
    private async Task<ITransportStream> RaceAsync(Peer peer, Route route, CancellationToken cancel)
    {
        Task<ITransportStream> quic = _quic!.OpenAsync(peer, cancel).AsTask();
        Task<ITransportStream> tls = _tls!.OpenAsync(peer, cancel).AsTask();
        await Task.WhenAny(quic, tls).ConfigureAwait(false);
        if (tls.IsFaulted && !quic.IsCompleted)
        {
            Drop(quic);
            return await tls.ConfigureAwait(false);
        }
        if (!quic.IsCompleted) await Task.WhenAny(quic, Task.Delay(QuicGrace, _options.Time, cancel)).ConfigureAwait(false);
        if (quic.IsCompletedSuccessfully)
        {
            route.Recover();
            Drop(tls);
            return await quic.ConfigureAwait(false);
        }
        ITransportStream stream;
        try
        {
            stream = await tls.ConfigureAwait(false);
        }
        finally
        {
            // Whatever has become of it: it may have opened just now.
            Drop(quic);
        }
        // Want of places says nothing of the protocol.
        if (quic.Exception?.InnerException is TransportException { Busy: true }) return stream;
        string reason = quic.Exception?.InnerException?.Message ?? $"no answer over QUIC within {QuicGrace.TotalSeconds:0.#} s";
        if (route.FallBack()) _fellBack?.Invoke(peer, reason);
        return stream;
    }

    private static void Drop(Task<ITransportStream> loser) =>
        _ = loser.ContinueWith(
            static t => t.IsCompletedSuccessfully ? t.Result.DisposeAsync().AsTask() : Task.FromResult(t.Exception),
            CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);

    private sealed class Route(TransportOptions options)
    {
        private readonly Lock _lock = new();
        private readonly GrowingPause _withoutQuic = new(options.FallbackMin, options.FallbackMax, options.Time);
        private bool _reported;

        public TransportKind? Kind { get; set; }

        public bool FellBack
        {
            get
            {
                lock (_lock) return _withoutQuic.HasFailed;
            }
        }

        public string? LastError { get; set; }

        public bool PrefersTls
        {
            get
            {
                lock (_lock) return _withoutQuic.IsOn;
            }
        }

        public void Recover()
        {
            lock (_lock) _withoutQuic.Succeed();
        }

        /// <summary>True the first time.</summary>
        public bool FallBack()
        {
            lock (_lock)
            {
                _withoutQuic.Fail();
                bool first = !_reported;
                _reported = true;
                return first;
            }
        }
    }
}
