using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using Predastore.Shards.Transport;

namespace Predastore.Shards.Protocol;

/// <summary>
/// The client side of the shard protocol, over any transport. A refusal by the peer is a <see cref="ShardException"/>; a peer that
/// cannot be reached, vanishes or stalls is a <see cref="TransportException"/>; a peer that breaks the protocol is a
/// <see cref="FrameException"/>. The last two are both <see cref="IOException"/>. Cancelling a call drops its connection.
/// Thread-safe. The transport stays the caller's.
/// </summary>
public sealed class ShardClient(ITransport transport, TimeProvider? time = null)
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>
    /// Begins to store a shard. It returns without waiting for the peer: a refusal shows in the first write that meets it, or in
    /// the commit. The caller disposes the upload, which aborts it unless it was committed.
    /// </summary>
    public async ValueTask<ShardUpload> PutShardAsync(Peer peer, PutShardRequest request, CancellationToken cancel = default)
    {
        ClientExchange exchange = await OpenAsync(peer, cancel).ConfigureAwait(false);
        try
        {
            await exchange.Writer.WriteAsync(FrameType.PutShard, Wire.Encode(request), last: false, cancel).ConfigureAwait(false);
            return new ShardUpload(exchange, _time);
        }
        catch
        {
            await exchange.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Opens a range of a shard; null if the peer does not have it. The caller disposes the download.</summary>
    public ValueTask<ShardDownload?> GetShardAsync(Peer peer, GetShardRequest request, CancellationToken cancel = default) =>
        RetryStaleAsync(peer, request, static async (exchange, request, cancel) =>
        {
            await exchange.Writer.WriteAsync(FrameType.GetShard, Wire.Encode(request), last: true, cancel).ConfigureAwait(false);
            try
            {
                FrameHeader header = await exchange.NextAsync(cancel).ConfigureAwait(false);
                if (header.Type != FrameType.Found) throw exchange.Reader.Unexpected(header.Type);
                ReadOnlyMemory<byte> body = await exchange.Reader.ReadControlAsync(ProtocolLimits.ControlBytesMax, cancel).ConfigureAwait(false);
                return (ShardDownload?)new ShardDownload(exchange, Wire.DecodeFound(body.Span));
            }
            catch (ShardException e) when (e.Error == ShardError.NotFound)
            {
                return null;
            }
        }, keepOpen: static download => download is not null, cancel);

    /// <summary>Deletes shards; one outcome for each, in order. Asking twice is harmless.</summary>
    public ValueTask<DeleteOutcome[]> DeleteAsync(Peer peer, DeleteShardsRequest request, CancellationToken cancel = default) =>
        AskAsync(peer, FrameType.DeleteShards, Wire.Encode(request), FrameType.Deleted, bytes =>
        {
            DeleteOutcome[] outcomes = Wire.DecodeDeleted(bytes.Span);
            return outcomes.Length == request.Shards.Count ? outcomes : throw BodyReader.Bad("as many outcomes as shards were due");
        }, cancel);

    /// <summary>What the peer holds: the newest attempt of each shard or null, in order.</summary>
    public ValueTask<ShardRow?[]> StatAsync(Peer peer, StatShardsRequest request, CancellationToken cancel = default) =>
        AskAsync(peer, FrameType.StatShards, Wire.Encode(request), FrameType.Stats, bytes =>
        {
            ShardRow?[] stats = Wire.DecodeStats(bytes.Span);
            return stats.Length == request.Shards.Count ? stats : throw BodyReader.Bad("as many rows as shards were due");
        }, cancel);

    /// <summary>One page of the index of a disk.</summary>
    public ValueTask<ShardPage> ListAsync(Peer peer, ListShardsRequest request, CancellationToken cancel = default) =>
        AskAsync(peer, FrameType.ListShards, Wire.Encode(request), FrameType.Rows, static bytes => Wire.DecodeRows(bytes.Span), cancel);

    /// <summary>Asks the peer to answer, and returns how long that took.</summary>
    public async ValueTask<TimeSpan> PingAsync(Peer peer, CancellationToken cancel = default)
    {
        ulong nonce = BinaryPrimitives.ReadUInt64BigEndian(RandomNumberGenerator.GetBytes(8));
        long start = TimeProvider.System.GetTimestamp();
        ulong echo = await AskAsync(
            peer, FrameType.Ping, Wire.EncodePing(nonce), FrameType.Pong, static bytes => Wire.DecodePing(bytes.Span), cancel).ConfigureAwait(false);
        return echo == nonce ? TimeProvider.System.GetElapsedTime(start) : throw BodyReader.Bad("another ping's answer");
    }

    /// <summary>
    /// Sends a message that fits into memory and returns the reply. It is sent once: whether the peer handled it is unknown
    /// after a <see cref="TransportException"/>.
    /// </summary>
    /// <exception cref="ShardException"><see cref="ShardError.TooLarge"/>: message or reply exceed
    /// <see cref="ProtocolLimits.MessageBytesMax"/>.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> SendMessageAsync(
        Peer peer, uint kind, ReadOnlyMemory<byte> payload, CancellationToken cancel = default)
    {
        if (payload.Length > ProtocolLimits.MessageBytesMax)
            throw new ShardException(ShardError.TooLarge, $"a message of {payload.Length} bytes exceeds the limit of {ProtocolLimits.MessageBytesMax}");
        await using MessageExchange message = await OpenMessageAsync(peer, kind, cancel).ConfigureAwait(false);
        // A handler may answer while it reads: a sender that only writes would wait for it, and it for the sender.
        Task sending = SendAllAsync(message, payload, cancel);
        try
        {
            return await message.ReadAllAsync(ProtocolLimits.MessageBytesMax, cancel).ConfigureAwait(false);
        }
        finally
        {
            // The answer is whole, or there will be none: what is not sent by now nobody wants.
            if (!sending.IsCompleted) message.Abort();
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Begins a message of any length; both directions are streamed. The caller disposes the exchange.</summary>
    public async ValueTask<MessageExchange> OpenMessageAsync(Peer peer, uint kind, CancellationToken cancel = default)
    {
        ClientExchange exchange = await OpenAsync(peer, cancel).ConfigureAwait(false);
        try
        {
            await exchange.Writer.WriteAsync(FrameType.Message, Wire.EncodeMessage(kind), last: false, cancel).ConfigureAwait(false);
            return new MessageExchange(exchange);
        }
        catch
        {
            await exchange.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task SendAllAsync(MessageExchange message, ReadOnlyMemory<byte> payload, CancellationToken cancel)
    {
        await message.Output.WriteAsync(payload, cancel).ConfigureAwait(false);
        await message.CompleteAsync(cancel).ConfigureAwait(false);
    }

    private ValueTask<T> AskAsync<T>(
        Peer peer, FrameType ask, byte[] body, FrameType answer, Func<ReadOnlyMemory<byte>, T> decode, CancellationToken cancel) =>
        RetryStaleAsync(peer, (ask, body, answer, decode), static async (exchange, call, cancel) =>
        {
            await exchange.Writer.WriteAsync(call.ask, call.body, last: true, cancel).ConfigureAwait(false);
            return call.decode(await exchange.AnswerAsync(call.answer, cancel).ConfigureAwait(false));
        }, keepOpen: static _ => false, cancel);

    // A pooled connection can die while it is unused. Requests that may be carried out twice are sent again, once.
    private async ValueTask<T> RetryStaleAsync<T, TCall>(
        Peer peer, TCall call, Func<ClientExchange, TCall, CancellationToken, ValueTask<T>> run, Func<T, bool> keepOpen, CancellationToken cancel)
    {
        for (bool retried = false; ; retried = true)
        {
            ClientExchange exchange = await OpenAsync(peer, cancel).ConfigureAwait(false);
            bool keep = false;
            try
            {
                T result = await run(exchange, call, cancel).ConfigureAwait(false);
                keep = keepOpen(result);
                return result;
            }
            catch (Exception e) when (!retried && exchange.Stream.Reused
                && e is TransportException { Stalled: false } or FrameException { Fault: FrameFault.Truncated })
            {
            }
            finally
            {
                if (!keep) await exchange.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private async ValueTask<ClientExchange> OpenAsync(Peer peer, CancellationToken cancel) =>
        new(await transport.OpenAsync(peer, cancel).ConfigureAwait(false), peer);
}
