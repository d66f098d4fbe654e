namespace Predastore.Actors.Hosting.Partitions;

/// <summary>What a partition's keeper does again and again: heal, orphan and garbage collection, rebalance of one part of the hash space.</summary>
public interface IPartitionWork
{
    /// <summary>
    /// One round. Two nodes may run the same partition at once (while it moves, or in a split cluster), so a round changes things
    /// only by compare-and-set. A failure is retried with a growing pause.
    /// </summary>
    /// <param name="partition">0 to <see cref="PartitionProtocol.Partitions"/> - 1: the top 6 bits of an objectHash.</param>
    /// <param name="cancellation">Ends when the partition moves away or the round has reached its deadline; obey it soon, because
    /// no further round starts before this one has returned.</param>
    Task RunAsync(int partition, CancellationToken cancellation);
}
