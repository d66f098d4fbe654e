using Predastore.Actors.Client;
using Predastore.Actors.Maintenance;
using Predastore.Actors.Nodes;
using Predastore.Http.Admin;

namespace Predastore.Host.Nodes;

/// <summary>The census for the operator.</summary>
internal static class CensusAdmin
{
    public static async Task<CensusResult> RunAsync(ClusterNode node, CancellationToken cancel)
    {
        try
        {
            return await node.CensusAsync(cancel);
        }
        catch (StoreException error)
        {
            throw new AdminException(AdminFault.Unavailable, error.Message);
        }
    }
}
