using Predastore.Shards.Transport;

namespace Predastore.Shards.Protocol;

/// <summary>
/// The server side of the shard protocol: reads one request from a stream, asks the service, answers. It is the
/// <see cref="StreamHandler"/> of every kind of listener. One request per stream; whatever the peer sends, it ends in an answer,
/// a typed refusal or an aborted stream, never in an exception that reaches the listener. Thread-safe.
/// </summary>
public sealed partial class ShardServer(IShardService service, ShardServerOptions? options = null)
{
    private readonly ShardServerOptions _options = options ?? new ShardServerOptions();
    private int _exchanges;

    /// <summary>Exchanges under way.</summary>
    public int Exchanges => Volatile.Read(ref _exchanges);

    /// <summary>Serves one exchange.</summary>
    public async Task HandleAsync(ITransportStream stream, PeerIdentity peer, CancellationToken cancel)
    {
        int now = Interlocked.Increment(ref _exchanges);
        try
        {
            using var exchange = new ServerExchange(stream, peer);
            try
            {
                if (now > _options.ExchangesMax)
                    throw new ShardException(ShardError.Busy, $"{_options.ExchangesMax} exchanges are under way on this node");
                await DispatchAsync(exchange, cancel).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                await FailAsync(exchange, e, cancel).ConfigureAwait(false);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _exchanges);
        }
    }

    private async Task DispatchAsync(ServerExchange exchange, CancellationToken cancel)
    {
        FrameHeader header = await exchange.Reader.NextAsync(cancel).ConfigureAwait(false);
        switch (header.Type)
        {
            case FrameType.PutShard:
                await PutAsync(exchange, header, cancel).ConfigureAwait(false);
                break;
            case FrameType.GetShard:
                await GetAsync(exchange, header, cancel).ConfigureAwait(false);
                break;
            case FrameType.DeleteShards:
                DeleteShardsRequest delete = Wire.DecodeDeleteShards((await BatchAsync(exchange, header, cancel).ConfigureAwait(false)).Span);
                IReadOnlyList<DeleteOutcome> outcomes = await service.DeleteAsync(delete, exchange.Peer, cancel).ConfigureAwait(false);
                RequireAll(outcomes.Count, delete.Shards.Count);
                await exchange.EndAsync(FrameType.Deleted, Wire.Encode(outcomes), cancel).ConfigureAwait(false);
                break;
            case FrameType.StatShards:
                StatShardsRequest stat = Wire.DecodeStatShards((await BatchAsync(exchange, header, cancel).ConfigureAwait(false)).Span);
                IReadOnlyList<ShardRow?> stats = await service.StatAsync(stat, exchange.Peer, cancel).ConfigureAwait(false);
                RequireAll(stats.Count, stat.Shards.Count);
                await exchange.EndAsync(FrameType.Stats, Wire.Encode(stats), cancel).ConfigureAwait(false);
                break;
            case FrameType.ListShards:
                ListShardsRequest list = Wire.DecodeListShards((await ControlAsync(exchange, header, last: true, cancel).ConfigureAwait(false)).Span);
                ShardPage page = await service.ListAsync(list, exchange.Peer, cancel).ConfigureAwait(false);
                await exchange.EndAsync(FrameType.Rows, Wire.Encode(page), cancel).ConfigureAwait(false);
                break;
            case FrameType.Message:
                await MessageAsync(exchange, header, cancel).ConfigureAwait(false);
                break;
            case FrameType.Ping:
                ulong nonce = Wire.DecodePing((await ControlAsync(exchange, header, last: true, cancel).ConfigureAwait(false)).Span);
                await exchange.EndAsync(FrameType.Pong, Wire.EncodePing(nonce), cancel).ConfigureAwait(false);
                break;
            default:
                throw exchange.Reader.Unexpected(header.Type);
        }
    }

    private async Task MessageAsync(ServerExchange exchange, FrameHeader header, CancellationToken cancel)
    {
        uint kind = Wire.DecodeMessage((await ControlAsync(exchange, header, last: false, cancel).ConfigureAwait(false)).Span);
        var input = new FrameInput(exchange.Reader);
        var output = new FrameOutput(exchange.Writer);
        await using (input.ConfigureAwait(false))
        await using (output.ConfigureAwait(false))
        {
            await exchange.Writer.WriteAsync(FrameType.Reply, default, last: false, cancel).ConfigureAwait(false);
            await service.HandleMessageAsync(kind, input, output, exchange.Peer, cancel).ConfigureAwait(false);
            await output.CompleteAsync(cancel).ConfigureAwait(false);
        }
        // A handler may answer without having read everything; the connection is then drained or dropped.
        if (!exchange.Reader.Ended) await DrainAsync(exchange, cancel).ConfigureAwait(false);
    }

    private static ValueTask<ReadOnlyMemory<byte>> BatchAsync(ServerExchange exchange, FrameHeader header, CancellationToken cancel) =>
        header.Last
            ? exchange.Reader.ReadControlAsync(ProtocolLimits.FrameBodyBytesMax, cancel)
            : throw exchange.Reader.Unexpected(header.Type);

    private static ValueTask<ReadOnlyMemory<byte>> ControlAsync(
        ServerExchange exchange, FrameHeader header, bool last, CancellationToken cancel) =>
        header.Last == last
            ? exchange.Reader.ReadControlAsync(ProtocolLimits.ControlBytesMax, cancel)
            : throw exchange.Reader.Unexpected(header.Type);

    private static void RequireAll(int answered, int asked)
    {
        if (answered != asked) throw new InvalidOperationException($"the service answered {answered} of {asked}");
    }
}
