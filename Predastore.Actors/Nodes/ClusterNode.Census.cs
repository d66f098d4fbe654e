using Predastore.Actors.Client;
using Predastore.Actors.Maintenance;

namespace Predastore.Actors.Nodes;

/// <content>Shards against rows.</content>
public sealed partial class ClusterNode
{
    private int _counting;

    /// <summary>Counts the shards on all disks against the data rows; one census at a time on a node.</summary>
    /// <exception cref="StoreException">The metadata group does not answer, or a census runs already.</exception>
    public async Task<CensusResult> CensusAsync(CancellationToken cancel)
    {
        if (Interlocked.Exchange(ref _counting, 1) != 0)
            throw new StoreException(StoreFailure.Busy, "A census runs on this node already.");
        try
        {
            return await new Census(Node, _metadata, _shards, _cluster.Require()).RunAsync(cancel).ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _counting, 0);
        }
    }
}
