using Akka.Actor;
using Akka.Event;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;

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
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(4);

    private readonly IMetadata _metadata;
    private readonly Func<bool> _isLeader;
    private readonly TimeProvider _time;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Dictionary<uint, (ulong Renewals, long Since)> _seen = [];

    /// <summary>Creates the actor.</summary>
    /// <param name="metadata">The local replica.</param>
    /// <param name="isLeader">True while this replica leads.</param>
    /// <param name="time">Only its monotonic timestamps are used.</param>
    public SessionReaper(IMetadata metadata, Func<bool> isLeader, TimeProvider time)
    {
        _metadata = metadata;
        _isLeader = isLeader;
        _time = time;
        ReceiveAsync<Look>(_ => LookAsync());
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>Props of the actor.</summary>
    public static Props Props(IMetadata metadata, Func<bool> isLeader, TimeProvider time)
        => Akka.Actor.Props.Create(() => new SessionReaper(metadata, isLeader, time));

    /// <inheritdoc/>
    protected override void PreStart() => Timers.StartPeriodicTimer(Look.Instance, Look.Instance, LookInterval);

    private async Task LookAsync()
    {
        if (!_isLeader())
        {
            // What was counted while another led says nothing: a new leader counts a full minute again.
            _seen.Clear();
            return;
        }

        try
        {
            QueryResult cluster = await _metadata.QueryAsync(
                new Query { GetCluster = new GetCluster() }, RequestTimeout, CancellationToken.None);
            SessionRow[] open = [.. cluster.Sessions.Where(session => !session.Closed)];
            foreach (uint gone in _seen.Keys.Except(open.Select(session => session.Id)).ToArray())
                _seen.Remove(gone);
            foreach (SessionRow session in open)
                await CountAsync(session);
        }
        catch (StoreException error)
        {
            _log.Debug("Sessions could not be looked at: {0}", error.Message);
        }
    }

    private async Task CountAsync(SessionRow session)
    {
        long now = _time.GetTimestamp();
        if (!_seen.TryGetValue(session.Id, out (ulong Renewals, long Since) seen) || seen.Renewals != session.Renewals)
        {
            _seen[session.Id] = (session.Renewals, now);
            return;
        }

        if (_time.GetElapsedTime(seen.Since, now) < SilenceMax)
            return;
        CommandResult result = await _metadata.ProposeAsync(
            new Command
            {
                FeatureLevel = Proposer.FeatureLevel,
                CloseSession = new CloseSession { Session = session.Id, ExpectedRenewals = session.Renewals },
            },
            RequestTimeout,
            CancellationToken.None);
        _log.Info("Write session {0} of node {1} was silent for {2}: close answered {3}",
            session.Id, session.Node, SilenceMax, result.Code);
    }

    private sealed class Look
    {
        public static readonly Look Instance = new();
    }
}
