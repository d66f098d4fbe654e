using Predastore.Shards;

namespace Predastore.Actors.Tests.Streams;

/// <summary>Bytes, then nothing more until it is cancelled.</summary>
internal sealed class StallingBody(int bytes) : ForwardStream
{
    private int _left = bytes;
    private int _pending;

    public bool Stalled { get; private set; }

    public int Pending => Volatile.Read(ref _pending);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_left > 0)
        {
            int count = Math.Min(buffer.Length, _left);
            _left -= count;
            return count;
        }

        Interlocked.Increment(ref _pending);
        Stalled = true;
        try
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return 0;
        }
        finally
        {
            Interlocked.Decrement(ref _pending);
        }
    }
}
