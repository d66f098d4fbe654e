using Predastore.Shards.Protocol;

namespace Predastore.Actors.Streams;

/// <summary>
/// One shard on its way to one storage id. Once anything failed it is dead and stays so. One send at a time; disposed without a
/// commit that returned, it aborts.
/// </summary>
internal sealed class ShardTarget(
    PutShardRequest request, IShardSink sink, IShardAccess shards, UploadLimits limits, CancellationToken cancel) : IAsyncDisposable
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _sending = Task.CompletedTask;
    private long _length;

    /// <summary>What the storage id was asked.</summary>
    public PutShardRequest Request => request;

    /// <summary>Index of the shard.</summary>
    public int Shard => (int)request.ShardIndex;

    /// <summary>The first failure, or null.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>True once every byte of the object was sent.</summary>
    public bool Complete { get; private set; }

    /// <summary>True once the shard is durable.</summary>
    public bool Committed { get; private set; }

    /// <summary>Ends with the stage that feeds this shard.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Sends this shard's part of a batch and gives one reference to the batch back when the I/O has ended.</summary>
    public Task SendAsync(ShardBatch batch) => _sending = SendCoreAsync(batch);

    /// <summary>Says that the stage has ended; <paramref name="complete"/> if it sent everything.</summary>
    public void EndStage(bool complete)
    {
        Complete = complete;
        _ended.TrySetResult();
    }

    /// <summary>Says that the graph failed before this shard.</summary>
    public void Abandon(Exception cause) => Failure ??= cause;

    /// <summary>Waits until no send reads a buffer any more.</summary>
    public async Task QuiesceAsync() => await _sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    /// <summary>Makes the shard durable. Does not throw: see <see cref="Committed"/> and <see cref="Failure"/>.</summary>
    public async Task CommitAsync(byte[] digest)
    {
        if (Failure is not null || !Complete)
            return;
        using var limit = new Deadline(limits.CommitMax, limits.Time, cancel);
        try
        {
            await sink.CommitAsync(_length, Digests.ToNumber(digest), limit.Token).ConfigureAwait(false);
            Committed = true;
        }
        catch (Exception error)
        {
            Fail(error);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => sink.DisposeAsync();

    private async Task SendCoreAsync(ShardBatch batch)
    {
        using var limit = new Deadline(limits.SilenceMax, limits.Time, cancel);
        try
        {
            ReadOnlyMemory<byte> bytes = batch.Sealed(Shard);
            await sink.WriteAsync(bytes, limit.Token).ConfigureAwait(false);
            _length += bytes.Length;
        }
        catch (Exception error)
        {
            Fail(error);
            throw;
        }
        finally
        {
            batch.Release();
        }
    }

    private void Fail(Exception error)
    {
        Failure ??= error;
        if (error is OperationCanceledException && !cancel.IsCancellationRequested)
            shards.Suspect(request.StorageId);
    }
}
