using Google.Protobuf;
using Predastore.Actors.Metadata;
using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;
using Predastore.Shards.Crypto;
using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;
using Predastore.Simulation.Tests.Raft;

namespace Predastore.Simulation.Tests.Store;

/// <content>What must hold of bytes and rows, judged from outside with full knowledge.</content>
internal sealed partial class ClusterSimulation
{
    private readonly Dictionary<ShardKey, UInt128> _sealed = [];
    private readonly HashSet<(ShardKey Shard, uint StorageId, Guid Attempt)> _damaged = [];
    private readonly HashSet<string> _deleting = [];
    private readonly Dictionary<string, long> _modified = [];

    /// <summary>The same entry gives the same result on every replica.</summary>
    public void ObserveApply(SimReplica replica, Entry entry, ReadOnlySpan<byte> result)
    {
        ulong hash = SimMachine.Mix(SimMachine.Mix(SimMachine.Empty.Hash, entry.Index), (ulong)result.Length);
        foreach (byte b in result)
            hash = (hash ^ b) * 1099511628211;
        Oracles.ObserveApply(replica, entry.Index, entry.Term, hash);
        Mix(entry.Index);
        if (entry.Kind != EntryKind.EntryCommand)
            return;
        Command command = Command.Parser.ParseFrom(entry.Data);
        if (command.OpCase == Command.OpOneofCase.CollectGarbage)
            CheckCollected(command.CollectGarbage, replica);
        else if (command.OpCase is Command.OpOneofCase.PlaceShards or Command.OpOneofCase.ReplaceData)
            CheckGeneration(command, CommandResult.Parser.ParseFrom(result));
    }

    // What is collected may be seen by no read that is open anywhere.
    private void CheckCollected(CollectGarbage collect, SimReplica replica)
    {
        HashSet<uint> open = [.. replica.Machine.Peek(new Query { GetCluster = new GetCluster() }).Sessions.Where(s => !s.Closed).Select(s => s.Id)];
        foreach (SimProcess process in Hosts.Select(h => h.Process).OfType<SimProcess>())
        {
            foreach (Predastore.Actors.Client.WriteSession session in
                new[] { process.Sessions.Current, process.MaintenanceSessions.Current }.OfType<Predastore.Actors.Client.WriteSession>())
            {
                if (!open.Contains(session.Id))
                    continue;
                foreach (GarbageKey row in collect.Rows)
                    InvariantException.Check(row.Index < session.OldestRead,
                        $"garbage of {row.Index} was collected while session {session.Id} of node {process.Node} reads at {session.OldestRead}");
            }
        }
    }

    /// <summary>A position is sealed once: whoever stores a shard of an object stores the same tags, or a key met a nonce twice.</summary>
    public void ObserveShard(uint storageId, ShardKey shard, UInt128 digest)
    {
        Mix(storageId);
        if (!_sealed.TryAdd(shard, digest) && _sealed[shard] != digest)
            Fail(new InvariantException($"shard {shard.ShardIndex} of {shard.ObjectHash} was sealed twice, with two results"));
    }

    /// <summary>An acknowledged write is durable on one more node than it takes to read it.</summary>
    private void CheckAcknowledged(string name, string etag)
    {
        if (Newest() is not { } replica)
            return;
        (string bucket, string key) = (name[..name.IndexOf('/')], name[(name.IndexOf('/') + 1)..]);
        QueryResult found = replica.Machine.Peek(new Query { GetVersion = new GetVersion { Bucket = bucket, Key = key, WithData = true } });
        if (found.Code != ResultCode.ResultOk || found.Version.Etag != etag)
            return;

        // Whatever clocks say, a later version of a key is not older.
        if (!_deleting.Contains(name))
        {
            if (_modified.TryGetValue(name, out long before))
                InvariantException.Check(found.Version.ModifiedMs >= before, $"{name} was modified at {found.Version.ModifiedMs}, before {before}");
            _modified[name] = found.Version.ModifiedMs;
        }

        foreach (DataRow row in found.Parts.Select(part => part.Data).Append(found.Data).OfType<DataRow>())
        {
            // Of shards on machines that are down, and of those damaged on purpose, nothing is asked.
            int there = Enumerable.Range(0, row.Placement.Count).Count(shard => !row.Missing.Contains((uint)shard)
                && Verify(replica, row, shard) is var state && (state is ShardState.Good or ShardState.Away || IsDamaged(row, shard)));
            int wanted = row.ParityShards <= 1 ? row.Placement.Count : (int)row.DataShards + 1;
            InvariantException.Check(there >= wanted, $"{name} {etag} was acknowledged with {there} of {wanted} shards ({row})");
        }
    }

