using Predastore.Shards.Transport;

namespace Predastore.Shards.Protocol;

/// <summary>One accepted stream with its frame reader and writer.</summary>
internal sealed class ServerExchange(ITransportStream stream, PeerIdentity peer) : IDisposable
{
    public ITransportStream Stream => stream;

    public PeerIdentity Peer => peer;

    public FrameReader Reader { get; } = new(stream);

    public FrameWriter Writer { get; } = new(stream);

    /// <summary>Answers with one frame, the last of this direction.</summary>
    public ValueTask EndAsync(FrameType type, ReadOnlyMemory<byte> body, CancellationToken cancel) =>
        Writer.WriteAsync(type, body, last: true, cancel);

    public void Dispose()
    {
        Reader.Dispose();
        Writer.Dispose();
    }
}
