using System.Buffers;

namespace Predastore.Shards.Protocol;

public sealed partial class ShardServer
{
    private async Task PutAsync(ServerExchange exchange, FrameHeader header, CancellationToken cancel)
    {
        PutShardRequest put = Wire.DecodePutShard((await ControlAsync(exchange, header, last: false, cancel).ConfigureAwait(false)).Span);
        IShardSink sink = await service.BeginPutAsync(put, exchange.Peer, cancel).ConfigureAwait(false);
        // Whatever ends this method early, the peer vanishing included, the sink is disposed uncommitted and so aborts.
        await using (sink.ConfigureAwait(false))
        {
            exchange.Stream.AllowSilence(ProtocolLimits.UploadSilenceMax);
            await exchange.Writer.WriteAsync(FrameType.Accepted, default, last: false, cancel).ConfigureAwait(false);
            byte[] buffer = ArrayPool<byte>.Shared.Rent(ProtocolLimits.DataFrameBytes);
            bool committed = false;
            try
            {
                committed = await TakeAsync(exchange, sink, buffer, cancel).ConfigureAwait(false);
            }
            finally
            {
                // After a failed or cancelled read the transport may still write into the buffer.
                if (committed || !exchange.Reader.Faulted && exchange.Reader.Ended) ArrayPool<byte>.Shared.Return(buffer);
            }
            await exchange.EndAsync(committed ? FrameType.Committed : FrameType.Abort, default, cancel).ConfigureAwait(false);
        }
    }

    // Data frames until the peer commits (true, and the shard is durable) or aborts (false).
    private static async Task<bool> TakeAsync(ServerExchange exchange, IShardSink sink, byte[] buffer, CancellationToken cancel)
    {
        long received = 0;
        while (true)
        {
            ValueTask<FrameHeader> next = exchange.Reader.NextAsync(cancel);
            // The peer may be waiting for Accepted; where its frames are here already, Accepted travels with the final answer.
            if (!next.IsCompleted) await exchange.Writer.FlushAsync(cancel).ConfigureAwait(false);
            FrameHeader header = await next.ConfigureAwait(false);
            switch (header.Type)
            {
                case FrameType.Data when !header.Last:
                    received += header.Length;
                    await TakeDataAsync(exchange, sink, buffer, cancel).ConfigureAwait(false);
                    break;
                case FrameType.Commit when header.Last:
                    (long length, UInt128 digest) =
                        Wire.DecodeCommit((await ControlAsync(exchange, header, last: true, cancel).ConfigureAwait(false)).Span);
                    if (length != received)
                        throw new ShardException(ShardError.Mismatch, $"{received} bytes arrived where {length} were committed");
                    await sink.CommitAsync(length, digest, cancel).ConfigureAwait(false);
                    return true;
                case FrameType.Abort when header.Last && header.Length == 0:
                    return false;
                default:
                    throw exchange.Reader.Unexpected(header.Type);
            }
        }
    }

    private static async ValueTask TakeDataAsync(ServerExchange exchange, IShardSink sink, byte[] buffer, CancellationToken cancel)
    {
        while (exchange.Reader.BodyLeft > 0)
        {
            int part = Math.Min(exchange.Reader.BodyLeft, ProtocolLimits.DataFrameBytes);
            await exchange.Reader.ReadExactlyAsync(buffer.AsMemory(0, part), cancel).ConfigureAwait(false);
            await sink.WriteAsync(buffer.AsMemory(0, part), cancel).ConfigureAwait(false);
        }
    }
}
