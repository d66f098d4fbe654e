using Akka.Actor;
using Akka.Event;
using Akka.Remote;

namespace Predastore.Actors.Hosting;

/// <summary>
/// Ends the actor system when most metadata nodes have quarantined it. They will never let it in again, and a thawed node does not always
/// find that out by itself. One peer proves nothing: a node that thaws quarantines the healthy rest on its way out, and if each of them
/// ended for it, one freeze would take the whole cluster down.
/// </summary>
internal sealed class QuarantineWatch(NodeSettings settings) : UntypedActor
{
    /// <summary>Quarantines further apart than this have nothing to do with each other.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(30);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Dictionary<Address, TimeSpan> _by = [];
    private readonly HashSet<Address> _voters = [.. settings.DbNodes.Select(node => settings.AkkaAddress(node))];

    public static Props Props(NodeSettings settings) => Akka.Actor.Props.Create(() => new QuarantineWatch(settings));

    protected override void PreStart() => Context.System.EventStream.Subscribe<ThisActorSystemQuarantinedEvent>(Self);

    protected override void OnReceive(object message)
    {
        if (message is not ThisActorSystemQuarantinedEvent quarantined)
        {
            Unhandled(message);
            return;
        }

        if (!_voters.Contains(quarantined.RemoteAddress)) return;
        TimeSpan now = Context.System.Scheduler.MonotonicClock;
        bool known = _by.TryGetValue(quarantined.RemoteAddress, out TimeSpan before) && now - before <= Window;
        _by[quarantined.RemoteAddress] = now;
        // Every message that it refuses says so again.
        if (known) return;
        int votes = _by.Values.Count(at => now - at <= Window);
        _log.Warning("Quarantined by {0}: {1} of {2} metadata nodes", quarantined.RemoteAddress, votes, _voters.Count);
        if (votes <= _voters.Count / 2) return;
        _log.Warning("Quarantined by most metadata nodes: this actor system ends and a new one joins");
        _ = CoordinatedShutdown.Get(Context.System).Run(CoordinatedShutdown.ClusterDowningReason.Instance);
    }
}
