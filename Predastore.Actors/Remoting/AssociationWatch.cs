using Akka.Actor;
using Akka.Event;
using Akka.Remote;

namespace Predastore.Actors.Remoting;

/// <summary>Hears which associations Akka.Remote takes up.</summary>
internal sealed class AssociationWatch : ReceiveActor
{
    public AssociationWatch(Action<AssociatedEvent> associated) => Receive(associated);

    public static Props Props(Action<AssociatedEvent> associated) => Akka.Actor.Props.Create(() => new AssociationWatch(associated));

    protected override void PreStart() => Context.System.EventStream.Subscribe<AssociatedEvent>(Self);

    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);
}
