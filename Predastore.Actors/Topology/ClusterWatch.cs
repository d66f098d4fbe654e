using Akka.Actor;
using Akka.Event;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;

namespace Predastore.Actors.Topology;

/// <summary>Reads the cluster's rows every few seconds and publishes ring and storage ids to this process.</summary>
public sealed class ClusterWatch : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan ReadInterval = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(5);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private ulong _epoch;

    /// <summary>Creates the actor.</summary>
    public ClusterWatch(IMetadata metadata, ClusterViewHolder holder, ITopology topology)
    {
        ReceiveAsync<Read>(async _ =>
        {
            TimeSpan next = RetryInterval;
            try
            {
                QueryResult answer = await metadata.QueryAsync(
                    new Query { GetCluster = new GetCluster { RingHistory = 1 } }, ReadTimeout, CancellationToken.None);
                if (ClusterView.From(answer) is { } view)
                {
                    Publish(view, holder, topology);
                    next = ReadInterval;
                }
            }
            catch (StoreException error)
            {
                _log.Debug("The cluster's rows could not be read: {0}", error.Message);
            }

            Timers!.StartSingleTimer(Read.Instance, Read.Instance, next);
        });
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>Props of the actor.</summary>
    public static Props Props(IMetadata metadata, ClusterViewHolder holder, ITopology topology)
        => Akka.Actor.Props.Create(() => new ClusterWatch(metadata, holder, topology));

    /// <inheritdoc/>
    protected override void PreStart() => Self.Tell(Read.Instance);

    private void Publish(ClusterView view, ClusterViewHolder holder, ITopology topology)
    {
        holder.Current = view;
        IReadOnlyDictionary<uint, uint> nodes = view.NodesOfStorages();
        if (nodes.Count != topology.View.StorageNodes.Count || nodes.Except(topology.View.StorageNodes).Any())
            topology.PlaceStorage(nodes);
        if (view.Epoch == _epoch)
            return;
        _epoch = view.Epoch;
        _log.Info("Ring epoch {0}: {1} over {2} storage ids", view.Epoch, view.Geometry, view.Ring.Members.Count);
    }

    private sealed class Read
    {
        public static readonly Read Instance = new();
    }
}
