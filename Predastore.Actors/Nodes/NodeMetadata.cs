using Predastore.Actors.Client;
using Predastore.Actors.Metadata;

namespace Predastore.Actors.Nodes;

/// <summary>The replica of this process while it can answer, else those of other nodes.</summary>
/// <param name="local">The local replica, or null.</param>
/// <param name="localAnswers">True while it can answer.</param>
/// <param name="remote">The others.</param>
/// <param name="time">Clock of retries.</param>
internal sealed class NodeMetadata(IMetadata? local, Func<bool> localAnswers, IMetadata remote, TimeProvider time) : IMetadata
{
    private IMetadata Nearest => local is not null && localAnswers() ? local : remote;

    /// <inheritdoc/>
    public Task<CommandResult> ProposeAsync(Command command, TimeSpan timeout, CancellationToken cancel)
        => Nearest.ProposeAsync(command, timeout, cancel);

    /// <inheritdoc/>
    public async Task<QueryResult> QueryAsync(Query query, TimeSpan timeout, CancellationToken cancel)
    {
        long started = time.GetTimestamp();
        while (true)
        {
            TimeSpan left = timeout - time.GetElapsedTime(started);
            try
            {
                return await Nearest.QueryAsync(query, left > TimeSpan.Zero ? left : TimeSpan.FromMilliseconds(1), cancel)
                    .ConfigureAwait(false);
            }
            catch (StoreException error) when (error.Failure == StoreFailure.Unavailable && left > RetryAfter)
            {
                // Between two leaders a read only has to wait; a client would give up or ask from the start.
                await Task.Delay(RetryAfter, time, cancel).ConfigureAwait(false);
            }
        }
    }

    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(50);
}
