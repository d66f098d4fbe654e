using Google.Protobuf;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;
using Predastore.Shards.Striping;
using DataKey = Predastore.Shards.Crypto.DataKey;
using StoreException = Predastore.Actors.Client.StoreException;

namespace Predastore.Simulation.Tests.Store;

/// <content>
/// Rounds of heal, garbage and orphan collection, now here and now there, sometimes at two nodes at once. Partitions in which nothing is
/// to be done are left out: empty rounds would say nothing.
/// </content>
internal sealed partial class ClusterSimulation
{
    private const int Partitions = 64;

    private readonly SimRandom _keeperRandom = new(77);
    private int _rounds;

    private void StartMaintenance() => Clock.After(Settings.MaintenanceMs, Maintain);

    private void Maintain()
    {
        int mean = _healed ? Math.Min(Settings.MaintenanceMs, 1_000) : Settings.MaintenanceMs;
        Clock.After(1 + _keeperRandom.Next(2 * mean), Maintain);
        SimProcess[] keepers = [.. Hosts.Select(h => h.Process).OfType<SimProcess>()];
        if (keepers.Length == 0)
            return;
        for (int twice = _keeperRandom.Chance(150) ? 2 : 1; twice > 0; twice--)
            _ = RoundAsync(_keeperRandom.Pick(keepers), orphans: ++_rounds % Settings.OrphanRounds == 0);
    }

    private async Task RoundAsync(SimProcess keeper, bool orphans)
    {
        if (keeper.Keeps || keeper.Cluster.Current is null || keeper.MaintenanceSessions.Current is not { Closed: false })
            return;
        keeper.Keeps = true;
        try
        {
            foreach (int partition in Queued(heals: true))
                await keeper.Heal.RunAsync((uint)partition, CancellationToken.None);
            foreach (int partition in Queued(heals: false))
                await keeper.Garbage.RunAsync((uint)partition, CancellationToken.None);
            foreach (int partition in orphans ? Unnamed() : [])
                await keeper.Orphans.RunAsync(partition, CancellationToken.None);
        }
        catch (Exception error) when (error is StoreException or IOException or ShardException or OperationCanceledException)
        {
            // The next round asks again.
        }
        catch (Exception error) when (error is not Predastore.Testing.Disk.SimulatedCrashException)
        {
            Fail(error);
        }
        finally
        {
            keeper.Keeps = false;
        }
    }

    // Looked up behind the scenes, at the replica that is furthest.
    private List<int> Queued(bool heals)
    {
        if (Newest() is not { } replica)
            return [];
        QueryResult counts = replica.Machine.Peek(new Query { GetCluster = new GetCluster() });
        if ((heals ? counts.HealBacklog : counts.GarbageBacklog) == 0)
            return [];
        return [.. Enumerable.Range(0, Partitions).Where(partition => heals
            ? replica.Machine.Peek(new Query { WalkHeals = new WalkHeals { Partition = (uint)partition, Limit = 1 } }).Heals.Count > 0
            : replica.Machine.Peek(new Query { WalkGarbage = new WalkGarbage { Partition = (uint)partition, Limit = 1 } }).Garbage.Count > 0)];
    }

    // Partitions with an extent that no row names or that is there twice, and one other.
    private List<int> Unnamed()
    {
        if (Newest() is not { } replica)
            return [];
        HashSet<ByteString> named = [.. DataRows(replica).Select(row => row.ObjectHash)];
        var partitions = new SortedSet<int> { _keeperRandom.Next(Partitions) };
        foreach (SimStore store in Hosts.SelectMany(h => h.Process?.Stores ?? []))
        {
            ShardKey? last = null;
            foreach (ShardRow row in AllOf(store.Store))
            {
                if (row.Key == last || !named.Contains(ByteString.CopyFrom(row.Key.ObjectHash.ToArray())))
                    partitions.Add(row.Key.ObjectHash.ToArray()[0] >> 2);
                last = row.Key;
            }
        }

        return [.. partitions];
    }

