using Predastore.Actors.Metadata;

namespace Predastore.Actors.Client;

/// <summary>
/// Gives a command its write id and brings it to a definite outcome: the same write id is retried for as long as the process lives,
/// so that a write once proposed is never given up on in doubt. Thread-safe.
/// </summary>
public sealed class Proposer(IMetadata metadata, SessionHolder sessions, TimeProvider time) : IDisposable
{
    /// <summary>Feature level of the commands this program proposes.</summary>
    public const uint FeatureLevel = 1;

    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BackoffMin = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan BackoffMax = TimeSpan.FromMilliseconds(500);

    private readonly CancellationTokenSource _stopping = new();

    /// <summary>How long a caller waits for the definite outcome before it is told that it is unknown.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The session that write ids come from.</summary>
    public SessionHolder Sessions => sessions;

    /// <summary>Runs a command under a fresh write id.</summary>
    public Task<CommandResult> RunAsync(Command command, CancellationToken cancel)
    {
        WriteSession session = sessions.Require();
        return RunAsync(command, session, session.Allocate(), cancel);
    }

    /// <summary>
    /// Runs a command under a write id taken earlier, and decides that id. A refusal is definite: nothing was or will be applied.
    /// </summary>
    /// <exception cref="StoreException">
    /// <see cref="StoreFailure.Unknown"/>: no definite answer in time. The caller must not undo what the command names.
    /// </exception>
    public async Task<CommandResult> RunAsync(Command command, WriteSession session, ulong writeId, CancellationToken cancel)
    {
        command.WriteId = writeId;
        command.FeatureLevel = FeatureLevel;
        command.TimeMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        Task<CommandResult> outcome = PursueAsync(command, session);
        try
        {
            return await outcome.WaitAsync(AnswerTimeout, time, cancel).ConfigureAwait(false);
        }
        catch (Exception error) when (error is TimeoutException or OperationCanceledException)
        {
            _ = outcome.ContinueWith(static task => _ = task.Exception, TaskScheduler.Default);
            throw new StoreException(StoreFailure.Unknown, "The metadata group did not decide the write in time.", error);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private async Task<CommandResult> PursueAsync(Command command, WriteSession session)
    {
        TimeSpan backoff = BackoffMin;
        CancellationToken stopping = _stopping.Token;
        bool inDoubt = false;
        while (true)
        {
            try
            {
                CommandResult result = await metadata.ProposeAsync(command, AttemptTimeout, stopping).ConfigureAwait(false);

                // A refusal without a log index was never proposed, and says nothing of an earlier attempt that may have been.
                if (inDoubt && result.Index == 0)
                    throw new StoreException(StoreFailure.Unavailable, $"the command was not proposed again: {result.Code}");
                session.Decide(command.WriteId);
                if (result.Code is not (ResultCode.ResultSessionClosed or ResultCode.ResultBelowLow))
                {
                    session.Advance(result.Index);
                    return result;
                }

                // An earlier attempt may have been applied before the session closed, and its result is gone with the session:
                // to call this a refusal would let the caller delete the shards of a committed write.
                session.MarkClosed();
                throw new StoreException(StoreFailure.Unknown, "The write session was closed while the write was under way.");
            }
            catch (StoreException error) when (error.Failure == StoreFailure.Full && !inDoubt)
            {
                // No attempt can have been applied: the write id is decided, and nobody commits under it.
                session.Decide(command.WriteId);
                throw;
            }
            catch (StoreException error) when (error.Failure is StoreFailure.Unavailable or StoreFailure.Unknown or StoreFailure.Full
                && !session.Closed)
            {
                inDoubt |= error.Failure == StoreFailure.Unknown;
                await Task.Delay(backoff, time, stopping).ConfigureAwait(false);
                backoff = backoff * 2 < BackoffMax ? backoff * 2 : BackoffMax;
            }
        }
    }
}
