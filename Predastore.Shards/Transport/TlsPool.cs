namespace Predastore.Shards.Transport;

/// <summary>The connections to one peer. Thread-safe.</summary>
internal sealed class TlsPool : IDisposable
{
    private readonly Lock _lock = new();

    // Oldest first: the newest is used, so that those not needed grow old and are closed.
    private readonly List<TlsConnection> _idle = [];
    private readonly StreamPlaces _places;
    private readonly DialBackoff _backoff;
    private readonly Peer _peer;
    private readonly ClusterTrust _trust;
    private readonly TransportOptions _options;
    private readonly IdleWatch _watch;
    private bool _disposed;

    public TlsPool(Peer peer, ClusterTrust trust, TransportOptions options, IdleWatch watch)
    {
        _peer = peer;
        _trust = trust;
        _options = options;
        _watch = watch;
        _places = new StreamPlaces(peer, options);
        _backoff = new DialBackoff(options);
    }

    public async ValueTask<ITransportStream> OpenAsync(CancellationToken cancel)
    {
        await _places.TakeAsync(cancel).ConfigureAwait(false);
        try
        {
            TlsConnection connection = TakeIdle() ?? await DialAsync(cancel).ConfigureAwait(false);
            return new TlsStream(_watch, connection, default, Release);
        }
        catch
        {
            _places.Release();
            throw;
        }
    }

    /// <summary>Closes what was not used for too long.</summary>
    public void Trim()
    {
        var old = new List<TlsConnection>();
        lock (_lock)
        {
            int keep = _idle.FindIndex(c => _options.Time.GetElapsedTime(c.UsedAt) < _options.PooledIdle);
            if (keep < 0) keep = _idle.Count;
            old.AddRange(_idle[..keep]);
            _idle.RemoveRange(0, keep);
        }
        foreach (TlsConnection connection in old) connection.Dispose();
    }

    public void Dispose()
    {
        List<TlsConnection> idle;
        lock (_lock)
        {
            _disposed = true;
            idle = [.. _idle];
            _idle.Clear();
        }
        foreach (TlsConnection connection in idle) connection.Dispose();
    }

    private TlsConnection? TakeIdle()
    {
        while (true)
        {
            TlsConnection connection;
            lock (_lock)
            {
                if (_idle.Count == 0) return null;
                connection = _idle[^1];
                _idle.RemoveAt(_idle.Count - 1);
            }
            // Nothing was written on it yet, so a stale one is replaced without anybody noticing.
            if (_options.Time.GetElapsedTime(connection.UsedAt) < _options.PooledIdle && !connection.IsStale) return connection;
            connection.Dispose();
        }
    }

    private async Task<TlsConnection> DialAsync(CancellationToken cancel)
    {
        _backoff.ThrowIfTooEarly(_peer);
        try
        {
            TlsConnection connection = await TlsConnection.DialAsync(_peer, _trust, ClusterTrust.Alpn, _options, cancel).ConfigureAwait(false);
            _backoff.Succeeded();
            return connection;
        }
        catch (TransportException e)
        {
            _backoff.Failed(e.Message);
            throw;
        }
    }

    private void Release(TlsConnection connection, bool reusable)
    {
        bool kept = false;
        if (reusable)
        {
            connection.UsedAt = _options.Time.GetTimestamp();
            lock (_lock)
            {
                kept = !_disposed && _idle.Count < _options.PooledPerPeerMax;
                if (kept) _idle.Add(connection);
            }
        }
        if (!kept) connection.Dispose();
        _places.Release();
    }
}
