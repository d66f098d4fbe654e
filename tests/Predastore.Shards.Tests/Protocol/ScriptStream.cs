using Predastore.Shards.Transport;

namespace Predastore.Shards.Tests.Protocol;

/// <summary>A stream whose other side has said everything already; what is written to it is kept.</summary>
internal sealed class ScriptStream(byte[] input, int stepBytes = int.MaxValue) : ITransportStream
{
    private readonly MemoryStream _output = new();
    private int _at;

    public TransportKind Kind => TransportKind.InProcess;

    public bool Reused => false;

    public byte[] Output => _output.ToArray();

    public bool Aborted { get; private set; }

    public void AllowSilence(TimeSpan? limit)
    {
    }

    public bool Ended { get; private set; }

    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancel)
    {
        int length = Math.Min(Math.Min(buffer.Length, stepBytes), input.Length - _at);
        input.AsMemory(_at, length).CopyTo(buffer);
        _at += length;
        return new(length);
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, bool last, CancellationToken cancel)
    {
        _output.Write(bytes.Span);
        Ended |= last;
        return default;
    }

    public void CompleteReads()
    {
    }

    public void Abort() => Aborted = true;

    public ValueTask DisposeAsync() => default;
}
