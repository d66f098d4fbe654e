using System.Diagnostics;
using System.Text;

namespace Predastore.Cluster.Tests.Harness;

/// <summary>
/// One running <c>s3d</c>: the one that was built beside the tests, or the <c>s3d.dll</c> that <c>S3D_PROGRAM</c> names. What it writes goes
/// to a file and, at its end, is kept for failures.
/// </summary>
public sealed class S3dProcess : IDisposable
{
    private const int TailLinesMax = 60;

    private static readonly string Program =
        Environment.GetEnvironmentVariable("S3D_PROGRAM") is { Length: > 0 } program ? program : Path.Combine(AppContext.BaseDirectory, "s3d.dll");

    private static readonly TimeSpan ExitTimeout = TimeSpan.FromSeconds(60);

    // Killed if the test host ends without disposing: an orphan would keep ports and folders of later runs.
    private static readonly HashSet<S3dProcess> Running = [];

    private readonly Process _process;
    private readonly StreamWriter? _log;
    private readonly Queue<string> _tail = new();
    private readonly StringBuilder? _output;
    private readonly Lock _gate = new();

    static S3dProcess() => AppDomain.CurrentDomain.ProcessExit += (_, _) =>
    {
        lock (Running)
            foreach (S3dProcess left in Running)
                left.TryKill();
    };

    private S3dProcess(
        IEnumerable<string> args, string? logFile, IReadOnlyDictionary<string, string>? environment, bool keepOutput, IReadOnlyList<string>? prefix = null)
    {
        _log = logFile is null ? null : new StreamWriter(logFile, append: true) { AutoFlush = true };
        _output = keepOutput ? new StringBuilder() : null;
        string[] command = [.. prefix ?? [], "dotnet", Program, .. args];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        // Variables of whoever runs the tests must not reach into them.
        start.Environment.Remove("ENCRYPTION_KEY_FILE");
        start.Environment.Remove("S3D_HOCON");
        start.Environment["DOTNET_gcServer"] = "0";
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Keep(line.Data, isOutput: true);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data, isOutput: false);
        _process.Start();
        lock (Running)
            Running.Add(this);
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Pid => _process.Id;

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>The last lines it wrote.</summary>
    public string Tail
    {
        get
        {
            lock (_gate)
                return string.Join(Environment.NewLine, _tail);
        }
    }

    /// <summary>Bytes of memory it has resident now.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>Files, sockets and other descriptors that it has open now. Linux only.</summary>
    public int OpenDescriptors => Directory.GetFileSystemEntries($"/proc/{Pid}/fd").Length;

    /// <summary>Starts a node and leaves it running.</summary>
    public static S3dProcess Start(IEnumerable<string> args, string logFile, IReadOnlyDictionary<string, string> environment) =>
        new(args, logFile, environment, keepOutput: false);

    /// <summary>Runs a command to its end.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="environment">Variables beside those of the tests.</param>
    /// <param name="prefix">A program that runs the command, with its own arguments.</param>
    /// <exception cref="TimeoutException">It did not end; it was killed.</exception>
    public static async Task<CommandResult> RunAsync(
        IEnumerable<string> args, IReadOnlyDictionary<string, string>? environment = null, IReadOnlyList<string>? prefix = null)
    {
        using var process = new S3dProcess(args, null, environment, keepOutput: true, prefix);
        await process.WaitForExitAsync();
        lock (process._gate)
            return new CommandResult(process.ExitCode, process._output!.ToString(), string.Join('\n', process._tail));
    }

    /// <summary>True if a program is there and ends well.</summary>
    public static async Task<bool> CanRunAsync(IReadOnlyList<string> command)
    {
        try
        {
            using Process process = Process.Start(
                new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            await process.WaitForExitAsync().WaitAsync(ExitTimeout);
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    /// <summary>kill -9: no handler runs, nothing is flushed.</summary>
    public async Task KillAsync()
    {
        TryKill();
        await WaitForExitAsync();
    }

    /// <summary>SIGTERM, and waits for the orderly end.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> TerminateAsync()
    {
        Signals.Send(Pid, Signals.Terminate);
        await WaitForExitAsync();
        return ExitCode;
    }

    /// <summary>SIGSTOP: the process stays, with its sockets open, and does nothing.</summary>
    public void Freeze() => Signals.Send(Pid, Signals.Stop);

    /// <summary>SIGCONT.</summary>
    public void Thaw() => Signals.Send(Pid, Signals.Continue);

    public async Task WaitForExitAsync()
    {
        using var timeout = new CancellationTokenSource(ExitTimeout);
        try
        {
            await _process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            TryKill();
            throw new TimeoutException($"s3d (pid {Pid}) did not end within {ExitTimeout.TotalSeconds} s:{Environment.NewLine}{Tail}");
        }
    }

    public void Dispose()
    {
        TryKill();
        _process.WaitForExit(ExitTimeout);
        lock (Running)
            Running.Remove(this);
        _process.Dispose();
        lock (_gate)
            _log?.Dispose();
    }

    private void TryKill()
    {
        try
        {
            if (!_process.HasExited)
                _process.Kill();
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // It ended in between.
        }
    }

    private void Keep(string? line, bool isOutput)
    {
        if (line is null)
            return;
        lock (_gate)
        {
            if (_log is { BaseStream: not null })
                _log.WriteLine(line);
            if (isOutput && _output is not null)
            {
                _output.AppendLine(line);
                return;
            }
            _tail.Enqueue(line);
            if (_tail.Count > TailLinesMax)
                _tail.Dequeue();
        }
    }
}

/// <summary>How a command ended, and the last lines of its stderr.</summary>
public sealed record CommandResult(int ExitCode, string Output, string Error);
