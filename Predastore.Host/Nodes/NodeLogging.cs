using Microsoft.Extensions.Logging;

namespace Predastore.Host.Nodes;

/// <summary>Where a node logs to: standard output, one line an entry, UTC.</summary>
internal static class NodeLogging
{
    public static ILoggerFactory Create(NodeOptions options) => LoggerFactory.Create(logging => logging
        .SetMinimumLevel(options.LogLevel)
        .AddFilter("Microsoft", level => level >= (options.LogLevel < LogLevel.Information ? options.LogLevel : LogLevel.Warning))
        // These two print request lines, and the query of a presigned one is as good as a key.
        .AddFilter("Microsoft.AspNetCore.Hosting", LogLevel.Warning)
        .AddFilter("Microsoft.AspNetCore.Server.Kestrel.BadRequests", LogLevel.Warning)
        .AddConsoleFormatter<NodeLogFormatter, NodeLogFormatterOptions>(format => format.Node = options.AllInProcess ? options.Node : null)
        .AddConsole(console => console.FormatterName = NodeLogFormatter.FormatterName));
}
