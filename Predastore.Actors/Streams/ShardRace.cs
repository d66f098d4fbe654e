using Predastore.Actors.Client;
using Predastore.Shards.Codec;
using Predastore.Shards.Striping;

namespace Predastore.Actors.Streams;

/// <summary>
/// One read of some shards: first those wanted; when one fails or is late, others beside them, until K are there to compute the
/// rest from. One use.
/// </summary>
internal sealed class ShardRace(
    DataReader reader, IReadOnlyDictionary<int, IndexRange> wanted, TimeSpan hedgeAfter, TimeProvider time)
{
    private static readonly TimeSpan LateMax = TimeSpan.FromSeconds(2);

    private readonly Dictionary<int, ShardRun> _got = [];
    private readonly Dictionary<int, Task<ShardRun?>> _running = [];
    private readonly List<Task<ShardRun?>> _late = [];
    private readonly HashSet<int> _failed = [];
    private volatile bool _busy;

    /// <summary>Returns the runs of all wanted shards. The caller disposes them.</summary>
    public async Task<Dictionary<int, ShardRun>> RunAsync(CancellationToken cancel)
    {
        var ending = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        try
        {
            foreach ((int shard, IndexRange fragments) in wanted)
            {
                if (reader.IsMissing(shard))
                    _failed.Add(shard);
                else
                    Start(shard, fragments, ending.Token);
            }

            if (_failed.Count == 0)
                await WaitAsync(hedgeAfter, ending.Token).ConfigureAwait(false);
            if (!HasAllWanted())
                await ComputeAsync(ending.Token).ConfigureAwait(false);
            cancel.ThrowIfCancellationRequested();

            Dictionary<int, ShardRun> result = [];
            foreach (int shard in wanted.Keys)
                if (_got.Remove(shard, out ShardRun? run))
                    result.Add(shard, run);
            return result;
        }
        finally
        {
            // A late read goes on for a while: cutting it would cost its connection, and the next read a handshake.
            _ = DropAsync([.. _running.Values, .. _late], ending);
            foreach (ShardRun unused in _got.Values)
                unused.Dispose();
        }
    }

    private async Task DropAsync(Task<ShardRun?>[] late, CancellationTokenSource ended)
    {
        // Disposed after the cut: a cut of what is disposed throws on a timer's thread, and ends the process.
        using CancellationTokenSource ending = ended;
        if (late.Length == 0)
            return;
        using var limit = new CancellationTokenSource(LateMax, time);
        using CancellationTokenRegistration cut = limit.Token.Register(ending.Cancel);
        foreach (Task<ShardRun?> read in late)
        {
            await ((Task)read).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (read.IsCompletedSuccessfully)
                read.Result?.Dispose();
        }
    }

    private void OnBusy() => _busy = true;

    private bool HasAllWanted() => wanted.Keys.All(_got.ContainsKey);

    private void Start(int shard, IndexRange fragments, CancellationToken cancel)
        => _running.Add(shard, reader.ReadRunAsync(shard, fragments, OnBusy, cancel));

    // Waits until every running read has ended, one has failed, or the time is over.
    private async Task WaitAsync(TimeSpan atMost, CancellationToken cancel)
    {
        Task timer = Task.Delay(atMost, time, cancel);
        while (_running.Count > 0 && _failed.Count == 0)
        {
            Task ended = await Task.WhenAny(_running.Values.Append(timer)).ConfigureAwait(false);
            if (ended == timer)
                return;
            await CollectAsync().ConfigureAwait(false);
        }
    }

    private async Task CollectAsync()
    {
        foreach ((int shard, Task<ShardRun?> task) in _running.Where(pair => pair.Value.IsCompleted).ToArray())
        {
            _running.Remove(shard);
            if (await task.ConfigureAwait(false) is not { } run)
                _failed.Add(shard);
            else if (!_got.TryAdd(shard, run))
                run.Dispose(); // It was read again meanwhile, and for more.
        }
    }

    private async Task ComputeAsync(CancellationToken cancel)
    {
        long first = wanted.Values.Min(range => range.First);
        var union = new IndexRange(first, wanted.Values.Max(range => range.End) - first);
        int total = reader.Layout.Geometry.Total;
        int k = reader.Layout.Geometry.K;

        // A wanted shard that was read for less than the union does not help to compute the others: it is read again.
        Dictionary<int, ShardRun> whole = _got.Where(pair => pair.Value.Covers(union)).ToDictionary();
        Queue<int> candidates = new(Enumerable.Range(0, total)
            .Where(shard => !_failed.Contains(shard) && !whole.ContainsKey(shard) && !reader.IsMissing(shard)
                && !(_running.ContainsKey(shard) && wanted[shard] == union))
            .OrderBy(shard => _got.ContainsKey(shard) ? 0 : _running.ContainsKey(shard) ? 2 : 1)
            .ThenByDescending(reader.IsLocal));
        var extra = new Dictionary<int, Task<ShardRun?>>();
        try
        {
            while (whole.Count < k && !HasAllWanted())
            {
                // Those late count for nothing here: waiting for them is what this read stopped doing.
                while (extra.Count < k - whole.Count && candidates.TryDequeue(out int next))
                    extra.Add(next, reader.ReadRunAsync(next, union, OnBusy, cancel));
                Task[] running = [.. extra.Values, .. _running.Values];
                if (running.Length == 0)
                {
                    throw new StoreException(
                        _busy ? StoreFailure.Busy : StoreFailure.Damaged,
                        $"Only {whole.Count} of the {k} shards needed can be read.");
                }

                await Task.WhenAny(running).ConfigureAwait(false);
                cancel.ThrowIfCancellationRequested();
                await CollectAsync().ConfigureAwait(false);
                foreach ((int shard, ShardRun run) in _got)
                    if (run.Covers(union))
                        whole.TryAdd(shard, run);
                foreach ((int shard, Task<ShardRun?> task) in extra.Where(pair => pair.Value.IsCompleted).ToArray())
                {
                    extra.Remove(shard);
                    if (await task.ConfigureAwait(false) is not { } run)
                        continue;
                    if (_got.Remove(shard, out ShardRun? shorter))
                        shorter.Dispose();
                    _got[shard] = whole[shard] = run;
                }
            }

            if (!HasAllWanted())
                Reconstruct(whole, union, total);
        }
        finally
        {
            _late.AddRange(extra.Values);
        }
    }

    private void Reconstruct(Dictionary<int, ShardRun> whole, IndexRange union, int total)
    {
        long shardBytes = reader.Layout.ShardBytes;
        var cells = new ReadOnlyMemory<byte>[total];
        uint present = 0;
        foreach ((int shard, ShardRun run) in whole)
        {
            cells[shard] = run.Slice(union, shardBytes);
            present |= 1u << shard;
        }

        int[] missing = [.. wanted.Keys.Where(shard => !_got.ContainsKey(shard))];
        ShardRun[] computed = [.. missing.Select(shard => ShardRun.Rent(shard, union, shardBytes))];
        reader.Layout.Geometry.Code.Reconstruct(cells, present, missing, [.. computed.Select(run => run.Room)]);
        foreach (ShardRun run in computed)
            _got.Add(run.Shard, run);
    }
}
