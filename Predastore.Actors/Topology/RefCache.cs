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

    private const string UserPrefix = "user/";

    private readonly ConcurrentDictionary<(uint Node, string Path), IActorRef> _refs = new();

    public IActorRef? Find(uint node, string path)
    {
        if (node == settings.Node) return FindLocal(path);
        if (_refs.TryGetValue((node, path), out IActorRef? known)) return known;
        if (!settings.Nodes.ContainsKey(node)) return null;
        var target = new RootActorPath(settings.AkkaAddress(node));
        IActorRef found = system.Provider.ResolveActorRef((target / path.Split('/')).ToSerializationFormat());
        if (_refs.Count < EntriesMax) _refs[(node, path)] = found;
        return found;
    }

    public void Forget(uint node)
    {
        foreach ((uint Node, string Path) key in _refs.Keys)
            if (key.Node == node) _refs.TryRemove(key, out _);
    }

    /// <summary>
    /// Walks the tree of this system's actors. Akka's own resolving remembers the actor it once found at a path, even after it
    /// has stopped and another lives there.
    /// </summary>
    private IActorRef? FindLocal(string path)
    {
        if (!path.StartsWith(UserPrefix, StringComparison.Ordinal)) return null;
        IActorRef found = system.Guardian.GetChild(path[UserPrefix.Length..].Split('/'));
        return found is MinimalActorRef ? null : found;
    }
}
