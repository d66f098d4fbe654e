namespace Predastore.Host.Nodes;

/// <summary>Starts real nodes.</summary>
internal sealed class NodeLauncher : INodeLauncher
{
    public Task<IRunningNode> StartAsync(NodeOptions options, CancellationToken cancellation) =>
        throw new StartupException("this build has no node builder yet");
}
