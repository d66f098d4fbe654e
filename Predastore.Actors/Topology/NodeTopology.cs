using System.Collections.Concurrent;
using Akka.Actor;
using Predastore.Actors.Hosting;

namespace Predastore.Actors.Topology;

/// <summary>
/// The topology of one node. Written by the <see cref="TopologyActor"/> of the current actor system, read by anyone; it outlives
/// each actor system, and between two of them nobody is alive.
/// </summary>
internal sealed class NodeTopology : ITopology
{
    /// <summary>How long a node or storage id that failed this node is avoided.</summary>
    public static readonly TimeSpan SuspectFor = TimeSpan.FromSeconds(10);

    private readonly NodeSettings _settings;
    private readonly TimeProvider _time;

    // Timestamps, not times of day: a clock that is set back would keep everybody suspect for as long.
    private readonly ConcurrentDictionary<uint, long> _suspectNodes = new();
    private readonly ConcurrentDictionary<uint, long> _lostNodes = new();
    private readonly ConcurrentDictionary<uint, long> _suspectStorage = new();
    private readonly ConcurrentDictionary<Action<TopologyView>, bool> _listeners = new();
    private readonly Lock _writing = new();
    private volatile TopologyView _view;
    private volatile RefCache? _refs;

    public NodeTopology(NodeSettings settings, TimeProvider time)
    {
        _settings = settings;
        _time = time;
        _view = new TopologyView(0, settings.Node, settings.Nodes.Select(pair => Absent(pair.Key)), settings.DbNodes, settings.StorageNodes);
    }

    public TopologyView View => _view;

    public NodeSettings Settings => _settings;

    public bool IsUsable(uint node) => _view.IsAlive(node) && !IsSuspect(_suspectNodes, node) && !IsSuspect(_lostNodes, node);

    public bool IsStorageUsable(uint storageId) =>
        TryNodeOf(storageId, out uint node) && IsUsable(node) && !IsSuspect(_suspectStorage, storageId);

    public bool TryNodeOf(uint storageId, out uint node) => _view.StorageNodes.TryGetValue(storageId, out node);

    public void SuspectNode(uint node) => Suspect(_suspectNodes, node);

    public void SuspectStorage(uint storageId)
    {
        if (_view.StorageNodes.ContainsKey(storageId)) _suspectStorage[storageId] = _time.GetTimestamp();
    }

    public DateTimeOffset? SuspectUntil(uint node)
    {
        TimeSpan left = Longer(Left(_suspectNodes, node), Left(_lostNodes, node));
        return left > TimeSpan.Zero ? _time.GetUtcNow() + left : null;
    }

    public void PlaceStorage(IReadOnlyDictionary<uint, uint> storageNodes) =>
        Change(view => new TopologyView(view.Version + 1, view.Self, view.Nodes.Values, view.DbNodes, storageNodes));

    public IActorRef? Find(uint node, string path) => IsUsable(node) ? _refs?.Find(node, path) : null;

    public IDisposable OnChange(Action<TopologyView> changed)
    {
        // A wrapper of its own, so that one delegate can be registered twice.
        Action<TopologyView> listener = view => changed(view);
        _listeners[listener] = true;
        return new Subscription(this, listener);
    }

    /// <summary>A connection with the node was lost: it is suspect until it gives a sign of life.</summary>
    internal void Lost(uint node) => Suspect(_lostNodes, node);

    /// <summary>True while a connection was lost and no sign of life came since.</summary>
    internal bool IsLost(uint node) => _lostNodes.ContainsKey(node);

    /// <summary>A sign of life. It ends what a lost connection began; a node that is connected but silent stays suspect.</summary>
    internal void Found(uint node) => _lostNodes.TryRemove(node, out _);

    /// <summary>A new actor system: references are resolved in it from now on.</summary>
    internal void Attach(ExtendedActorSystem system) => _refs = new RefCache(system, _settings);

    /// <summary>The actor system is gone: nobody is alive until the next one says so.</summary>
    internal void Forget()
    {
        _refs = null;
        Update(_settings.Nodes.Keys.Select(Absent));
    }

    /// <summary>Sets what is known of the given nodes; says nothing if that changes nothing.</summary>
    internal void Update(IEnumerable<NodeView> changed) => Change(view =>
    {
        var nodes = view.Nodes.ToDictionary();
        bool same = true;
        foreach (NodeView node in changed)
        {
            if (!nodes.TryGetValue(node.Node, out NodeView? old) || Same(old, node)) continue;
            if (old.Uid != node.Uid) _refs?.Forget(node.Node);
            nodes[node.Node] = node;
            same = false;
        }

        return same ? view : new TopologyView(view.Version + 1, view.Self, nodes.Values, view.DbNodes, view.StorageNodes);
    });

    /// <summary>What this node believes: nothing of itself while it is no member.</summary>
    internal Wire.Probe Describe()
    {
        TopologyView view = _view;
        return new Wire.Probe
        {
            Sender = new Wire.Incarnation { Node = view.Self, Uid = view.Nodes[view.Self].Uid },
            Members = { view.Nodes.Values.Where(node => node.Up).Select(node => new Wire.Incarnation { Node = node.Node, Uid = node.Uid }) },
        };
    }

    internal NodeView Absent(uint node) =>
        new(node, _settings.Nodes[node].Host, _settings.Nodes[node].Port, [], Up: false, Reachable: false, Uid: 0);

    private static bool Same(NodeView a, NodeView b) =>
        a.Up == b.Up && a.Reachable == b.Reachable && a.Uid == b.Uid && a.Roles.SequenceEqual(b.Roles);

    private static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private TimeSpan Left(ConcurrentDictionary<uint, long> suspects, uint id) =>
        suspects.TryGetValue(id, out long since) ? SuspectFor - _time.GetElapsedTime(since) : TimeSpan.Zero;

    private void Suspect(ConcurrentDictionary<uint, long> suspects, uint node)
    {
        // Unknown numbers are not kept: the table is bounded by the cluster file.
        if (node != _settings.Node && _settings.Nodes.ContainsKey(node)) suspects[node] = _time.GetTimestamp();
    }

    private bool IsSuspect(ConcurrentDictionary<uint, long> suspects, uint id)
    {
        if (!suspects.TryGetValue(id, out long since)) return false;
        if (_time.GetElapsedTime(since) < SuspectFor) return true;
        suspects.TryRemove(new KeyValuePair<uint, long>(id, since));
        return false;
    }

    private void Change(Func<TopologyView, TopologyView> change)
    {
        // Listeners are called under the lock: they see the pictures in order.
        lock (_writing)
        {
            TopologyView before = _view;
            TopologyView after = change(before);
            if (ReferenceEquals(before, after)) return;
            _view = after;
            foreach (Action<TopologyView> listener in _listeners.Keys) listener(after);
        }
    }

    private sealed class Subscription(NodeTopology topology, Action<TopologyView> listener) : IDisposable
    {
        public void Dispose() => topology._listeners.TryRemove(listener, out _);
    }
}
