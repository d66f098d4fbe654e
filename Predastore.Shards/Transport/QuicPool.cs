using System.Runtime.Versioning;

namespace Predastore.Shards.Transport;

/// <summary>The connections to one peer: a few long-lived ones, used in turn, dialled when first needed. Thread-safe.</summary>
[SupportedOSPlatform("linux")]
[SupportedOSPlatform("macos")]
[SupportedOSPlatform("windows")]
internal sealed class QuicPool : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Task<QuicLink>?[] _links;
    private readonly StreamPlaces _places;
    private readonly DialBackoff _backoff;
    private readonly Peer _peer;
    private readonly ClusterTrust _trust;
    private readonly TransportOptions _options;
    private readonly IdleWatch _watch;
    private readonly CancellationToken _stop;
    private uint _turn;

    public QuicPool(Peer peer, ClusterTrust trust, TransportOptions options, IdleWatch watch, CancellationToken stop)
    {
        _peer = peer;
        _trust = trust;
        _options = options;
        _watch = watch;
        _stop = stop;
        _links = new Task<QuicLink>?[options.QuicConnectionsPerPeer];
        _places = new StreamPlaces(peer, options);
        _backoff = new DialBackoff(options);
    }

    public async ValueTask<ITransportStream> OpenAsync(CancellationToken cancel)
    {
        await _places.TakeAsync(cancel).ConfigureAwait(false);
        try
        {
            uint slot = Interlocked.Increment(ref _turn) % (uint)_links.Length;
            (QuicLink link, bool dialled) = await EnterAsync(slot, cancel).ConfigureAwait(false);
            try
            {
                return await link.OpenEnteredAsync(Release, cancel).ConfigureAwait(false);
            }
            catch (TransportException) when (!dialled)
            {
                // The connection died while nobody used it. Nothing was written: a fresh one takes its place.
                Forget(slot, link);
            }
            (link, _) = await EnterAsync(slot, cancel).ConfigureAwait(false);
            return await link.OpenEnteredAsync(Release, cancel).ConfigureAwait(false);
        }
        catch
        {
            _places.Release();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Task<QuicLink>? dial in _links)
            if (dial is { IsCompletedSuccessfully: true }) await (await dial.ConfigureAwait(false)).CloseAsync().ConfigureAwait(false);
    }

    private async Task<(QuicLink Link, bool Dialled)> EnterAsync(uint slot, CancellationToken cancel)
    {
        while (true)
        {
            Task<QuicLink>? dial;
            bool mine = false;
            lock (_lock)
            {
                dial = _links[slot];
                if (dial is null || dial.IsFaulted || dial.IsCanceled)
                {
                    _backoff.ThrowIfTooEarly(_peer);
                    // Shared by all who wait for it, so it must not end with the first of them.
                    _links[slot] = dial = DialAsync();
                    mine = true;
                }
            }
            QuicLink link = await dial.WaitAsync(cancel).ConfigureAwait(false);
            if (link.TryEnter()) return (link, mine);
            Forget(slot, link);
        }
    }

    private void Forget(uint slot, QuicLink link)
    {
        lock (_lock)
        {
            if (_links[slot] is { IsCompletedSuccessfully: true } dial && dial.Result == link) _links[slot] = null;
        }
        link.Retire();
    }

    private async Task<QuicLink> DialAsync()
    {
        try
        {
            QuicLink link = await QuicLink.DialAsync(_peer, _trust, _options, _watch, _stop).ConfigureAwait(false);
            _backoff.Succeeded();
            return link;
        }
        catch (TransportException e)
        {
            _backoff.Failed(e.Message);
            throw;
        }
    }

    private void Release() => _places.Release();
}
