using Predastore.Shards;

namespace Predastore.Actors.Maintenance;

/// <summary>A body that waits before it hands on what it read: whoever uploads it moves no more than the pace allows.</summary>
/// <param name="body">What is read; its owner disposes it.</param>
/// <param name="pace">Takes the bytes of one read.</param>
internal sealed class PacedStream(Stream body, Func<long, Task> pace) : ForwardStream
{
    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read = await body.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        await pace(read).ConfigureAwait(false);
        return read;
    }
}
