using Akka.Actor;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// Whether any gate of the cluster serves requests, as the nodes last said. A node that does not answer counts as idle: whoever cannot
/// be asked is not slowed down by this node either. Thread-safe.
/// </summary>
internal sealed class ClusterLoad(GateLoad own)
{
    private volatile bool _others;

    /// <summary>True while requests are served anywhere.</summary>
    public bool IsServing => own.IsServing || _others;

    /// <summary>Takes what the other nodes said.</summary>
    public void Note(bool others) => _others = others;
}

/// <summary>Asks the other nodes every second whether their gates serve requests.</summary>
internal sealed class LoadWatch : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan AskInterval = TimeSpan.FromSeconds(1);

    public LoadWatch(ClusterLoad load, Func<CancellationToken, Task<bool>> ask)
    {
        ReceiveAsync<Ask>(async _ =>
        {
            using var limit = new CancellationTokenSource(AskInterval * 2);
            try
            {
                load.Note(await ask(limit.Token));
            }
            catch (OperationCanceledException)
            {
                load.Note(false);
            }

            Timers!.StartSingleTimer(Ask.Instance, Ask.Instance, AskInterval);
        });
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc/>
    protected override void PreStart() => Self.Tell(Ask.Instance);

    private sealed class Ask : INoSerializationVerificationNeeded
    {
        public static readonly Ask Instance = new();
    }
}
