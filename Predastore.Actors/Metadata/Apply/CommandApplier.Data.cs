using Google.Protobuf;
using Predastore.Actors.Metadata.Storage;
using Predastore.Shards;

namespace Predastore.Actors.Metadata.Apply;

/// <content>Data rows: new writes, references, placements and the heal queue.</content>
internal sealed partial class CommandApplier
{
    private const int HashBytes = 32;

    /// <summary>Null if the row may be committed as a new write; else why not.</summary>
    private CommandResult? CheckNewData(DataRow data)
    {
        uint shards = data.DataShards + data.ParityShards;
        if (data.ObjectHash.Length != HashBytes) return Refuse(ResultCode.ResultInvalidArgument, "an object hash has 32 bytes");
        if (data.DataShards == 0 || shards > ShardsMax) return Refuse(ResultCode.ResultInvalidArgument, "number of shards");
        if (data.Placement.Count != shards || data.Digests.Count != shards)
            return Refuse(ResultCode.ResultInvalidArgument, "placement and digests need one entry for each shard");
        if (data.Placement.Distinct().Count() != shards)
            return Refuse(ResultCode.ResultInvalidArgument, "two shards on one storage id");

        // The orphan rule rests on this: below low or in a closed session nothing is committed any more.
        if (data.WriteId != _command.WriteId && SessionRefusal(data.WriteId) is { } refusal) return refusal;
        if (_rows.DataByHash(data.ObjectHash) is not null || _rows.GarbageByHash(data.ObjectHash) is not null)
            return Refuse(ResultCode.ResultInvalidArgument, "this object hash was committed before");
        return StalePlacement(data.Placement);
    }

    private CommandResult? StalePlacement(IEnumerable<uint> placement)
    {
        foreach (uint id in placement)
        {
            if (_rows.Storage(id)?.State == StorageState.StorageRemoved)
                return Refuse(ResultCode.ResultStalePlacement, $"storage id {id} was removed");
        }

        return null;
    }

    /// <summary>Stores a checked new write with one reference and queues what is missing of it.</summary>
    private void AddData(DataRow data, IEnumerable<uint> missing, bool narrow)
    {
        data.DataId = data.ObjectHash;
        data.References = 1;
        data.Generation = 1;
        Assign(data.Missing, Indexes(missing.Concat(data.Missing), data.Placement.Count));
        _rows.PutData(data);
        _rows.CountUse(data.Placement, add: true);
        _rows.Counters().DataRows++;
        _rows.Counters().Bytes += data.Size;
        if (data.Missing.Count == 0 && !narrow) return;
        var heal = new HealRow { DataId = data.DataId, Reason = "write", QueuedMs = TimeMs, Rewrite = narrow };
        heal.Shards.AddRange(data.Missing);
        _rows.SetHeal(data.DataId, heal);
    }

    private static List<uint> Indexes(IEnumerable<uint> shards, int count) =>
        [.. shards.Where(s => s < count).Distinct().Order()];

    private void Reference(DataRow data)
    {
        if (!Planted.Has(PlantedBug.CopyNotCounted)) data.References++;
        _rows.PutData(data);
    }

    /// <summary>Drops a reference; the last one turns the row into garbage of this log index.</summary>
    private void Dereference(ByteString dataId)
    {
        if (_rows.Data(dataId) is not { } data) return;
        if (data.References > 1)
        {
            data.References--;
            _rows.PutData(data);
            return;
        }

        data.References = 0;
        _rows.Delete(KeySchema.Data(dataId.Span));
        if (data.ObjectHash != data.DataId) _rows.Delete(KeySchema.Alias(data.ObjectHash.Span));
        _rows.SetHeal(dataId, null);
        _rows.CountUse(data.Placement, add: false);
        _rows.Counters().DataRows--;
        _rows.Counters().Bytes -= data.Size;
        _rows.AddGarbage(new GarbageRow { Index = _index, Id = dataId, Data = data });
    }

