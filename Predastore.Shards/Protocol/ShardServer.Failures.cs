using System.Buffers;
using Predastore.Shards.Transport;

namespace Predastore.Shards.Protocol;

public sealed partial class ShardServer
{
    // Answers a failure with an Error frame where the stream still works; otherwise the stream is aborted.
    private async Task FailAsync(ServerExchange exchange, Exception failure, CancellationToken cancel)
    {
        if (failure is not ShardException { Error: ShardError.NotFound }) _options.Failed?.Invoke(exchange.Peer, failure);
        if (failure is TransportException or OperationCanceledException || exchange.Writer.Ended)
        {
            exchange.Stream.Abort();
            return;
        }
        byte[] answer = failure switch
        {
            ShardException refused => Wire.EncodeError(refused.Error, refused.Message),
            FrameException { Fault: FrameFault.TooLong } broken => Wire.EncodeError(ShardError.TooLarge, broken.Message),
            FrameException broken => Wire.EncodeError(ShardError.Malformed, broken.Message),
            // The text of an unknown exception may hold a path: the peer learns nothing of it.
            _ => Wire.EncodeError(ShardError.Failed, "the request failed on the other node"),
        };
        try
        {
            await exchange.EndAsync(FrameType.Error, answer, cancel).ConfigureAwait(false);
            await DrainAsync(exchange, cancel).ConfigureAwait(false);
        }
        catch (Exception)
        {
            exchange.Stream.Abort();
        }
    }

    /// <summary>
    /// Reads on after an answer that came early: closing with unread bytes makes TCP reset the connection, which can destroy the
    /// answer on its way. A peer that ends its side in time keeps the connection; another loses it.
    /// </summary>
    private async Task DrainAsync(ServerExchange exchange, CancellationToken cancel)
    {
        if (exchange.Reader.Ended) return;
        using var limit = new CancellationTokenSource(_options.DrainTimeout, _options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        byte[] waste = new byte[16 << 10];
        long left = ProtocolLimits.DrainBytesMax;
        try
        {
            while (!exchange.Reader.Ended && left > 0)
            {
                if (exchange.Reader.Faulted)
                {
                    int raw = await exchange.Stream.ReadAsync(waste, either.Token).ConfigureAwait(false);
                    if (raw == 0) break;
                    left -= raw;
                    continue;
                }
                int read = await exchange.Reader.ReadBodyAsync(waste, either.Token).ConfigureAwait(false);
                left -= read;
                if (read > 0) continue;
                await exchange.Reader.NextAsync(either.Token).ConfigureAwait(false);
                left -= FrameHeader.Size;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
        }
        if (!exchange.Reader.Ended) exchange.Stream.Abort();
    }
}
