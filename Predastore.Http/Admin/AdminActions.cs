using System.Collections.Frozen;

namespace Predastore.Http.Admin;

/// <summary>All actions of a node, by name: what every door to cluster management serves. Immutable.</summary>
public sealed class AdminActions
{
    /// <summary>None.</summary>
    public static readonly AdminActions None = new([]);

    private readonly FrozenDictionary<string, AdminAction> _actions;

    /// <summary>These.</summary>
    /// <exception cref="ArgumentException">Two have one name.</exception>
    public AdminActions(IEnumerable<AdminAction> actions)
        => _actions = actions.ToDictionary(action => action.Name, StringComparer.Ordinal).ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Names, in order.</summary>
    public IEnumerable<string> Names => _actions.Keys.Order(StringComparer.Ordinal);

    /// <summary>The action of that name; null if there is none.</summary>
    public AdminAction? Find(string name) => _actions.GetValueOrDefault(name);
}
