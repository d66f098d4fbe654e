using Tomlyn.Syntax;

namespace Predastore.Host.Config;

/// <summary>What a key of a TOML file holds, with the 1-based line it stands on: a scalar, a list, or a table.</summary>
internal abstract record TomlValue(int Line)
{
    /// <summary>What an operator would call it in an error.</summary>
    public abstract string Kind { get; }
}

/// <summary>A string, a long or a bool; anything else (floats, dates) has no use in a cluster file.</summary>
internal sealed record TomlScalar(int Line, object Value) : TomlValue(Line)
{
    public override string Kind => Value switch
    {
        string => "a string",
        long => "an integer",
        bool => "true or false",
        _ => "another kind of value",
    };
}

/// <summary>An inline array of scalars.</summary>
internal sealed record TomlList(int Line, IReadOnlyList<TomlValue> Items) : TomlValue(Line)
{
    public override string Kind => "a list";
}

/// <summary>One table: <c>[name]</c>, an inline table, or the file itself.</summary>
internal sealed record TomlTableNode(int Line) : TomlValue(Line)
{
    public Dictionary<string, TomlValue> Keys { get; } = new(StringComparer.Ordinal);

    public override string Kind => "a table";
}

/// <summary>The entries of <c>[[name]]</c>, in file order.</summary>
internal sealed record TomlTableList(int Line, List<TomlTableNode> Entries) : TomlValue(Line)
{
    public override string Kind => "a list of tables";
}

/// <summary>Turns TOML text into <see cref="TomlValue"/>s, refusing a key or a table given twice.</summary>
internal static class TomlTree
{
    /// <exception cref="ClusterFileException">The text is not TOML, or defines something twice.</exception>
    public static TomlTableNode Parse(string text, string file)
    {
        DocumentSyntax document = Tomlyn.Parsing.SyntaxParser.Parse(text, file, validate: true);
        foreach (DiagnosticMessage message in document.Diagnostics)
            if (message.Kind == DiagnosticMessageKind.Error)
                throw new ClusterFileException(file, message.Span.Start.Line + 1, $"not valid TOML: {message.Message}");

        var root = new TomlTableNode(1);
        foreach (KeyValueSyntax pair in document.KeyValues)
            AddPair(root, pair, file);
        foreach (TableSyntaxBase table in document.Tables)
        {
            string[] path = KeyPath(table.Name!);
            TomlTableNode parent = Descend(root, path.AsSpan(0, path.Length - 1), LineOf(table), file);
            TomlTableNode target = table is TableArraySyntax
                ? AppendEntry(parent, path[^1], LineOf(table), file)
                : AddTable(parent, path[^1], LineOf(table), file);
            foreach (KeyValueSyntax pair in table.Items)
                AddPair(target, pair, file);
        }
        return root;
    }

    private static TomlTableNode AppendEntry(TomlTableNode parent, string name, int line, string file)
    {
        if (!parent.Keys.TryGetValue(name, out TomlValue? existing))
            parent.Keys[name] = existing = new TomlTableList(line, []);
        if (existing is not TomlTableList list)
            throw new ClusterFileException(file, line, $"[[{name}]] is already {existing.Kind} on line {existing.Line}; keep one of them");
        var entry = new TomlTableNode(line);
        list.Entries.Add(entry);
        return entry;
    }

    private static TomlTableNode AddTable(TomlTableNode parent, string name, int line, string file)
    {
        var table = new TomlTableNode(line);
        Add(parent, name, table, file);
        return table;
    }

    private static void AddPair(TomlTableNode table, KeyValueSyntax pair, string file)
    {
        string[] path = KeyPath(pair.Key!);
        int line = LineOf(pair);
        TomlTableNode parent = Descend(table, path.AsSpan(0, path.Length - 1), line, file);
        Add(parent, path[^1], Convert(pair.Value!, line, file), file);
    }

    private static void Add(TomlTableNode table, string name, TomlValue value, string file)
    {
        if (!table.Keys.TryAdd(name, value))
            throw new ClusterFileException(
                file, value.Line, $"'{name}' is already given on line {table.Keys[name].Line}; keep one of them");
    }

    private static TomlTableNode Descend(TomlTableNode from, ReadOnlySpan<string> path, int line, string file)
    {
        foreach (string name in path)
        {
            if (!from.Keys.TryGetValue(name, out TomlValue? next))
                from.Keys[name] = next = new TomlTableNode(line);
            from = next switch
            {
                TomlTableNode table => table,
                TomlTableList { Entries: [.., TomlTableNode last] } => last,
                _ => throw new ClusterFileException(file, line, $"'{name}' is {next.Kind} on line {next.Line} and not a table"),
            };
        }
        return from;
    }

    private static TomlValue Convert(ValueSyntax value, int line, string file)
    {
        switch (value)
        {
            case StringValueSyntax text:
                return new TomlScalar(line, text.Value ?? "");
            case IntegerValueSyntax number:
                return new TomlScalar(line, number.Value);
            case BooleanValueSyntax flag:
                return new TomlScalar(line, flag.Value);
            case ArraySyntax array:
                return new TomlList(line, [.. array.Items.Select(item => Convert(item.Value!, LineOf(item), file))]);
            case InlineTableSyntax inline:
                var table = new TomlTableNode(line);
                foreach (InlineTableItemSyntax item in inline.Items)
                    AddPair(table, item.KeyValue!, file);
                return table;
            default:
                return new TomlScalar(line, new object());
        }
    }

    private static string[] KeyPath(KeySyntax key) =>
        [KeyText(key.Key!), .. key.DotKeys.Select(item => KeyText(item.Key!))];

    private static string KeyText(BareKeyOrStringValueSyntax key) => key switch
    {
        StringValueSyntax quoted => quoted.Value ?? "",
        BareKeySyntax bare => bare.Key?.Text ?? "",
        _ => key.ToString() ?? "",
    };

    private static int LineOf(SyntaxNode node) => node.Span.Start.Line + 1;
}
