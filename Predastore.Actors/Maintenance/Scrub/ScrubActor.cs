using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Client;

namespace Predastore.Actors.Maintenance.Scrub;

/// <summary>Drives the scrub of one disk: one step after the other while there is something to check, else a look now and then.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "Akka ends actors by PostStop; a step may hold the token for longer")]
internal sealed class ScrubActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(5);

    private readonly ScrubWork _work;
    private readonly ILogger _log;
    private readonly uint _storageId;
    private readonly CancellationTokenSource _stopped = new();
    private bool _running;

    public ScrubActor(ScrubWork work, uint storageId, ILogger log)
    {
        _work = work;
        _storageId = storageId;
        _log = log;
        Receive<Look>(_ => Step());
        Receive<Stepped>(OnStepped);
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>Name under <c>/user</c>.</summary>
    public static string NameOf(uint storageId) => $"scrub-{storageId}";

    /// <summary>Props of the actor.</summary>
    public static Props Props(ScrubWork work, uint storageId, ILogger log)
        => Akka.Actor.Props.Create(() => new ScrubActor(work, storageId, log));

    /// <inheritdoc/>
    protected override void PreStart() => Timers.StartPeriodicTimer(Look.Instance, Look.Instance, LookInterval);

    /// <inheritdoc/>
    protected override void PostStop() => _stopped.Cancel();

    private void Step()
    {
        if (_running)
            return;
        _running = true;
        CancellationToken stopped = _stopped.Token;
        Task.Run(() => StepAsync(stopped), CancellationToken.None).PipeTo(Self);
    }

    private async Task<Stepped> StepAsync(CancellationToken stopped)
    {
        try
        {
            return new Stepped(await _work.StepAsync(stopped).ConfigureAwait(false), null);
        }
        catch (Exception error)
        {
            return new Stepped(false, error);
        }
    }

    private void OnStepped(Stepped stepped)
    {
        _running = false;
        if (stepped.Error is { } error and not (StoreException or OperationCanceledException))
            Log.ScrubFailed(_log, _storageId, error.Message);
        if (stepped.More)
            Step();
    }

    private sealed record Stepped(bool More, Exception? Error) : INoSerializationVerificationNeeded;

    private sealed class Look : INoSerializationVerificationNeeded
    {
        public static readonly Look Instance = new();
    }
}
