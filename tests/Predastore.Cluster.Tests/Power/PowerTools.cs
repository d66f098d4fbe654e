using System.Diagnostics;
using System.Globalization;

namespace Predastore.Cluster.Tests.Power;

/// <summary>
/// The two halves of a power cut, compiled from the C sources beside the tests: the library that real processes are started with, and
/// the program that afterwards undoes what they had not synced.
/// </summary>
public sealed class PowerTools : IDisposable
{
    private static readonly TimeSpan CompileTimeout = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("predastore-power-").FullName;

    private PowerTools()
    {
    }

    /// <summary>Compiles both; null, with the reason, where there is no C compiler or no glibc.</summary>
    public static PowerTools? TryCreate(out string why)
    {
        var tools = new PowerTools();
        string sources = Path.Combine(AppContext.BaseDirectory, "Power");
        why = Run("cc", ["-O2", "-shared", "-fPIC", "-o", tools.Library, Path.Combine(sources, "powerloss.c"), "-ldl", "-lpthread"], out _)
            ?? Run("cc", ["-O2", "-o", tools.Cutter, Path.Combine(sources, "powercut.c")], out _) ?? "";
        if (why.Length == 0)
            return tools;
        tools.Dispose();
        return null;
    }

    private string Library => Path.Combine(_folder, "powerloss.so");

    private string Cutter => Path.Combine(_folder, "powercut");

    /// <summary>Variables of a process whose writes below a folder are written down.</summary>
    /// <param name="ignoreDirectory">Syncs of directories with this in their path make nothing durable; null for none.</param>
    public IReadOnlyDictionary<string, string> Variables(string folder, string? ignoreDirectory, string? ignoreFile)
    {
        Directory.CreateDirectory(folder);
        var variables = new Dictionary<string, string> { ["LD_PRELOAD"] = Library, ["POWER_ROOT"] = folder, ["POWER_LOG"] = LogOf(folder) };
        if (ignoreDirectory is not null)
            variables["POWER_IGNORE_DIR"] = ignoreDirectory;
        if (ignoreFile is not null)
            variables["POWER_IGNORE_FILE"] = ignoreFile;
        return variables;
    }

    /// <summary>Undoes what the dead process that wrote below a folder had not synced.</summary>
    /// <param name="seed">0: all of it; another number draws what had come through by itself.</param>
    public PowerCut Cut(string folder, int seed)
    {
        if (Run(Cutter, [folder, LogOf(folder), seed.ToString(CultureInfo.InvariantCulture)], out string output) is { } why)
            throw new InvalidOperationException(why);
        long[] numbers = [.. output.Split(' ').Select(text => long.Parse(text, CultureInfo.InvariantCulture))];
        return new PowerCut(numbers[0], numbers[1], numbers[2]);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string LogOf(string folder) => folder + ".power";

    /// <returns>What went wrong; null if it ended with 0.</returns>
    private static string? Run(string program, IEnumerable<string> args, out string output)
    {
        output = "";
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            output = process.StandardOutput.ReadToEnd();
            if (!process.WaitForExit(CompileTimeout))
            {
                process.Kill();
                return $"{program} does not end";
            }
            return process.ExitCode == 0 ? null : $"{program}: exit code {process.ExitCode}: {errors.Result}";
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return $"{program}: {e.Message}";
        }
    }
}

/// <summary>What a power cut took: bytes that were written and not synced, the files they were in, and changes of names.</summary>
public readonly record struct PowerCut(long Bytes, long Files, long Names)
{
    public static PowerCut operator +(PowerCut a, PowerCut b) => new(a.Bytes + b.Bytes, a.Files + b.Files, a.Names + b.Names);
}
