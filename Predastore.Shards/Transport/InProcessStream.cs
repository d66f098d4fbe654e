using System.Buffers;
using System.IO.Pipelines;

namespace Predastore.Shards.Transport;

/// <summary>One end of a pair of pipes in memory. A writer waits while 256 KiB are unread.</summary>
internal sealed class InProcessStream : TransportStream
{
    private static readonly PipeOptions Options = new(
        pauseWriterThreshold: 256 << 10, resumeWriterThreshold: 128 << 10, minimumSegmentSize: 16 << 10, useSynchronizationContext: false);

    private readonly Shared _shared;
    private readonly PipeReader _input;
    private readonly PipeWriter _output;

    private InProcessStream(IdleWatch watch, Shared shared, Pipe input, Pipe output)
        : base(watch)
    {
        _shared = shared;
        _input = input.Reader;
        _output = output.Writer;
    }

    public override TransportKind Kind => TransportKind.InProcess;

    public static (InProcessStream A, InProcessStream B) Pair(IdleWatch watch)
    {
        var shared = new Shared(new Pipe(Options), new Pipe(Options));
        return (new InProcessStream(watch, shared, shared.One, shared.Two), new InProcessStream(watch, shared, shared.Two, shared.One));
    }

    protected override async ValueTask<int> ReadCoreAsync(Memory<byte> buffer, CancellationToken cancel)
    {
        ReadResult result = await _input.ReadAsync(cancel).ConfigureAwait(false);
        if (result.IsCanceled || _shared.Aborted) throw new IOException("the other side has given the exchange up");
        int length = (int)Math.Min(buffer.Length, result.Buffer.Length);
        ReadOnlySequence<byte> part = result.Buffer.Slice(0, length);
        part.CopyTo(buffer.Span);
        // From here on the segments of the part are somebody else's.
        _input.AdvanceTo(part.End);
        return length;
    }

    protected override async ValueTask WriteCoreAsync(ReadOnlyMemory<byte> bytes, bool last, CancellationToken cancel)
    {
        if (_shared.Aborted) throw new IOException("the other side has given the exchange up");
        FlushResult result = await _output.WriteAsync(bytes, cancel).ConfigureAwait(false);
        // A reader that has completed cleanly has read what it wanted; the rest of ours is not an error of the pipe.
        if (result.IsCanceled || _shared.Aborted) throw new IOException("the other side has given the exchange up");
        if (last) await _output.CompleteAsync().ConfigureAwait(false);
    }

    protected override void AbortCore() => _shared.Abort();

    protected override async ValueTask CloseCoreAsync(bool clean)
    {
        // Called once no operation of this end is under way: completing under a running write would recycle its memory.
        await _input.CompleteAsync().ConfigureAwait(false);
        await _output.CompleteAsync().ConfigureAwait(false);
    }

    private sealed class Shared(Pipe one, Pipe two)
    {
        private volatile bool _aborted;

        public Pipe One => one;

        public Pipe Two => two;

        public bool Aborted => _aborted;

        public void Abort()
        {
            _aborted = true;
            one.Reader.CancelPendingRead();
            two.Reader.CancelPendingRead();
            one.Writer.CancelPendingFlush();
            two.Writer.CancelPendingFlush();
        }
    }
}
