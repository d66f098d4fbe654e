using System.ComponentModel;
using System.Diagnostics;
using System.Text.RegularExpressions;
using Predastore.Cluster.Tests.Harness;

namespace Predastore.Cluster.Tests.Chaos;

/// <summary>
/// strace on a running process, which lets one system call fail with EIO as if the disk had failed. Its own log says how often and on
/// which file: a test in which nothing failed proves nothing.
/// </summary>
public sealed partial class FailingCalls : IDisposable
{
    private const string Injected = "(INJECTED)";

    private static readonly TimeSpan AttachLimit = TimeSpan.FromSeconds(30);

    private readonly Process _strace;
    private readonly string _log;

    private FailingCalls(Process strace, string log) => (_strace, _log) = (strace, log);

    /// <summary>Skips the test where strace is not there or may not attach.</summary>
    /// <param name="pid">The process; its threads and those to come are meant.</param>
    /// <param name="call">Name of the system call.</param>
    /// <param name="log">Where strace writes.</param>
    /// <param name="files">The only files on which it fails; none means all.</param>
    public static async Task<FailingCalls> AttachAsync(int pid, string call, string log, IEnumerable<string> files)
    {
        Process? strace = null;
        try
        {
            strace = Process.Start(new ProcessStartInfo(
                "strace",
                ["-f", "-q", "-y", "-p", $"{pid}", "-e", $"trace={call}", "-e", $"inject={call}:error=EIO", "-o", log, .. files.SelectMany(file => new[] { "-P", file })])
            {
                RedirectStandardError = true,
            });
        }
        catch (Win32Exception e)
        {
            Skip.If(true, $"failing system calls need strace: {e.Message}");
        }

        await S3Cluster.WaitUntilAsync(() => Task.FromResult(strace!.HasExited || IsTraced(pid)), AttachLimit, "strace attached to the node");
        Skip.If(strace!.HasExited, "strace may not attach here");
        return new FailingCalls(strace, log);
    }

    /// <summary>Lets the process go; afterwards the log is whole.</summary>
    public async Task DetachAsync()
    {
        if (!_strace.HasExited)
            Signals.Send(_strace.Id, Signals.Terminate);
        using var limit = new CancellationTokenSource(AttachLimit);
        await _strace.WaitForExitAsync(limit.Token);
    }

    /// <summary>The file of every call that was made to fail, in their order; empty for one whose file strace did not name.</summary>
    public IReadOnlyList<string> Files()
    {
        List<string> files = [];
        var begun = new Dictionary<string, string>();
        if (!File.Exists(_log))
            return files;
        using var reader = new StreamReader(new FileStream(_log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        while (reader.ReadLine() is { } line)
        {
            string thread = line.Split(' ', 2)[0];
            string file = FileOf().Match(line) is { Success: true } named ? named.Groups[1].Value : begun.GetValueOrDefault(thread, "");
            // A call that another thread's interrupts stands in two lines, and only the first one names the file.
            if (line.Contains("<unfinished", StringComparison.Ordinal))
                begun[thread] = file;
            else if (line.Contains(Injected, StringComparison.Ordinal))
                files.Add(file);
        }

        return files;
    }

    public void Dispose()
    {
        if (!_strace.HasExited)
            _strace.Kill();
        _strace.Dispose();
    }

    private static bool IsTraced(int pid) => File.ReadLines($"/proc/{pid}/status")
        .Any(line => line.StartsWith("TracerPid:", StringComparison.Ordinal) && line["TracerPid:".Length..].Trim() != "0");

    [GeneratedRegex(@"\w+\(\d+<(.*?)>")]
    private static partial Regex FileOf();
}
