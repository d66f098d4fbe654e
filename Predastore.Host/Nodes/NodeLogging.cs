using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Predastore.Host.Nodes;

/// <summary>Where a node logs to: standard output, one line an entry, UTC.</summary>
internal static class NodeLogging
{
    public static ILoggerFactory Create(NodeOptions options) => LoggerFactory.Create(logging => logging
        .SetMinimumLevel(options.LogLevel)
        .AddFilter("Microsoft", level => level >= (options.LogLevel < LogLevel.Information ? options.LogLevel : LogLevel.Warning))
        .AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            console.ColorBehavior = LoggerColorBehavior.Disabled;
        }));
}
