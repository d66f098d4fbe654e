namespace Predastore.Host.Config;

/// <summary>
/// Strict reader over one table: every key is asked for by name, and <see cref="Done"/> refuses what nobody asked for,
/// so that a misspelt key is an error and never a silent default.
/// </summary>
internal sealed class TomlSection(TomlTableNode node, string name, string file)
{
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    /// <summary>1-based line of the table's header.</summary>
    public int Line => node.Line;

    public bool Has(string key) => node.Keys.ContainsKey(key);

    /// <summary>Line of a key that is there, else of the table's header.</summary>
    public int LineOf(string key) => node.Keys.TryGetValue(key, out TomlValue? value) ? value.Line : node.Line;

    public ClusterFileException Error(string key, string problem) => new(file, LineOf(key), problem);

    public string RequiredString(string key, string hint) =>
        OptionalString(key) ?? throw Missing(key, hint);

    public string? OptionalString(string key)
    {
        switch (Take(key))
        {
            case null:
                return null;
            case TomlScalar { Value: string { Length: > 0 } text }:
                return text.Any(char.IsControl) ? throw Error(key, $"{Named(key)} has a control character; remove it") : text;
            case TomlScalar { Value: string }:
                throw Error(key, $"{Named(key)} is empty; give it a value or remove the line");
            case var other:
                throw WrongType(key, other, "a string in quotes");
        }
    }

    public int RequiredInt(string key, int min, int max, string hint) =>
        OptionalInt(key, min, max) ?? throw Missing(key, hint);

    public int? OptionalInt(string key, int min, int max)
    {
        switch (Take(key))
        {
            case null:
                return null;
            case TomlScalar { Value: long number }:
                return number >= min && number <= max
                    ? (int)number
                    : throw Error(key, $"{Named(key)} is {number}; it must be between {min} and {max}");
            case var other:
                throw WrongType(key, other, "an integer");
        }
    }

    public bool OptionalBool(string key, bool otherwise) => Take(key) switch
    {
        null => otherwise,
        TomlScalar { Value: bool flag } => flag,
        var other => throw WrongType(key, other, "true or false"),
    };

    public IReadOnlyList<string> OptionalStrings(string key)
    {
        switch (Take(key))
        {
            case null:
                return [];
            case TomlList list when list.Items.All(item => item is TomlScalar { Value: string }):
                return [.. list.Items.Select(item => (string)((TomlScalar)item).Value)];
            case var other:
                throw WrongType(key, other, "a list of strings");
        }
    }

    /// <summary>The table <c>[key]</c>, or null where the file has none.</summary>
    public TomlSection? OptionalTable(string key) => Take(key) switch
    {
        null => null,
        TomlTableNode table => new TomlSection(table, $"[{key}]", file),
        TomlTableList list => throw new ClusterFileException(file, list.Line, $"[[{key}]] must be written [{key}]"),
        var other => throw WrongType(key, other, $"a table [{key}]"),
    };

    /// <summary>The entries <c>[[key]]</c> in file order; empty where the file has none.</summary>
    public IReadOnlyList<TomlSection> Tables(string key)
    {
        switch (Take(key))
        {
            case null:
                return [];
            case TomlTableList list:
                return [.. list.Entries.Select(entry => new TomlSection(entry, $"[[{key}]]", file))];
            case TomlTableNode table:
                throw new ClusterFileException(file, table.Line, $"[{key}] must be written [[{key}]], with double brackets");
            case var other:
                throw WrongType(key, other, $"entries [[{key}]]");
        }
    }

    /// <summary>Refuses every key that was not asked for.</summary>
    public void Done()
    {
        foreach ((string key, TomlValue value) in node.Keys)
            if (!_asked.Contains(key))
                throw new ClusterFileException(
                    file, value.Line, $"unknown key {Named(key)}; known here: {string.Join(", ", _asked.Order(StringComparer.Ordinal))}");
    }

    public ClusterFileException Missing(string key, string hint) => new(file, node.Line, $"{Named(key)} is missing; {hint}");

    private TomlValue? Take(string key)
    {
        _asked.Add(key);
        return node.Keys.GetValueOrDefault(key);
    }

    private ClusterFileException WrongType(string key, TomlValue value, string wanted) =>
        new(file, value.Line, $"{Named(key)} is {value.Kind}; it must be {wanted}");

    private string Named(string key) => name.Length == 0 ? $"'{key}'" : $"'{key}' in {name}";
}
