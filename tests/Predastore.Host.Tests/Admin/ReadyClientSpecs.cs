using Predastore.Host.Admin;
using Xunit;

namespace Predastore.Host.Tests.Admin;

public sealed class ReadyClientSpecs : IDisposable
{
    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public async Task Wait_should_end_when_the_node_becomes_ready()
    {
        int asked = 0;
        await using FakeDoor door = await FakeDoor.StartAsync(http =>
        {
            http.Response.StatusCode = http.Request.Path == "/_/health/ready" && Interlocked.Increment(ref asked) >= 3 ? 200 : 503;
            return Task.CompletedTask;
        });

        IReadOnlyList<string> waiting = await WaitAsync(door, TimeSpan.FromSeconds(30));

        Assert.Empty(waiting);
        Assert.Equal(3, asked);
    }

    [Fact]
    public async Task Wait_should_name_who_is_not_ready_and_why()
    {
        await using FakeDoor door = await FakeDoor.StartAsync(http =>
        {
            http.Response.StatusCode = 503;
            return Task.CompletedTask;
        });

        // On a busy machine the first answer may come after a second: then it waits longer.
        string waiting = "";
        for (int seconds = 1; seconds < 60 && !waiting.Contains("503", StringComparison.Ordinal); seconds *= 3)
            waiting = Assert.Single(await WaitAsync(door, TimeSpan.FromSeconds(seconds)));

        Assert.StartsWith(door.Address.Authority + ": 503", waiting);
    }

    private Task<IReadOnlyList<string>> WaitAsync(FakeDoor door, TimeSpan timeout) =>
        new ReadyClient(TimeProvider.System).WaitAsync([door.Address], _temp.Write("ca.pem", door.CaPem), timeout, CancellationToken.None);
}
