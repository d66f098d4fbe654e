using Microsoft.Extensions.Logging;
using Predastore.Actors.Nodes;
using Predastore.Shards.Transport;

namespace Predastore.Host.Nodes;

/// <summary>A node with its S3 door. Stopping closes the door first, then the node leaves.</summary>
internal sealed class RunningNode : IRunningNode
{
    private readonly ClusterNode _node;
    private readonly ClusterTrust _trust;
    private readonly ILoggerFactory _loggers;

    private RunningNode(NodeOptions options, ClusterNode node, ClusterTrust trust, ILoggerFactory loggers)
    {
        Options = options;
        (_node, _trust, _loggers) = (node, trust, loggers);
    }

    public NodeOptions Options { get; }

    public bool IsReady => _node.IsReady;

    public Task Completion => _node.Completion;

    public static Task<RunningNode> OpenDoorAsync(
        NodeOptions options, ClusterNode node, ClusterTrust trust, ILoggerFactory loggers, CancellationToken cancel)
    {
        var running = new RunningNode(options, node, trust, loggers);
        return Task.FromResult(running);
    }

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        _trust.Dispose();
        _loggers.Dispose();
    }
}