    private bool IsDamaged(DataRow row, int shard)
    {
        var key = new ShardKey(new ObjectHash(row.ObjectHash.Span), (uint)shard);
        return _damaged.Any(d => d.Shard == key && d.StorageId == row.Placement[shard]);
    }

    // Shards of an object that are not good, as far as anybody knows; all of them if no row names it.
    private int CountBad(ObjectHash hash, ShardRow shard)
    {
        if (Newest() is not { } replica)
            return int.MaxValue;
        DataRow? row = DataRows(replica).FirstOrDefault(r => r.ObjectHash.Span.SequenceEqual(hash.ToArray()));
        if (row is null)
            return shard.M;
        return Enumerable.Range(0, row.Placement.Count).Count(i => row.Missing.Contains((uint)i)
            || IsDamagedNow(row, i));
    }

    private bool IsDamagedNow(DataRow row, int shard)
    {
        uint storageId = row.Placement[shard];
        var key = new ShardKey(new ObjectHash(row.ObjectHash.Span), (uint)shard);
        SimStore? store = HostOf(storageId).Process?.Stores.First(s => s.StorageId == storageId);
        if (store is null)
            return IsDamaged(row, shard);
        return store.Store.Stat(key) is not { } newest || _damaged.Contains((key, storageId, newest.AttemptId));
    }

    private void CheckConverged()
    {
        SimReplica[] replicas = [.. Hosts.Where(h => h.HasReplica).Select(h => h.Process?.Replica ?? throw new InvariantException($"node {h.Node} is down after healing"))];
        SimReplica leader = replicas.FirstOrDefault(r => r.Node.Role == RaftRole.Leader) ?? throw new InvariantException("no leader after healing");
        InvariantException.Check(leader.Node.HasCommittedInTerm, "the leader has committed nothing in its term");
        foreach (SimReplica replica in replicas)
            InvariantException.Check(replica.Node.Leader == leader.Id, $"{replica.Id} follows {replica.Node.Leader} and not {leader.Id}");
        CheckSessions();
        ReadAll();
        CheckStates(replicas);
        AwaitCensus();
        CheckCanary();
        AddPending();
        string? wrong = History.Judge();
        InvariantException.Check(wrong is null, wrong ?? "");
    }

    // Every key is read once more, everywhere: nothing that was acknowledged may be missing, and no bytes may be wrong.
    private void ReadAll()
    {
        int left = 0;
        SimProcess gate = Hosts[(int)(Settings.Seed % (ulong)Hosts.Count)].Process!;
        async Task ReadAsync(string bucket, string key)
        {
            try
            {
                await GetAsync(gate, bucket, key);
                left--;
            }
            catch (Exception error)
            {
                Fail(new InvariantException($"{bucket}/{key} cannot be read after healing: {error}"));
            }
        }

        foreach (string bucket in Buckets)
        {
            for (int key = 0; key < Settings.Keys; key++)
            {
                left++;
                _ = ReadAsync(bucket, $"k{key}");
            }
        }

        RunUntil(Clock.Now + 10_000, () => left == 0);
        InvariantException.Check(left == 0, $"{left} reads did not end after healing");
    }

