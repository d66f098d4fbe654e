using Microsoft.Extensions.Time.Testing;
using Predastore.Actors.Tests.Client;

namespace Predastore.Actors.Tests;

/// <summary>A clock that goes on while something waits for it: code may ask for its next delay later than a test has moved the clock on.</summary>
internal static class FakeClock
{
    /// <summary>Moves a clock on until a task has completed.</summary>
    /// <exception cref="OperationCanceledException">It has not within twenty real seconds.</exception>
    public static async Task UntilAsync(this FakeTimeProvider time, Task task, TimeSpan step)
    {
        await ScriptedMetadata.UntilAsync(() =>
        {
            time.Advance(step);
            return task.IsCompleted;
        });
        await task;
    }
}
