using System.Globalization;
using System.Runtime.ExceptionServices;

namespace Predastore.Simulation.Tests;

/// <summary>Runs seeds on threads of their own, without a synchronisation context and with room for long chains of continuations.</summary>
internal static class SeedRunner
{
    private const int StackBytes = 64 << 20;

    /// <summary>Number in an environment variable, or null.</summary>
    public static ulong? Number(string variable)
        => ulong.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out ulong value) ? value : null;

    /// <summary>Runs something alone on a thread and throws what it threw.</summary>
    public static void Run(Action action)
    {
        Exception? failure = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    action();
                }
                catch (Exception error)
                {
                    failure = error;
                }
            },
            StackBytes);
        thread.Start();
        thread.Join();
        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
    }

    /// <summary>
    /// Runs an action for every seed in [first, last] on as many threads; stops at the first failure, or with <c>PREDA_KEEP=n</c> after n
    /// of them, each told in one line as it is found.
    /// </summary>
    /// <param name="first">First seed.</param>
    /// <param name="last">Last seed.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="run">Runs one seed.</param>
    /// <param name="until">No further seed is begun after it.</param>
    /// <param name="stopped">Kind of exception that stops the run and is no failure.</param>
    /// <returns>Seeds run.</returns>
    public static int RunAll(ulong first, ulong last, int threads, Action<ulong> run, DateTime until, Type? stopped = null)
    {
        long next = (long)first - 1;
        int done = 0;
        Exception? failure = null;
        int kept = (int)(Number("PREDA_KEEP") ?? 1);
        int failures = 0;
        Thread[] all = [.. Enumerable.Range(0, threads).Select(_ => new Thread(
            () =>
            {
                while (Volatile.Read(ref failures) < kept && DateTime.UtcNow < until)
                {
                    ulong seed = (ulong)Interlocked.Increment(ref next);
                    if (seed > last)
                        return;
                    try
                    {
                        run(seed);
                        Interlocked.Increment(ref done);
                    }
                    catch (Exception error)
                    {
                        if (error.GetType() != stopped)
                            Console.WriteLine($"seed {seed} fails: {error.Message.Split('\n')[0]}");
                        Interlocked.CompareExchange(ref failure, error, null);
                        Interlocked.Increment(ref failures);
                    }
                }
            },
            StackBytes))];
        foreach (Thread thread in all)
            thread.Start();
        foreach (Thread thread in all)
            thread.Join();
        if (failures > 0 && kept > 1)
            Console.WriteLine($"{done} seeds passed, {failures} failed, CPU {Environment.CpuUsage.TotalTime}");
        if (failure is not null && failure.GetType() != stopped)
            ExceptionDispatchInfo.Throw(failure);
        return done;
    }
}
