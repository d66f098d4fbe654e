using System.Collections.Concurrent;
using Akka.Actor;
using Predastore.Actors.Hosting;

namespace Predastore.Actors.Topology;

/// <summary>
/// References to actors at fixed paths, resolved in one actor system. A reference names a path and no single actor, so it stays good
/// when the actor there is restarted; entries of a node are dropped when its actor system is another one. Thread-safe.
/// </summary>
internal sealed class RefCache(ExtendedActorSystem system, NodeSettings settings)
{
    // Paths are few and fixed; a caller that made them up per request would fill the memory.
    private const int EntriesMax = 4096;

    private readonly ConcurrentDictionary<(uint Node, string Path), IActorRef> _refs = new();

    public IActorRef? Find(uint node, string path)
    {
        if (_refs.TryGetValue((node, path), out IActorRef? known)) return known;
        if (!settings.Nodes.ContainsKey(node)) return null;
        var target = new RootActorPath(settings.AkkaAddress(node));
        IActorRef found = system.Provider.ResolveActorRef((target / path.Split('/')).ToSerializationFormat());
        // A local actor that is not there yet resolves to a dead end.
        if (found is MinimalActorRef) return null;
        // A local reference is one actor, not a path: remembered, it would outlive the actor.
        if (node != settings.Node && _refs.Count < EntriesMax) _refs[(node, path)] = found;
        return found;
    }

    public void Forget(uint node)
    {
        foreach ((uint Node, string Path) key in _refs.Keys)
            if (key.Node == node) _refs.TryRemove(key, out _);
    }
}
