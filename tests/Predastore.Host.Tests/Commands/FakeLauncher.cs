using System.Collections.Concurrent;

namespace Predastore.Host.Tests.Commands;

/// <summary>Starts nothing; lets a test say how a node behaves.</summary>
internal sealed class FakeLauncher : INodeLauncher
{
    public ConcurrentQueue<FakeNode> Nodes { get; } = new();

    public Func<NodeOptions, Exception?> Refuse { get; set; } = _ => null;

    public Action<FakeNode> Started { get; set; } = _ => { };

    public Task<IRunningNode> StartAsync(NodeOptions options, CancellationToken cancellation)
    {
        if (Refuse(options) is { } refused)
            return Task.FromException<IRunningNode>(refused);
        var node = new FakeNode(options);
        Nodes.Enqueue(node);
        Started(node);
        return Task.FromResult<IRunningNode>(node);
    }
}

internal sealed class FakeNode(NodeOptions options) : IRunningNode
{
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public NodeOptions Options => options;

    public bool IsReady { get; set; } = true;

    public bool Stopped { get; private set; }

    public Task Completion => _completion.Task;

    public void Fail(Exception exception) => _completion.SetException(exception);

    public ValueTask DisposeAsync()
    {
        Stopped = true;
        return ValueTask.CompletedTask;
    }
}
