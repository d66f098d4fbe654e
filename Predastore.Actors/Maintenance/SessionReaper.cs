using Akka.Actor;
using Akka.Event;
using Predastore.Actors.Client;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// Closes write sessions that nobody renewed for a minute, as the leader counts it. Runs on every replica and acts only on the
/// leader; a second leader does no harm, because a close names the count of renewals it saw and is refused if there was one since.
/// </summary>
public sealed class SessionReaper : ReceiveActor, IWithTimers
{
    /// <summary>A session is closed when it was silent for this long.</summary>
    public static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(5);

    /// <summary>Creates the actor.</summary>
    /// <param name="metadata">The local replica.</param>
    /// <param name="isLeader">True while this replica leads.</param>
    /// <param name="time">Only its monotonic timestamps are used.</param>
    public SessionReaper(IMetadata metadata, Func<bool> isLeader, TimeProvider time)
    {
        ILoggingAdapter log = Context.GetLogger();
        var silence = new SilentSessions(metadata, isLeader, time, (session, code) => log.Info(
            "Write session {0} of node {1} was silent for {2}: close answered {3}", session.Id, session.Node, SilenceMax, code));
        ReceiveAsync<Look>(async _ =>
        {
            try
            {
                await silence.LookAsync();
            }
            catch (StoreException error)
            {
                log.Debug("Sessions could not be looked at: {0}", error.Message);
            }
        });
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>Props of the actor.</summary>
    public static Props Props(IMetadata metadata, Func<bool> isLeader, TimeProvider time)
        => Akka.Actor.Props.Create(() => new SessionReaper(metadata, isLeader, time));

    /// <inheritdoc/>
    protected override void PreStart() => Timers.StartPeriodicTimer(Look.Instance, Look.Instance, LookInterval);

    private sealed class Look
    {
        public static readonly Look Instance = new();
    }
}
