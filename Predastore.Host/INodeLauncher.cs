namespace Predastore.Host;

/// <summary>
/// The seam between the command line and the node: builds the ActorSystem and Kestrel from options that need no more
/// thinking. The in-process transport of several nodes of one process is the launcher's to share.
/// </summary>
public interface INodeLauncher
{
    /// <summary>Starts one node and returns when its listeners are open; joining the cluster goes on afterwards.</summary>
    /// <exception cref="StartupException">It cannot start: port in use, bad key or certificate, foreign disk, no space. One line, what to do.</exception>
    Task<IRunningNode> StartAsync(NodeOptions options, CancellationToken cancellation);
}

/// <summary>A node that was started. Disposing stops it in order: uploads drain, the node leaves, files close.</summary>
public interface IRunningNode : IAsyncDisposable
{
    NodeOptions Options { get; }

    /// <summary>True while the node answers <c>/_/health/ready</c> with 200.</summary>
    bool IsReady { get; }

    /// <summary>Completes when the node has stopped by itself: normally never; faulted with what ended it otherwise.</summary>
    Task Completion { get; }
}
