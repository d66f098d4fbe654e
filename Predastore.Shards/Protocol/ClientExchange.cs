using Predastore.Shards.Transport;

namespace Predastore.Shards.Protocol;

/// <summary>One dialled stream with its frame reader and writer.</summary>
internal sealed class ClientExchange(ITransportStream stream, Peer peer) : IAsyncDisposable
{
    public ITransportStream Stream => stream;

    public Peer Peer => peer;

    public FrameReader Reader { get; } = new(stream);

    public FrameWriter Writer { get; } = new(stream);

    /// <summary>Reads the next header; an Error frame becomes its exception.</summary>
    public async ValueTask<FrameHeader> NextAsync(CancellationToken cancel)
    {
        FrameHeader header = await Reader.NextAsync(cancel).ConfigureAwait(false);
        if (header.Type == FrameType.Error && header.Last)
            throw Wire.DecodeError((await Reader.ReadControlAsync(ProtocolLimits.ControlBytesMax, cancel).ConfigureAwait(false)).Span);
        return header;
    }

    /// <summary>Reads the one frame that answers everything: of this type, and the last.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> AnswerAsync(FrameType type, CancellationToken cancel)
    {
        FrameHeader header = await NextAsync(cancel).ConfigureAwait(false);
        if (header.Type != type || !header.Last) throw Reader.Unexpected(header.Type);
        return await Reader.ReadControlAsync(ProtocolLimits.FrameBodyBytesMax, cancel).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await stream.DisposeAsync().ConfigureAwait(false);
        Reader.Dispose();
        Writer.Dispose();
    }
}
