using Predastore.Actors.Metadata;
using Predastore.Shards.Protocol;

namespace Predastore.Actors.Maintenance;

/// <content>Moving shards to other storage ids.</content>
internal sealed partial class RowKeeper
{
    /// <summary>
    /// Moves shards: commits each at its target, then names all of them in the row at once. The old extents stay for the readers that
    /// know of them, until orphan collection. True if all moved.
    /// </summary>
    public async Task<bool> MoveAsync(DataRow row, IReadOnlyList<ShardMove> moves, CancellationToken cancel)
    {
        string name = NameOf(row);
        try
        {
            using var write = new HealWrite(parts.Proposer);
            List<PutShardRequest> puts = [];
            List<ShardTask> rebuild = [];
            foreach (ShardMove move in moves)
            {
                if (await TryCopyAsync(row, move, write.Id, name, cancel).ConfigureAwait(false) is { } put)
                    puts.Add(put);
                else
                    rebuild.Add(new ShardTask(move.Shard, move.To, write.Id));
            }

            int copied = puts.Count;
            if (rebuild.Count > 0 && await parts.BucketAsync(row, cancel).ConfigureAwait(false) is { } bucket)
            {
                IReadOnlyList<ShardOutcome> outcomes = await _rebuilder.RebuildAsync(row, bucket, rebuild, cancel)
                    .ConfigureAwait(false);
                puts.AddRange(Judge(outcomes, name).Select(outcome => outcome.Put));
            }

            if (puts.Count == 0 || await PlaceAsync(row, [.. puts], write, name, cancel).ConfigureAwait(false) is null)
                return false;
            for (int i = 0; i < puts.Count; i++)
            {
                uint from = row.Placement[(int)puts[i].ShardIndex];
                Log.Moved(log, puts[i].ShardIndex, name, from, puts[i].StorageId);
                if (i < copied)
                    parts.Progress.Moved(puts[i].SizeHint);
                else
                    parts.Progress.Healed(puts[i].SizeHint);
            }

            return puts.Count == moves.Count;
        }
        catch (Exception error) when (IsExpected(error, cancel))
        {
            parts.Progress.Failed();
            Log.NotMoved(log, name, error.Message);
            return false;
        }
    }

    // Null if the bytes cannot be had from where they are: they are computed from the others then.
    private async Task<PutShardRequest?> TryCopyAsync(
        DataRow row, ShardMove move, ulong writeId, string name, CancellationToken cancel)
    {
        if (!move.Readable)
            return null;
        try
        {
            return await _mover.CopyAsync(row, move, writeId, cancel).ConfigureAwait(false);
        }
        catch (Exception error) when (error is WrongDigestException or ShardException { Error: ShardError.NotFound or ShardError.Mismatch })
        {
            Log.Fault(log, $"shard {move.Shard} of {name} on storage id {move.From}: {error.Message}");
            return null;
        }
    }
}
