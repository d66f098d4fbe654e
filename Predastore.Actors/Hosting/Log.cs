using Microsoft.Extensions.Logging;

namespace Predastore.Actors.Hosting;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Node {Node}: actor system {Incarnation} listens on {Address}")]
    public static partial void SystemBuilt(ILogger log, uint node, int incarnation, ControlAddress address);

    [LoggerMessage(2, LogLevel.Information, "Node {Node}: up, actor system {Incarnation}")]
    public static partial void NodeUp(ILogger log, uint node, int incarnation);

    [LoggerMessage(3, LogLevel.Warning,
        "Node {Node}: actor system {Incarnation} ended ({Reason}); answering 503 until a new one has joined")]
    public static partial void SystemEnded(ILogger log, uint node, int incarnation, string reason);

    [LoggerMessage(4, LogLevel.Error, "Node {Node}: could not build a new actor system, trying again")]
    public static partial void RebuildFailed(ILogger log, uint node, Exception error);

    [LoggerMessage(5, LogLevel.Warning, "Node {Node}: the shutdown was cut short; peers will notice that the node is gone")]
    public static partial void StopCutShort(ILogger log, uint node);

    [LoggerMessage(7, LogLevel.Warning, "Node {Node}: actor system {Incarnation} was let in by nobody; a new one looks for the cluster again")]
    public static partial void NotJoined(ILogger log, uint node, int incarnation);

    [LoggerMessage(EventId = 6, Message = "{Text}")]
    public static partial void Actor(ILogger log, LogLevel level, string text, Exception? error);
}
