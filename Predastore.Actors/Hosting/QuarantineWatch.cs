using Akka.Actor;
using Akka.Event;
using Akka.Remote;

namespace Predastore.Actors.Hosting;

/// <summary>
/// Ends the actor system as soon as a peer says that it has been quarantined. It will never be let in again, and the split-brain
/// resolver of a thawed node would take seconds to find out by itself.
/// </summary>
internal sealed class QuarantineWatch : UntypedActor
{
    private readonly ILoggingAdapter _log = Context.GetLogger();

    public static Props Props() => Akka.Actor.Props.Create(() => new QuarantineWatch());

    protected override void PreStart() => Context.System.EventStream.Subscribe<ThisActorSystemQuarantinedEvent>(Self);

    protected override void OnReceive(object message)
    {
        if (message is not ThisActorSystemQuarantinedEvent quarantined)
        {
            Unhandled(message);
            return;
        }

        _log.Warning("Quarantined by {0}: this actor system ends and a new one joins", quarantined.RemoteAddress);
        _ = CoordinatedShutdown.Get(Context.System).Run(CoordinatedShutdown.ClusterDowningReason.Instance);
    }
}
