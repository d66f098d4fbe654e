using Akka.Actor;
using Akka.Event;
using Predastore.Actors.Metadata;

namespace Predastore.Actors.Client;

/// <summary>
/// Opens the write session of one process through Raft, reports it every two seconds and opens a new one when it was closed.
/// Publishes the open session in a <see cref="SessionHolder"/>.
/// </summary>
public sealed class SessionActor : ReceiveActor, IWithTimers
{
    /// <summary>Time between two reports.</summary>
    public static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan ProposeTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan OpenRetryInterval = TimeSpan.FromMilliseconds(500);

    private readonly SessionSettings _settings;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly SessionReports _reports;
    private bool _busy;

    /// <summary>Creates the actor; see <see cref="SessionSettings"/>.</summary>
    public SessionActor(SessionSettings settings)
    {
        _settings = settings;
        _reports = new SessionReports(settings);
        Receive<Tick>(_ => OnTick());
        Receive<Answer>(OnAnswer);
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>Props of the actor.</summary>
    public static Props Props(SessionSettings settings) => Akka.Actor.Props.Create(() => new SessionActor(settings));

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Self.Tell(Tick.Instance);
        Timers.StartPeriodicTimer(Tick.Instance, Tick.Instance, ReportInterval);
    }

    private void OnTick()
    {
        if (_busy)
            return;
        _busy = true;
        (Command command, WriteSession? session) = _reports.Next();
        IActorRef self = Self;
        _settings.Metadata.ProposeAsync(command, ProposeTimeout, CancellationToken.None)
            .ContinueWith(task => new Answer(session, task.IsCompletedSuccessfully ? task.Result : null,
                task.Exception?.GetBaseException().Message), TaskScheduler.Default)
            .PipeTo(self);
    }

    private void OnAnswer(Answer answer)
    {
        _busy = false;
        if (answer.Result is not { } result)
        {
            _log.Debug("The write session could not be reported: {0}", answer.Error);
            Timers.StartSingleTimer("retry", Tick.Instance, OpenRetryInterval);
            return;
        }

        switch (_reports.Take(answer.Session, result))
        {
            case SessionStep.Closed:
                _log.Warning("Write session {0} was closed ({1}); opening a new one", answer.Session!.Id, result.Code);
                Self.Tell(Tick.Instance);
                break;
            case SessionStep.Refused:
                _log.Warning("No write session was opened: {0} {1}", result.Code, result.Message);
                Timers.StartSingleTimer("retry", Tick.Instance, OpenRetryInterval);
                break;
            case SessionStep.Opened:
                _log.Info("Write session {0} is open", result.Session);
                break;
        }
    }

    private sealed record Answer(WriteSession? Session, CommandResult? Result, string? Error);

    private sealed class Tick
    {
        public static readonly Tick Instance = new();
    }
}

/// <summary>What a <see cref="SessionActor"/> needs.</summary>
/// <param name="Node">Node number of this process.</param>
/// <param name="Kind">What the session writes.</param>
/// <param name="Metadata">Way to the metadata group.</param>
/// <param name="Holder">Where the open session is published.</param>
/// <param name="Epoch">Ring epoch that this process places with now.</param>
public sealed record SessionSettings(
    uint Node, SessionKind Kind, IMetadata Metadata, SessionHolder Holder, Func<ulong> Epoch);