    // Replicas that stand at the same index hold the same rows. Nothing is proposed any more but reports of sessions, so they meet.
    private void CheckStates(SimReplica[] replicas)
    {
        bool Equal() => replicas.All(r => r.Applied == replicas[0].Applied);
        RunUntil(Clock.Now + 5_000, Equal);
        InvariantException.Check(Equal(), "the replicas do not meet at one index");
        byte[][] states = [.. replicas.Select(r =>
        {
            using Predastore.Actors.Raft.ISnapshotSource source = r.Machine.TakeSnapshot();
            using var all = new MemoryStream();
            byte[] buffer = new byte[64 << 10];
            for (int read; (read = source.Read(buffer)) > 0;)
                all.Write(buffer, 0, read);
            return all.ToArray();
        })];
        foreach ((byte[] state, SimReplica replica) in states.Zip(replicas).Skip(1))
        {
            int same = state.AsSpan().CommonPrefixLength(states[0]);
            InvariantException.Check(
                state.Length == states[0].Length && same == state.Length,
                $"node {Array.IndexOf(replicas, replicas[0]) + 1} and {Array.IndexOf(replicas, replica) + 1} hold different rows at {replicas[0].Applied}, from byte {same}: "
                + $"{Around(states[0], same)} and {Around(state, same)}");
        }

        static string Around(byte[] state, int at) => Convert.ToHexString(state.AsSpan(Math.Max(0, at - 48)..Math.Min(state.Length, at + 80)));
    }

    // What clients had begun before the healing may go on for as long as they wait; what they leave has 30 more seconds.
    private void AwaitCensus()
    {
        long end = Clock.Now + ClientMsMax;
        while (true)
        {
            try
            {
                CheckCensus(Newest()!);
                return;
            }
            catch (InvariantException) when (Clock.Now < end)
            {
                RunUntil(Clock.Now + 1_000);
            }
        }
    }

    // References and shards are a bijection: each shard that a row names is there and opens, and nothing else is there.
    private void CheckCensus(SimReplica replica)
    {
        var expected = new HashSet<(ShardKey Shard, uint StorageId)>();
        foreach (DataRow row in DataRows(replica))
        {
            InvariantException.Check(row.Missing.Count == 0, $"{row.ObjectHash.ToBase64()} still lacks shards {row.Missing}");
            for (int shard = 0; shard < row.Placement.Count; shard++)
            {
                ShardState state = Verify(replica, row, shard);
                InvariantException.Check(state == ShardState.Good, $"shard {shard} of {Convert.ToHexStringLower(row.ObjectHash.Span)[..8]} on storage id {row.Placement[shard]} is {state}");
                expected.Add((new ShardKey(new ObjectHash(row.ObjectHash.Span), (uint)shard), row.Placement[shard]));
            }
        }

        for (uint partition = 0; partition < Partitions; partition++)
        {
            InvariantException.Check(
                replica.Machine.Peek(new Query { WalkHeals = new WalkHeals { Partition = partition } }).Heals.Count == 0, "heals are left over");
        }

        foreach (SimStore store in Hosts.SelectMany(h => h.Process!.Stores))
        {
            var seen = new HashSet<ShardKey>();
            foreach (ShardRow row in AllOf(store.Store))
            {
                InvariantException.Check(expected.Contains((row.Key, store.StorageId)),
                    $"shard {row.Key.ShardIndex} of {row.Key.ObjectHash.ToString()[..8]} (write {row.WriteId:x}) on storage id {store.StorageId} belongs to nobody");
                InvariantException.Check(seen.Add(row.Key), $"storage id {store.StorageId} holds two attempts of {row.Key}");
            }
        }
    }

    private void CheckCanary()
    {
        foreach (SimHost host in Hosts)
        {
            foreach ((uint id, Predastore.Testing.Disk.MemoryDisk disk) in host.Disks)
                InvariantException.Check(!disk.Contains(Bodies.Canary), $"plain bytes are on storage id {id}");
            InvariantException.Check(!host.ReplicaDisk.Contains(Bodies.Canary) && !host.Databases.Contains(Bodies.Canary), $"plain bytes are on node {host.Node}");
        }
    }
}