    private CommandResult Place(PlaceShards place)
    {
        if (_rows.Data(place.DataId) is not { } data) return Refuse(ResultCode.ResultNotFound);
        if (data.Generation != place.Generation && !Planted.Has(PlantedBug.GenerationIgnored)) return Refuse(ResultCode.ResultConflict);
        uint[] placement = [.. data.Placement];
        foreach (ShardPlace shard in place.Places)
        {
            if (shard.Shard >= placement.Length) return Refuse(ResultCode.ResultInvalidArgument, "shard index");
            placement[shard.Shard] = shard.StorageId;
        }

        if (placement.Distinct().Count() != placement.Length)
            return Refuse(ResultCode.ResultInvalidArgument, "two shards on one storage id");
        if (StalePlacement(place.Places.Select(p => p.StorageId)) is { } stale) return stale;

        if (!data.Placement.SequenceEqual(placement)) data.Placed = _index;
        if (place.Epoch > data.Epoch) data.Epoch = place.Epoch;
        _rows.CountUse(data.Placement, add: false);
        _rows.CountUse(placement, add: true);
        Assign(data.Placement, placement);
        HashSet<uint> placed = [.. place.Places.Select(p => p.Shard)];
        Assign(data.Missing, data.Missing.Where(s => !placed.Contains(s)).ToList());
        data.Generation++;
        _rows.PutData(data);
        if (_rows.Heal(place.DataId) is { } heal)
        {
            Assign(heal.Shards, heal.Shards.Where(s => !placed.Contains(s)).ToList());
            _rows.SetHeal(place.DataId, heal.Shards.Count == 0 && !heal.Rewrite ? null : heal);
        }

        return new CommandResult { Data = data };
    }

    private CommandResult Replace(ReplaceData replace)
    {
        if (_rows.Data(replace.DataId) is not { } old) return Refuse(ResultCode.ResultNotFound);
        if (old.Generation != replace.Generation) return Refuse(ResultCode.ResultConflict);
        if (replace.Data is not { } data || data.Size != old.Size) return Refuse(ResultCode.ResultInvalidArgument, "data");
        if (CheckNewData(data) is { } wrong) return wrong;

        // A copy into another bucket since the rewrite began would be left without a key. A bucket that is gone needs none.
        if (old.Keys.Any(key => data.Keys.All(k => k.BucketId != key.BucketId) && _rows.Bucket(key.BucketId) is not null))
            return Refuse(ResultCode.ResultConflict, "a bucket refers to the data whose key does not wrap the new data key");

        if (old.ObjectHash != old.DataId) _rows.Delete(KeySchema.Alias(old.ObjectHash.Span));
        _rows.AddGarbage(new GarbageRow { Index = _index, Id = old.DataId, Data = old });
        _rows.CountUse(old.Placement, add: false);
        data.DataId = old.DataId;
        data.References = old.References;
        data.Generation = old.Generation + 1;
        Assign(data.Missing, Indexes([.. data.Missing], data.Placement.Count));
        _rows.PutData(data);
        _rows.PutRaw(KeySchema.Alias(data.ObjectHash.Span), data.DataId.ToByteArray());
        _rows.CountUse(data.Placement, add: true);
        HealRow? heal = null;
        if (data.Missing.Count > 0)
        {
            heal = new HealRow { DataId = data.DataId, Reason = "rewrite", QueuedMs = TimeMs };
            heal.Shards.AddRange(data.Missing);
        }

        _rows.SetHeal(data.DataId, heal);
        return new CommandResult { Data = data };
    }

    private CommandResult Queue(QueueHeal queue)
    {
        if (_rows.Data(queue.DataId) is not { } data) return Refuse(ResultCode.ResultNotFound);
        List<uint> wanted = [];
        foreach (ShardPlace place in queue.Places)
        {
            bool named = place.Shard < data.Placement.Count && data.Placement[(int)place.Shard] == place.StorageId;
            if (named || data.Missing.Contains(place.Shard)) wanted.Add(place.Shard);
        }

        if (wanted.Count == 0) return Refuse(ResultCode.ResultConflict, "the row does not name these places any more");
        HealRow heal = _rows.Heal(queue.DataId)
            ?? new HealRow { DataId = queue.DataId, Reason = queue.Reason, QueuedMs = TimeMs };
        Assign(heal.Shards, Indexes([.. heal.Shards, .. wanted], data.Placement.Count));
        _rows.SetHeal(queue.DataId, heal);
        return Ok();
    }

    private CommandResult Settle(SettleHeal settle)
    {
        if (_rows.Data(settle.DataId) is { } data && (data.Generation != settle.Generation || data.Missing.Count > 0))
            return Refuse(ResultCode.ResultConflict);
        _rows.SetHeal(settle.DataId, null);
        return Ok();
    }
}
