using System.Collections.Frozen;

namespace Predastore.Actors.Serialization;

/// <summary>
/// The one table of everything that an ActorSystem of this cluster sends to another node: the union of its protocols. Immutable,
/// safe from any thread.
/// </summary>
public sealed class ManifestTable
{
    private readonly FrozenDictionary<string, WireEntry> _byManifest;
    private readonly FrozenDictionary<Type, WireEntry> _byType;

    /// <exception cref="ArgumentException">Two protocols share a name or a message type.</exception>
    public ManifestTable(IEnumerable<WireProtocol> protocols)
    {
        var manifests = new Dictionary<string, WireEntry>(StringComparer.Ordinal);
        var types = new Dictionary<Type, WireEntry>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (WireProtocol protocol in protocols)
        {
            if (!names.Add(protocol.Name))
                throw new ArgumentException($"two protocols are named {protocol.Name}");
            foreach (WireEntry entry in protocol.Entries)
            {
                manifests.Add(entry.Manifest, entry);
                if (!types.TryAdd(entry.Type, entry))
                    throw new ArgumentException($"{entry.Type} is in two protocols: {types[entry.Type].Manifest} and {entry.Manifest}");
            }
        }

        _byManifest = manifests.ToFrozenDictionary(StringComparer.Ordinal);
        _byType = types.ToFrozenDictionary();
    }

    /// <summary>Every registered message type.</summary>
    public IReadOnlyCollection<Type> Types => _byType.Keys;

    /// <summary>Every registered manifest, sorted.</summary>
    public IReadOnlyList<string> Manifests => [.. _byManifest.Keys.Order(StringComparer.Ordinal)];

    internal WireEntry? Find(string manifest) => _byManifest.GetValueOrDefault(manifest);

    internal WireEntry? Find(Type type) => _byType.GetValueOrDefault(type);
}
