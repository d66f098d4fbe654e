using System.Security.Cryptography;
using Google.Protobuf;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;
using Predastore.Simulation.Tests.Raft;
using Predastore.Testing.Disk;

namespace Predastore.Simulation.Tests.Store;

/// <content>
/// What was promised, each promise by itself. Shards that one store lost are healed out of others, and a stale answer may be asked for
/// again: neither would be seen at the end.
/// </content>
internal sealed partial class ClusterSimulation
{
    private readonly Dictionary<(uint StorageId, ShardKey Shard, Guid Attempt), byte[]> _kept = [];
    private readonly Dictionary<(ByteString DataId, ulong Generation), ulong> _replaced = [];

    /// <summary>The highest log index that anybody was told of: whoever asks from now on has to see it.</summary>
    public ulong KnownTo { get; private set; }

    /// <summary>Somebody was told of a log index.</summary>
    public void Know(ulong index) => KnownTo = Math.Max(KnownTo, index);

    /// <summary>A shard was acknowledged: from now on a power cut may not take it away.</summary>
    public void Keep(uint storageId, SegmentStore store, ShardKey shard, Guid attempt)
        => _kept[(storageId, shard, attempt)] = HashOf(storageId, store, shard, attempt) ?? throw new InvariantException($"{shard} was acknowledged and is not there");

    /// <summary>Shards are about to be deleted: whether they are, a power cut may decide.</summary>
    public void Forget(uint storageId, IEnumerable<ShardToDelete> shards)
    {
        foreach (ShardToDelete shard in shards)
            foreach (var key in _kept.Keys.Where(k => k.StorageId == storageId && k.Shard == shard.Key && (shard.AttemptId ?? k.Attempt) == k.Attempt).ToArray())
                _kept.Remove(key);
    }

    /// <summary>A store was opened: everything it acknowledged is there as it was, but for what was damaged on purpose.</summary>
    public void CheckKept(uint storageId, SegmentStore store)
    {
        foreach (((uint id, ShardKey shard, Guid attempt), byte[] hash) in _kept)
        {
            if (id != storageId || _damaged.Contains((shard, storageId, attempt)))
                continue;
            byte[]? now = HashOf(storageId, store, shard, attempt);
            string name = $"shard {shard.ShardIndex} of {shard.ObjectHash.ToString()[..8]} on storage id {storageId}";
            if (now is null)
                Fail(new InvariantException($"{name} was acknowledged, and is gone after a restart"));
            else if (!now.AsSpan().SequenceEqual(hash))
                Fail(new InvariantException($"{name} was acknowledged, and has other bytes after a restart"));
        }
    }

    // Past the faults of the disk: it is not the product that reads here. Null if there is no row; a row without bytes hashes to nothing.
    private byte[]? HashOf(uint storageId, SegmentStore store, ShardKey shard, Guid attempt)
    {
        MemoryDisk disk = HostOf(storageId).Disks[storageId];
        Func<DiskCall, Exception?>? fault = disk.Fault;
        disk.Fault = null;
        try
        {
            using ShardReader? reader = store.TryOpenRead(shard, attempt);
            if (reader is null)
                return null;
            byte[] bytes = new byte[reader.Length];
            return reader.Read(0, bytes) == bytes.Length ? SHA256.HashData(bytes) : [];
        }
        catch (IOException)
        {
            return [];
        }
        finally
        {
            disk.Fault = fault;
        }
    }

    // A keeper changes the row that it has read, or nothing: of each generation at most one write makes the next.
    private void CheckGeneration(Command command, CommandResult result)
    {
        if (result.Code != ResultCode.ResultOk)
            return;
        (ByteString id, ulong generation) = command.OpCase == Command.OpOneofCase.PlaceShards
            ? (command.PlaceShards.DataId, command.PlaceShards.Generation)
            : (command.ReplaceData.DataId, command.ReplaceData.Generation);
        InvariantException.Check(_replaced.TryAdd((id, generation), command.WriteId) || _replaced[(id, generation)] == command.WriteId,
            $"generation {generation} of {Convert.ToHexStringLower(id.Span)[..8]} was changed by {_replaced[(id, generation)]:x} and by {command.WriteId:x}");
    }

    // Whoever lost its session gets another one.
    private void CheckSessions()
    {
        bool Open(SimProcess process) => process.Sessions.Current is { Closed: false } && process.MaintenanceSessions.Current is { Closed: false };
        RunUntil(Clock.Now + 5_000, () => Hosts.All(h => Open(h.Process!)));
        foreach (SimHost host in Hosts)
            InvariantException.Check(Open(host.Process!), $"node {host.Node} has no session after healing");
    }
}

/// <summary>The metadata group as a process uses it; every answer has to know what anybody knew when it was asked for.</summary>
internal sealed class ObservedMetadata(IMetadata inner, SimProcess process, ClusterSimulation simulation) : IMetadata
{
    public async Task<CommandResult> ProposeAsync(Command command, TimeSpan timeout, CancellationToken cancel)
    {
        CommandResult result = await inner.ProposeAsync(command, timeout, cancel);
        if (process.Acts)
            simulation.Know(result.Index);
        return result;
    }

    public async Task<QueryResult> QueryAsync(Query query, TimeSpan timeout, CancellationToken cancel)
    {
        ulong known = simulation.KnownTo;
        QueryResult answer = await inner.QueryAsync(query, timeout, cancel);
        if (!process.Acts)
            return answer;
        if (answer.ReadIndex < known)
            simulation.Fail(new InvariantException($"{query.OpCase} of node {process.Node} was answered at {answer.ReadIndex}, and {known} was known before"));
        simulation.Know(answer.ReadIndex);
        return answer;
    }
}
