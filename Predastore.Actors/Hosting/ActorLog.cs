using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;
using Akka.Hosting.Logging;
using Microsoft.Extensions.Logging;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace Predastore.Actors.Hosting;

/// <summary>
/// Hands what actors log to the node's loggers, under the name of the class that says it. Our own lines keep their level. What
/// Akka says of itself tells a developer much and an operator little: membership is told by <c>TopologyActor</c>, in one line a
/// fact. So its information is debug output, and its warnings and errors come without stack and at most a few a minute: whoever
/// probes the control port must not fill the disk with them.
/// </summary>
internal sealed class ActorLog : ActorBase, IRequiresMessageQueue<ILoggerMessageQueueSemantics>
{
    private const string MessageReader = "Akka.Remote.EndpointReader";
    private const string OwnPrefix = "Predastore.";
    private const int SourcesMax = 256;
    private readonly Dictionary<string, ILogger> _loggers = [];
    private readonly LineBudget _budget = new(TimeProvider.System);
    private readonly ILoggerFactory _factory =
        Context.System.Settings.Setup.Get<LoggerFactorySetup>().Value.LoggerFactory;

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case InitializeLogger:
                Sender.Tell(new LoggerInitialized());
                return true;
            case LogEvent line:
                Write(line);
                return true;
            default:
                return false;
        }
    }

    private void Write(LogEvent line)
    {
        string name = line.LogClass.FullName ?? line.LogClass.Name;
        bool own = name.StartsWith(OwnPrefix, StringComparison.Ordinal);
        ILogger log = LoggerOf(name);
        LogLevel level = own ? OwnLevel(line.LogLevel()) : AkkaLevel(line.LogLevel(), name);
        if (!log.IsEnabled(level))
            return;
        string text = line.Message.ToString() ?? "";
        if (own)
        {
            // A warning says in its text what happened; a stack is for what nobody expected.
            Log.Actor(log, level, text, level >= LogLevel.Error || log.IsEnabled(LogLevel.Debug) ? line.Cause : null);
            return;
        }

        int dropped = 0;
        if (level >= LogLevel.Warning && !_budget.TryTake(name, out dropped))
            return;
        if (log.IsEnabled(LogLevel.Debug))
        {
            Log.Actor(log, level, text, line.Cause);
            return;
        }

        text = FirstLine(text);
        if (line.Cause is { } cause)
            text += ": " + FirstLine(cause.GetBaseException().Message);
        Log.Actor(log, level, dropped == 0 ? text : $"{text} ({dropped} lines of this class were left out before)", null);
    }

    private ILogger LoggerOf(string name)
    {
        if (_loggers.TryGetValue(name, out ILogger? log))
            return log;
        // Class names come from code, so there are few; the bound is for the day one comes from elsewhere.
        if (_loggers.Count >= SourcesMax)
            _loggers.Clear();
        return _loggers[name] = _factory.CreateLogger(name);
    }

    private static LogLevel OwnLevel(Akka.Event.LogLevel level) => level switch
    {
        Akka.Event.LogLevel.DebugLevel => LogLevel.Debug,
        Akka.Event.LogLevel.InfoLevel => LogLevel.Information,
        Akka.Event.LogLevel.WarningLevel => LogLevel.Warning,
        _ => LogLevel.Error,
    };

    private static LogLevel AkkaLevel(Akka.Event.LogLevel level, string name) => level switch
    {
        // A message that could not be read is lost: its sender runs another version.
        Akka.Event.LogLevel.WarningLevel when name == MessageReader => LogLevel.Warning,
        Akka.Event.LogLevel.DebugLevel => LogLevel.Trace,
        Akka.Event.LogLevel.InfoLevel or Akka.Event.LogLevel.WarningLevel => LogLevel.Debug,
        _ => LogLevel.Warning,
    };

    private static string FirstLine(string text)
    {
        int end = text.AsSpan().IndexOfAny('\r', '\n');
        return end < 0 ? text : text[..end];
    }
}
