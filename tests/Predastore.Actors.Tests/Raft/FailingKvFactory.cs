using Predastore.Shards.Disk;

namespace Predastore.Actors.Tests.Raft;

/// <summary>RocksDB whose next write fails, or whose writes are slow, when it is told so.</summary>
internal sealed class FailingKvFactory : IOrderedKvFactory
{
    private readonly RocksKvFactory _inner = new();
    private int _failures;

    /// <summary>Writes that failed.</summary>
    public int Failed { get; private set; }

    /// <summary>What every write takes longer than its disk does.</summary>
    public TimeSpan WriteDelay { get; set; }

    public void FailNextWrite() => Interlocked.Increment(ref _failures);

    public IOrderedKv Open(string directory, OrderedKvOptions options) => new Kv(this, _inner.Open(directory, options));

    public void Delete(string directory) => _inner.Delete(directory);

    private sealed class Kv(FailingKvFactory owner, IOrderedKv inner) : IOrderedKv
    {
        public byte[]? Get(ReadOnlySpan<byte> key) => inner.Get(key);

        public void Write(KvBatch batch, bool sync)
        {
            if (Volatile.Read(ref owner._failures) > 0)
            {
                Interlocked.Decrement(ref owner._failures);
                owner.Failed++;
                throw new IOException("the disk fails");
            }

            if (owner.WriteDelay > TimeSpan.Zero)
                Thread.Sleep(owner.WriteDelay);
            inner.Write(batch, sync);
        }

        public void Flush() => inner.Flush();

        public IKvView View() => inner.View();

        public void Dispose() => inner.Dispose();
    }
}
