using Predastore.Actors.Metadata;

namespace Predastore.Actors.Client;

/// <summary>
/// One way to the metadata group: the replica of this process, or the nearest other one. Thread-safe.
/// </summary>
public interface IMetadata
{
    /// <summary>
    /// Proposes the command as it stands and waits until it is applied.
    /// </summary>
    /// <exception cref="StoreException">
    /// <see cref="StoreFailure.Unavailable"/>: certainly not proposed. <see cref="StoreFailure.Unknown"/>: it may still be applied.
    /// <see cref="StoreFailure.Full"/>: certainly not proposed, for it grows and there is no space.
    /// </exception>
    Task<CommandResult> ProposeAsync(Command command, TimeSpan timeout, CancellationToken cancel);

    /// <summary>A linearizable query.</summary>
    /// <exception cref="StoreException">No replica could answer in time.</exception>
    Task<QueryResult> QueryAsync(Query query, TimeSpan timeout, CancellationToken cancel);
}
