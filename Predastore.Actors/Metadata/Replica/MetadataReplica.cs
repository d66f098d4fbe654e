using Google.Protobuf;
using Predastore.Actors.Client;
using Predastore.Actors.Raft;
using Predastore.Shards;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Metadata.Replica;

/// <summary>
/// The metadata group as seen from the replica of this process: proposals go to the leader wherever it is, queries are answered here
/// after a read index. Thread-safe.
/// </summary>
public sealed class MetadataReplica(IRaftGroup group, MetadataMachine machine) : IMetadata
{
    private const int EntryBytesMax = 256 << 10;

    /// <inheritdoc/>
    public async Task<CommandResult> ProposeAsync(Command command, TimeSpan timeout, CancellationToken cancel)
    {
        // A command of a newer program, or none: every replica would halt on it for good.
        if (command.OpCase == Command.OpOneofCase.None)
            return Unsupported("this replica does not know the command");

        // An older replica would have to halt on it. Before the cluster is made, its first command sets the level.
        bool first = command.OpCase is Command.OpOneofCase.InitCluster or Command.OpOneofCase.RegisterReplica;
        bool IsAbove() => !first && command.FeatureLevel > machine.ClusterFeatureLevel;

        // A replica that has only begun knows nothing of the cluster yet: after a read index it knows what is committed now.
        if (IsAbove())
            await QueryAsync(new Query { GetCluster = new GetCluster() }, timeout, cancel);
        if (IsAbove())
            return Unsupported($"the command needs feature level {command.FeatureLevel}, the cluster has {machine.ClusterFeatureLevel}");
        if (command.CalculateSize() > EntryBytesMax)
            return new CommandResult { Code = ResultCode.ResultEntityTooLarge, Message = $"a command has at most {EntryBytesMax} bytes" };
        ProposeResult result = await group.Propose(command.ToByteArray(), timeout, MetadataSpace.Grows(command)).WaitAsync(cancel);
        return result.Outcome switch
        {
            ProposeOutcome.Applied => CommandResult.Parser.ParseFrom(result.Result.Span),
            ProposeOutcome.NotProposed => throw new StoreException(StoreFailure.Unavailable, result.Reason),
            ProposeOutcome.Full => throw new StoreException(StoreFailure.Full, result.Reason),
            _ => throw new StoreException(StoreFailure.Unknown, result.Reason),
        };
    }

    /// <inheritdoc/>
    public async Task<QueryResult> QueryAsync(Query query, TimeSpan timeout, CancellationToken cancel)
    {
        ulong index;
        try
        {
            index = Planted.Has(PlantedBug.LocalRead) ? 0 : await group.ReadIndex(timeout).WaitAsync(cancel);
        }
        catch (TimeoutException e)
        {
            throw new StoreException(StoreFailure.Unavailable, "no metadata leader confirmed the read in time", e);
        }

        if (!group.Status.Readable) throw new StoreException(StoreFailure.Unavailable, "the metadata of this replica is being fetched anew");
        try
        {
            return machine.Answer(query, index);
        }
        catch (KvException e)
        {
            throw new StoreException(StoreFailure.Unavailable, "the metadata of this replica cannot be read", e);
        }
    }

    private static CommandResult Unsupported(string message) => new() { Code = ResultCode.ResultUnsupported, Message = message };
}
