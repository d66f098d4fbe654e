namespace Predastore.Host;

/// <summary>The program cannot start or do what it was asked. The message is one line that says what is wrong and what to do.</summary>
public sealed class StartupException(string message, ExitCode exitCode = ExitCode.Startup)
    : Exception(message.ReplaceLineEndings(" "))
{
    /// <summary>What the process exits with.</summary>
    public ExitCode ExitCode { get; } = exitCode;
}

/// <summary>Exit codes of <c>s3d</c>.</summary>
public enum ExitCode
{
    /// <summary>Stopped in order.</summary>
    Ok = 0,

    /// <summary>A running node failed.</summary>
    Failed = 1,

    /// <summary>The command line is wrong.</summary>
    Usage = 2,

    /// <summary>The node could not start: port, certificate, key file, disk, identity.</summary>
    Startup = 3,

    /// <summary>The cluster file is wrong.</summary>
    ClusterFile = 4,

    /// <summary>A client command (<c>s3d status</c>) could not reach the cluster or was refused.</summary>
    Unreachable = 5,

    /// <summary>The cluster answered that it will not do what was asked (<c>s3d admin</c>).</summary>
    Refused = 6,
}
