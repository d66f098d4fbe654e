namespace Predastore.Host.Commands;

/// <summary>What commands may touch of the world; tests bring their own.</summary>
internal sealed record CommandContext
{
    public required TextWriter Out { get; init; }

    public required TextWriter Error { get; init; }

    /// <summary>Looks up an environment variable; null where it is not set.</summary>
    public required Func<string, string?> Environment { get; init; }

    public required INodeLauncher Launcher { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Asks running nodes to stop, beside SIGTERM and SIGINT.</summary>
    public CancellationToken Stop { get; init; }

    public static CommandContext OfProcess(INodeLauncher launcher) => new()
    {
        Out = Console.Out,
        Error = Console.Error,
        Environment = System.Environment.GetEnvironmentVariable,
        Launcher = launcher,
    };
}