    private SimReplica? Newest() => Hosts.Select(h => h.Process?.Replica).OfType<SimReplica>().MaxBy(r => r.Applied);

    internal static IReadOnlyList<ShardRow> AllOf(SegmentStore store)
    {
        byte[] last = new byte[ObjectHash.SizeBytes];
        last.AsSpan().Fill(0xFF);
        return store.Scan(new ObjectHash(new byte[ObjectHash.SizeBytes]), new ObjectHash(last), ReadOnlyMemory<byte>.Empty, int.MaxValue).Rows;
    }

    private IEnumerable<DataRow> DataRows(SimReplica replica)
    {
        for (uint partition = 0; partition < Partitions; partition++)
            foreach (DataRow row in replica.Machine.Peek(new Query { WalkData = new WalkData { Partition = partition } }).DataRows)
                yield return row;
    }

    // What a scrub finds, told in the command that a scrub uses.
    private void Scrub()
    {
        Clock.After(4_000, Scrub);
        if (Newest() is not { } replica || Hosts.Select(h => h.Process).FirstOrDefault(p => p?.Sessions.Current is { Closed: false }) is not { } teller)
            return;
        foreach (DataRow row in DataRows(replica).ToArray())
        {
            var queue = new QueueHeal { DataId = row.DataId, Reason = "scrub" };
            for (int shard = 0; shard < row.Placement.Count; shard++)
                if (!row.Missing.Contains((uint)shard) && Verify(replica, row, shard) != ShardState.Good)
                    queue.Places.Add(new ShardPlace { Shard = (uint)shard, StorageId = row.Placement[shard] });
            if (queue.Places.Count > 0)
                _ = GuardAsync(teller.Proposer.RunAsync(new Command { QueueHeal = queue }, CancellationToken.None));
        }
    }

    private enum ShardState
    {
        Good,
        Missing,
        Damaged,

        /// <summary>Its process is down, or its disk fails just now.</summary>
        Away,
    }

    /// <summary>Opens every fragment of a shard where its row says it is.</summary>
    private ShardState Verify(SimReplica replica, DataRow row, int shard)
    {
        uint storageId = row.Placement[shard];
        SimStore? store = HostOf(storageId).Process?.Stores.First(s => s.StorageId == storageId);
        if (store is null || HostOf(storageId).Disks[storageId].Fault is not null)
            return ShardState.Away;
        var hash = new ObjectHash(row.ObjectHash.Span);
        using ShardReader? reader = store.Store.TryOpenRead(new ShardKey(hash, (uint)shard));
        if (reader is null)
            return ShardState.Missing;
        var layout = new StripeLayout((long)row.Size, new Geometry((int)row.DataShards, (int)row.ParityShards));
        byte[] bytes = new byte[FragmentLayout.SealedBytes(layout.ShardBytes)];
        if (reader.Length != bytes.Length)
            return ShardState.Damaged;
        try
        {
            if (reader.Read(0, bytes) != bytes.Length)
                return ShardState.Damaged;
        }
        catch (IOException)
        {
            return ShardState.Damaged;
        }

        // By the key of each bucket that refers to it.
        bool opened = false;
        foreach (WrappedKey wrapped in row.Keys)
        {
            QueryResult bucket = replica.Machine.Peek(new Query { GetBucket = new GetBucket { Id = wrapped.BucketId } });
            if (bucket.Code != ResultCode.ResultOk)
                continue;
            using DataKey key = Census.Unwrap(bucket.Bucket, wrapped);
            using var opener = new FragmentOpener(key, hash, row.WriteId);
            byte[] plain = new byte[layout.ShardBytes];
            opened = opener.OpenShardRun((uint)shard, 0, (int)FragmentLayout.FragmentCount(layout.ShardBytes), layout.ShardBytes, bytes, plain).Ok;
            if (!opened)
                break;
        }

        return opened ? ShardState.Good : ShardState.Damaged;
    }

    private KeyCache Census => _keys ??= new KeyCache(Masters);

    private KeyCache? _keys;
}
