using System.Buffers;

namespace Predastore.Shards.Protocol;

/// <summary>
/// A message and its reply, both streamed, possibly at the same time: one writer and one reader. Disposed before the message is
/// complete, it drops its connection and the peer's handler sees its input fail.
/// </summary>
public sealed class MessageExchange : IAsyncDisposable
{
    private readonly ClientExchange _exchange;
    private readonly FrameOutput _output;
    private readonly FrameInput _input;
    private bool _replied;

    internal MessageExchange(ClientExchange exchange)
    {
        _exchange = exchange;
        _output = new FrameOutput(exchange.Writer);
        _input = new FrameInput(exchange.Reader);
    }

    /// <summary>Takes the message's payload; asynchronous writes only.</summary>
    public Stream Output => _output;

    /// <summary>Sends the rest of the message and its end.</summary>
    public ValueTask CompleteAsync(CancellationToken cancel = default) => _output.CompleteAsync(cancel);

    /// <summary>Gives the exchange up; pending reads and writes fail. From any thread.</summary>
    public void Abort() => _exchange.Stream.Abort();

    /// <summary>
    /// Waits for the reply to begin and returns it as a stream; asynchronous reads only. What was written and not flushed is not
    /// sent by it: flush or complete the message first.
    /// </summary>
    /// <exception cref="ShardException">The peer refused the message; reading the stream may throw it too.</exception>
    public async ValueTask<Stream> ReplyAsync(CancellationToken cancel = default)
    {
        if (_replied) return _input;
        FrameHeader header = await _exchange.NextAsync(cancel).ConfigureAwait(false);
        if (header.Type != FrameType.Reply || header.Last || header.Length != 0) throw _exchange.Reader.Unexpected(header.Type);
        _replied = true;
        return _input;
    }

    /// <summary>The whole reply, in memory that is the caller's. A longer one than allowed is refused.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAllAsync(int bytesMax, CancellationToken cancel = default)
    {
        Stream reply = await ReplyAsync(cancel).ConfigureAwait(false);
        var all = new ArrayBufferWriter<byte>();
        while (true)
        {
            Memory<byte> room = all.GetMemory(4 << 10);
            int read = await reply.ReadAsync(room, cancel).ConfigureAwait(false);
            if (read == 0) return all.WrittenMemory;
            all.Advance(read);
            if (all.WrittenCount > bytesMax) throw new ShardException(ShardError.TooLarge, $"the reply exceeds {bytesMax} bytes");
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _exchange.DisposeAsync().ConfigureAwait(false);
        await _output.DisposeAsync().ConfigureAwait(false);
        await _input.DisposeAsync().ConfigureAwait(false);
    }
}
