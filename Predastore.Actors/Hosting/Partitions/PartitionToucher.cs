using Akka.Actor;
using Predastore.Actors.Hosting.Partitions.Wire;

namespace Predastore.Actors.Hosting.Partitions;

/// <summary>
/// Touches every partition now and then, on every storage node. This is what starts keepers, and starts them elsewhere after a node
/// has died: nothing remembers them.
/// </summary>
internal sealed class PartitionToucher(IActorRef region, TimeSpan interval) : UntypedActor, IWithTimers
{
    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(IActorRef region, TimeSpan interval) =>
        Akka.Actor.Props.Create(() => new PartitionToucher(region, interval));

    protected override void PreStart() => Timers.StartPeriodicTimer(Touch.Instance, Touch.Instance, TimeSpan.Zero, interval);

    protected override void OnReceive(object message)
    {
        if (message is not Touch)
        {
            Unhandled(message);
            return;
        }

        for (uint partition = 0; partition < PartitionProtocol.Partitions; partition++)
            region.Tell(new TouchPartition { Partition = partition });
    }

    private sealed class Touch : INoSerializationVerificationNeeded
    {
        public static readonly Touch Instance = new();
    }
}
