using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Predastore.Host.Nodes;
using Xunit;

namespace Predastore.Host.Tests.Nodes;

public sealed class NodeLogFormatterSpecs
{
    [Fact]
    public void Entry_should_be_one_line_whatever_its_text_says()
    {
        string line = Format(null, LogLevel.Warning, "key a\r\n2026-01-01T00:00:00.000Z info  Forged: b\u2028c");

        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warn  Keeper: key a 2026-01-01T00:00:00\.000Z info  Forged: b c$", line.TrimEnd('\n'));
    }

    [Fact]
    public void Entry_should_name_the_node_where_several_share_the_output()
    {
        Assert.Contains(" error node-3 Keeper: broken: System.IO.IOException: disk", Format(3, LogLevel.Error, "broken", new IOException("disk")));
    }

    private static string Format(uint? node, LogLevel level, string text, Exception? error = null)
    {
        using var writer = new StringWriter();
        var entry = new LogEntry<string>(level, "Predastore.Some.Keeper", default, text, error, (state, _) => state);
        new NodeLogFormatter(new Monitor(new NodeLogFormatterOptions { Node = node })).Write(entry, null, writer);
        return writer.ToString();
    }

    private sealed class Monitor(NodeLogFormatterOptions options) : IOptionsMonitor<NodeLogFormatterOptions>
    {
        public NodeLogFormatterOptions CurrentValue => options;

        public NodeLogFormatterOptions Get(string? name) => options;

        public IDisposable? OnChange(Action<NodeLogFormatterOptions, string?> listener) => null;
    }
}
