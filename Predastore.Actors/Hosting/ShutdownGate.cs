using Akka.Actor;

namespace Predastore.Actors.Hosting;

/// <summary>
/// Decides whether a coordinated shutdown goes ahead. Akka.Remote begins one whenever a TLS handshake fails on a connection that it
/// dialled, so a peer that dies or restarts at the wrong moment, or an impostor at its address, would end every healthy node
/// that dials it. Such a shutdown is held in its first phase, where nothing has been touched; the node works on, and the next
/// reason that counts lets it go ahead.
/// </summary>
internal sealed class ShutdownGate : IExtension
{
    /// <summary>The reason's type, which is internal to Akka.Remote.</summary>
    internal const string FailedDial = "TlsHandshakeFailureReason";

    private readonly CoordinatedShutdown _shutdown;
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile CoordinatedShutdown.Reason? _reason;

    private ShutdownGate(ExtendedActorSystem system) => _shutdown = CoordinatedShutdown.Get(system);

    /// <summary>Why the system ends: the reason that counts.</summary>
    public CoordinatedShutdown.Reason? Reason => _reason ?? _shutdown.ShutdownReason;

    public static ShutdownGate For(ActorSystem system) => system.WithExtension<ShutdownGate, Provider>();

    /// <summary>Shuts down for a reason that counts, whether or not a shutdown is being held. Ends with the shutdown.</summary>
    public Task BeginAsync(CoordinatedShutdown.Reason reason)
    {
        _reason ??= reason;
        _open.TrySetResult();
        return _shutdown.Run(reason);
    }

    /// <summary>The first task of the first phase. <paramref name="goingAhead"/> runs once the shutdown is real.</summary>
    public void Install(Action goingAhead) =>
        _shutdown.AddTask(CoordinatedShutdown.PhaseBeforeServiceUnbind, "gate", async () =>
        {
            if (_shutdown.ShutdownReason?.GetType().Name == FailedDial) await _open.Task;
            goingAhead();
            return Akka.Done.Instance;
        });

    private sealed class Provider : ExtensionIdProvider<ShutdownGate>
    {
        public override ShutdownGate CreateExtension(ExtendedActorSystem system) => new(system);
    }
}
