using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Predastore.Benchmarks.Load;

/// <summary>What one cell of the table measured.</summary>
/// <param name="Seconds">From the first start to the last end.</param>
/// <param name="LatenciesMs">Of every operation, ascending.</param>
/// <param name="ServerCpuSeconds">User and system time of the server processes meanwhile; 0 without any.</param>
internal sealed record Measurement(double Seconds, double[] LatenciesMs, long ObjectBytes, double ServerCpuSeconds)
{
    public double BytesPerSecond => LatenciesMs.Length * ObjectBytes / Seconds;

    public double OperationsPerSecond => LatenciesMs.Length / Seconds;

    public double ServerNanosecondsPerByte => ServerCpuSeconds * 1e9 / (LatenciesMs.Length * (double)ObjectBytes);

    public double ServerMicrosecondsPerOperation => ServerCpuSeconds * 1e6 / LatenciesMs.Length;

    public double Percentile(double share) => LatenciesMs[Math.Min(LatenciesMs.Length - 1, (int)(share * LatenciesMs.Length))];

    /// <summary>Runs an operation over and over by some clients at once, until the time is over.</summary>
    /// <param name="operation">Takes the client's number and that of its operation.</param>
    public static async Task<Measurement> RunAsync(
        int clients, TimeSpan duration, long objectBytes, IReadOnlyList<int> serverPids, Func<int, int, Task> operation)
    {
        var latencies = new ConcurrentBag<double>();
        double cpuBefore = serverPids.Sum(CpuSeconds);
        long started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(client => Task.Run(async () =>
        {
            for (int i = 0; i == 0 || Stopwatch.GetElapsedTime(started) < duration; i++)
            {
                long begin = Stopwatch.GetTimestamp();
                await operation(client, i);
                latencies.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
            }
        })));
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        double[] sorted = [.. latencies.Order()];
        return new Measurement(seconds, sorted, objectBytes, serverPids.Sum(CpuSeconds) - cpuBefore);
    }

    /// <summary>utime + stime of a process; proc(5): fields 14 and 15 of /proc/PID/stat, in ticks of 10 ms.</summary>
    private static double CpuSeconds(int pid)
    {
        const double ticksPerSecond = 100;
        string stat = File.ReadAllText($"/proc/{pid}/stat");
        // The name in parentheses may have spaces: count from its end, where field 3 starts.
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / ticksPerSecond;
    }
}
