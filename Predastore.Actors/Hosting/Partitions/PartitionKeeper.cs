using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Event;
using Predastore.Actors.Hosting.Partitions.Wire;

namespace Predastore.Actors.Hosting.Partitions;

/// <summary>Times of a keeper, from <c>predastore.partitions</c>.</summary>
/// <param name="Tick">Pause between two rounds that went well.</param>
/// <param name="Deadline">A round is cancelled after this long.</param>
/// <param name="BackoffMin">Pause after the first failure; doubles with each further one.</param>
/// <param name="BackoffMax">The longest pause.</param>
internal sealed record PartitionTimes(TimeSpan Tick, TimeSpan Deadline, TimeSpan BackoffMin, TimeSpan BackoffMax)
{
    public static PartitionTimes From(Akka.Configuration.Config config) => new(
        config.GetTimeSpan("predastore.partitions.tick-interval"),
        config.GetTimeSpan("predastore.partitions.run-deadline"),
        config.GetTimeSpan("predastore.partitions.backoff-min"),
        config.GetTimeSpan("predastore.partitions.backoff-max"));

    /// <summary>Pause after so many failures in a row.</summary>
    public TimeSpan After(int failures)
    {
        if (failures == 0) return Tick;
        double factor = Math.Pow(2, Math.Min(failures - 1, 30));
        return BackoffMin * factor < BackoffMax ? BackoffMin * factor : BackoffMax;
    }
}

/// <summary>
/// Runs the work of one partition, one round at a time: the next one begins only after the last one has returned, even if it ignored
/// its deadline. Stopping (the partition moves away) cancels the round.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "Akka ends actors by PostStop; a round may hold the token for longer")]
internal sealed class PartitionKeeper : UntypedActor, IWithTimers
{
    private readonly int _partition;
    private readonly IPartitionWork _work;
    private readonly PartitionTimes _times;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopped = new();
    private bool _running;
    private int _failures;

    public PartitionKeeper(int partition, IPartitionWork work, PartitionTimes times)
    {
        _partition = partition;
        _work = work;
        _times = times;
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(int partition, IPartitionWork work, PartitionTimes times) =>
        Akka.Actor.Props.Create(() => new PartitionKeeper(partition, work, times));

    protected override void PreStart() => Self.Tell(Tick.Instance);

    protected override void PostStop() => _stopped.Cancel();

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case TouchPartition:
                break;
            case Tick when !_running:
                _running = true;
                RunAsync(_work, _partition, _times.Deadline, _stopped.Token).PipeTo(Self);
                break;
            case Tick:
                break;
            case RoundEnded ended:
                _running = false;
                Ended(ended.Error);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Ended(Exception? error)
    {
        _failures = error is null ? 0 : _failures + 1;
        if (error is not null)
            _log.Warning(error, "Partition {0}: round failed, {1} in a row: {2}", _partition, _failures, error.Message);
        Timers.StartSingleTimer(Tick.Instance, Tick.Instance, _times.After(_failures));
    }

    private static async Task<RoundEnded> RunAsync(IPartitionWork work, int partition, TimeSpan deadline, CancellationToken stopped)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopped);
        limit.CancelAfter(deadline);
        try
        {
            // Off the actor's thread: work that blocks before its first await must not hold up the dispatcher's batch.
            await Task.Run(() => work.RunAsync(partition, limit.Token), CancellationToken.None);
            return new RoundEnded(null);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !stopped.IsCancellationRequested)
        {
            return new RoundEnded(new TimeoutException($"not done after {deadline.TotalSeconds:0} s"));
        }
        catch (Exception e)
        {
            return new RoundEnded(e);
        }
    }

    private sealed class Tick : INoSerializationVerificationNeeded
    {
        public static readonly Tick Instance = new();
    }

    private sealed record RoundEnded(Exception? Error) : INoSerializationVerificationNeeded;
}
