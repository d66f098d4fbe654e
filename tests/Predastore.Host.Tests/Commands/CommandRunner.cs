using Predastore.Host.Commands;

namespace Predastore.Host.Tests.Commands;

/// <summary>Runs command lines as <c>Main</c> would, and keeps what they say.</summary>
internal sealed class CommandRunner : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);
    private readonly CancellationTokenSource _stop = new();

    public FakeLauncher Launcher { get; } = new();

    public Dictionary<string, string> Environment { get; } = [];

    public StringWriter Out { get; } = new();

    public StringWriter Error { get; } = new();

    public void Stop() => _stop.Cancel();

    public async Task<int> RunAsync(params string[] args) => await CommandLine.RunAsync(args, new CommandContext
    {
        Out = Out,
        Error = Error,
        Environment = Environment.GetValueOrDefault,
        Launcher = Launcher,
        Stop = _stop.Token,
    }).WaitAsync(Timeout);

    /// <summary>Asserts failure with exactly one line on stderr, and returns it.</summary>
    public async Task<string> FailAsync(ExitCode code, params string[] args)
    {
        int actual = await RunAsync(args);
        string error = Error.ToString();
        Xunit.Assert.True(actual == (int)code, $"exit code {actual}, expected {(int)code}: {error}");
        Xunit.Assert.Matches(@"\As3d: [^\r\n]+\r?\n\z", error);
        Error.GetStringBuilder().Clear();
        return error;
    }

    public void Dispose() => _stop.Dispose();
}
