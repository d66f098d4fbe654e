using System.Buffers;

namespace Predastore.Shards.Protocol;

public sealed partial class ShardServer
{
    private async Task GetAsync(ServerExchange exchange, FrameHeader header, CancellationToken cancel)
    {
        GetShardRequest get = Wire.DecodeGetShard((await ControlAsync(exchange, header, last: true, cancel).ConfigureAwait(false)).Span);
        IShardSource source = await service.OpenShardAsync(get, exchange.Peer, cancel).ConfigureAwait(false)
            ?? throw new ShardException(ShardError.NotFound, "the shard is not on this disk");
        await using (source.ConfigureAwait(false))
        {
            if (get.Offset > source.Length)
                throw new ShardException(ShardError.Malformed, $"offset {get.Offset} is past the end of a shard of {source.Length} bytes");
            long left = source.Length - get.Offset;
            if (get.Length != GetShardRequest.ToEnd) left = Math.Min(left, get.Length);
            byte[] found = Wire.EncodeFound(source.Length, left, source.AttemptId);
            await exchange.Writer.WriteAsync(FrameType.Found, found, last: left == 0, cancel).ConfigureAwait(false);
            if (left > 0) await SendAsync(exchange, source, get.Offset, left, cancel).ConfigureAwait(false);
        }
    }

    private static async Task SendAsync(ServerExchange exchange, IShardSource source, long offset, long left, CancellationToken cancel)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(FrameWriter.InPlaceRoom + ProtocolLimits.DataFrameBytes);
        while (left > 0)
        {
            int part = (int)Math.Min(left, ProtocolLimits.DataFrameBytes);
            Memory<byte> body = buffer.AsMemory(FrameWriter.InPlaceRoom, part);
            for (int filled = 0; filled < part;)
            {
                int read = await source.ReadAsync(offset + filled, body[filled..], cancel).ConfigureAwait(false);
                if (read == 0) throw new InvalidOperationException($"the shard ends at {offset + filled}, before its own length");
                filled += read;
            }
            offset += part;
            left -= part;
            await exchange.Writer.WriteInPlaceAsync(FrameType.Data, buffer, part, last: left == 0, cancel).ConfigureAwait(false);
        }
        // Not in a finally: after a failed read or write somebody may still hold the buffer.
        ArrayPool<byte>.Shared.Return(buffer);
    }
}
