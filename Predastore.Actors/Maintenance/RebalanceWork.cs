using System.Collections.Concurrent;
using Google.Protobuf;
using Predastore.Actors.Metadata;
using Predastore.Actors.Topology;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// Moves shards to where the ring has them: rows of older epochs, what stands on a draining storage id, and what a lost one held. A
/// partition that was walked without finding anything is left alone until the ring or the condition of a storage id changes.
/// </summary>
internal sealed class RebalanceWork(MaintenanceParts parts, RowKeeper keeper)
{
    private readonly ConcurrentDictionary<uint, State> _partitions = [];

    /// <summary>One round over a partition. True if shards were moved: their old extents are orphans soon.</summary>
    public async Task<bool> RunAsync(uint partition, CancellationToken cancel)
    {
        ClusterView cluster = parts.Cluster.Require();
        string picture = Picture(cluster, out bool mustEmpty);
        State state = _partitions.GetOrAdd(partition, _ => new State());
        if (state.Picture != picture)
        {
            state.Picture = picture;
            state.After = ByteString.Empty;
            state.Settled = false;
            state.Left = false;
        }

        // While rows still name a leaving id, late commits of gates that placed by the ring before are looked for again.
        return (!state.Settled || mustEmpty) && await WalkAsync(partition, cluster, state, cancel).ConfigureAwait(false);
    }

    private async Task<bool> WalkAsync(uint partition, ClusterView cluster, State state, CancellationToken cancel)
    {
        long started = parts.Time.GetTimestamp();
        bool moved = false;
        while (true)
        {
            QueryResult page = await parts.QueryAsync(
                new Query { WalkData = new WalkData { Partition = partition, After = state.After, Limit = parts.Settings.PageRows } }, cancel)
                .ConfigureAwait(false);
            foreach (DataRow row in page.DataRows)
            {
                IReadOnlyList<ShardMove> moves = PlacementPlan.Moves(row, cluster, keeper.ConditionOf);
                if (moves.Count == 0)
                    continue;
                using IDisposable turn = await parts.Pace.EnterAsync(cancel).ConfigureAwait(false);
                if (await MoveAsync(row.DataId, cluster, cancel).ConfigureAwait(false))
                    moved = true;
                else
                    state.Left = true;
            }

            if (!page.Truncated)
                break;
            state.After = page.NextCursor;
            if (parts.Time.GetElapsedTime(started) > parts.Settings.RoundMax)
                return moved;
        }

        state.Settled = !state.Left;
        state.After = ByteString.Empty;
        state.Left = false;
        return moved;
    }

    private async Task<bool> MoveAsync(ByteString dataId, ClusterView cluster, CancellationToken cancel)
    {
        // Read again: the page may be minutes old, and a move from a place that is no longer its own would be lost work.
        QueryResult now = await parts.QueryAsync(new Query { GetData = new GetData { DataId = dataId } }, cancel).ConfigureAwait(false);
        if (now.Data is not { } row)
            return true;
        IReadOnlyList<ShardMove> moves = PlacementPlan.Moves(row, cluster, keeper.ConditionOf);
        return moves.Count == 0 || await keeper.MoveAsync(row, moves, cancel).ConfigureAwait(false);
    }

    // What the decisions of a walk rest on, besides the rows.
    private string Picture(ClusterView cluster, out bool mustEmpty)
    {
        mustEmpty = false;
        List<string> gone = [];
        foreach (uint id in cluster.Storages.Keys.Order())
        {
            StorageCondition condition = keeper.ConditionOf(id);
            // What is out of reach only for a moment counts too: its return is when what was waiting for it can move.
            if (condition != StorageCondition.Good)
                gone.Add($"{id}:{condition}");
            mustEmpty |= condition == StorageCondition.Leaving && cluster.Use.GetValueOrDefault(id) > 0;
        }

        return $"{cluster.Epoch}/{string.Join(',', gone)}";
    }

    private sealed class State
    {
        public string Picture { get; set; } = "";

        public ByteString After { get; set; } = ByteString.Empty;

        public bool Settled { get; set; }

        public bool Left { get; set; }
    }
}
