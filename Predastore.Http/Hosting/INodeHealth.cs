using Predastore.Http.Admin;

namespace Predastore.Http.Hosting;

/// <summary>What the S3 door asks its node.</summary>
public interface INodeHealth
{
    /// <summary>True while requests can be served.</summary>
    bool IsReady { get; }

    /// <summary>The cluster as this node sees it.</summary>
    Task<ClusterStatus> StatusAsync(CancellationToken cancel);
}
