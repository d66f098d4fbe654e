using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace Predastore.Host.Nodes;

/// <summary>What a line begins with beside its time.</summary>
internal sealed class NodeLogFormatterOptions : ConsoleFormatterOptions
{
    /// <summary>Shown where several nodes share one output.</summary>
    public uint? Node { get; set; }
}

/// <summary>
/// One line an entry: time in UTC, level, node where several share the output, class that says it, text, and what an exception
/// says with its stack, if there is one. Line ends inside of texts become spaces, so that nothing a client sends can forge a line.
/// <code>
/// 2026-01-31T09:30:00.125Z info  RaftActor: Replica 1/4fa36ea33977569f is Leader in term 1
/// </code>
/// </summary>
internal sealed class NodeLogFormatter(IOptionsMonitor<NodeLogFormatterOptions> options) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "node";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        string time = DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        string node = options.CurrentValue.Node is uint number ? $"node-{number} " : "";
        string text = logEntry.Formatter(logEntry.State, logEntry.Exception);
        if (logEntry.Exception is { } error)
            text = $"{text}: {error}";
        textWriter.WriteLine($"{time} {LevelName(logEntry.LogLevel)} {node}{ShortName(logEntry.Category)}: {text.ReplaceLineEndings(" ")}");
    }

    private static string LevelName(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info ",
        LogLevel.Warning => "warn ",
        LogLevel.Error => "error",
        _ => "fatal",
    };

    // The class finds the file; its namespace would be half of every line.
    private static string ShortName(string category) => category[(category.LastIndexOf('.') + 1)..];
}
