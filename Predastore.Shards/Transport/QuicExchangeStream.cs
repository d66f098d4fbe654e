using System.Net.Quic;
using System.Runtime.Versioning;

namespace Predastore.Shards.Transport;

/// <summary>One exchange on a QUIC stream of its own.</summary>
[SupportedOSPlatform("linux")]
[SupportedOSPlatform("macos")]
[SupportedOSPlatform("windows")]
internal sealed class QuicExchangeStream : TransportStream
{
    // The library takes writes into a buffer of its own, so that a short one proves nothing of the peer. But the buffer is bounded, and
    // only acknowledgements make room in it: of a long upload, which reads nothing meanwhile, they are the sign of life.
    private const int TakenBytesPerSign = 1 << 20;

    private readonly QuicStream _stream;
    private readonly bool _reused;
    private readonly Action _heard;
    private readonly Action _closed;
    private int _taken;

    /// <param name="watch">Watches for stalls.</param>
    /// <param name="stream">The stream, owned.</param>
    /// <param name="reused">Its connection carried exchanges before.</param>
    /// <param name="heard">Called when bytes have arrived, and now and then while many are sent.</param>
    /// <param name="closed">Called once the stream has ended on both sides.</param>
    public QuicExchangeStream(IdleWatch watch, QuicStream stream, bool reused, Action heard, Action closed)
        : base(watch)
    {
        _stream = stream;
        _reused = reused;
        _heard = heard;
        _closed = closed;
    }

    public override TransportKind Kind => TransportKind.Quic;

    public override bool Reused => _reused;

    protected override async ValueTask<int> ReadCoreAsync(Memory<byte> buffer, CancellationToken cancel)
    {
        int read = await _stream.ReadAsync(buffer, cancel).ConfigureAwait(false);
        _heard();
        return read;
    }

    protected override async ValueTask WriteCoreAsync(ReadOnlyMemory<byte> bytes, bool last, CancellationToken cancel)
    {
        await _stream.WriteAsync(bytes, last, cancel).ConfigureAwait(false);
        _taken += bytes.Length;
        if (_taken < TakenBytesPerSign) return;
        _taken = 0;
        _heard();
    }

    protected override void AbortCore() => _stream.Abort(QuicAbortDirection.Both, QuicSupport.AbortCode);

    protected override ValueTask CloseCoreAsync(bool clean)
    {
        // Disposing waits for the peer's acknowledgement; whoever has its answer should not.
        _ = CloseAsync();
        return default;
    }

    private async Task CloseAsync()
    {
        try
        {
            await _stream.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // The connection is gone, and the stream with it.
        }
        finally
        {
            _closed();
        }
    }
}
