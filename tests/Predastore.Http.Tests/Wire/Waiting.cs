using System.Diagnostics;

namespace Predastore.Http.Tests.Wire;

/// <summary>Waits for a condition that something else brings about.</summary>
internal static class Waiting
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        long started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < Limit, $"not within {Limit.TotalSeconds} s: {what}");
            await Task.Delay(20);
        }
    }
}
