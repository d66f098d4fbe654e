using Predastore.Actors.Metadata.Storage;

namespace Predastore.Actors.Metadata.Apply;

/// <content>Which disks and replicas belong: a foreign, cloned or older one is refused with the reason.</content>
internal sealed partial class CommandApplier
{
    private const int UuidBytes = 16;

    private CommandResult Register(RegisterStorage register)
    {
        if (register.DiskUuid.Length != UuidBytes) return Refuse(ResultCode.ResultInvalidArgument, "a disk uuid has 16 bytes");
        string uuid = Hex(register.DiskUuid);
        foreach (StorageRow other in _rows.Storages())
        {
            if (other.Id == register.Id) continue;
            if (other.DiskUuid == register.DiskUuid || other.FormerUuids.Contains(register.DiskUuid))
            {
                return Refuse(ResultCode.ResultRefused,
                    $"disk {uuid} is registered as storage id {other.Id}: the disk of storage id {register.Id} is a copy of it");
            }
        }

        StorageRow? row = _rows.Storage(register.Id);
        if (row is null)
        {
            if (!register.Empty)
                return Refuse(ResultCode.ResultRefused, $"disk {uuid} holds data that storage id {register.Id} never wrote");
            row = new StorageRow { Id = register.Id, Node = register.Node, DiskUuid = register.DiskUuid, Changed = _index };
            _rows.PutStorage(row);
            return new CommandResult { Storage = row };
        }

        if (row.State == StorageState.StorageRemoved)
            return Refuse(ResultCode.ResultRefused, $"storage id {register.Id} was removed from the cluster: use a new id");
        if (row.DiskUuid == register.DiskUuid)
        {
            // It kept its identity and lost what it held.
            bool emptied = register.Empty && row.State is StorageState.StorageNormal or StorageState.StorageHealing && _rows.StorageUse(row.Id) > 0;
            if (emptied) (row.State, row.Healed) = (StorageState.StorageHealing, 0);
            if (emptied || row.Node != register.Node)
            {
                row.Node = register.Node;
                row.Changed = _index;
                _rows.PutStorage(row);
            }

            return new CommandResult { Storage = row };
        }

        if (row.FormerUuids.Contains(register.DiskUuid))
            return Refuse(ResultCode.ResultRefused, $"disk {uuid} was replaced as storage id {register.Id}: its data is old");
        if (!register.Empty)
        {
            return Refuse(ResultCode.ResultRefused,
                $"disk {uuid} is not the disk of storage id {register.Id} and is not empty: empty it to use it there");
        }

        row.FormerUuids.Add(row.DiskUuid);
        row.DiskUuid = register.DiskUuid;
        row.Node = register.Node;
        row.Changed = _index;

        // A draining id stays so: what it held is rebuilt elsewhere, not here.
        if (row.State == StorageState.StorageNormal) row.State = StorageState.StorageHealing;
        row.Healed = 0;
        _rows.PutStorage(row);
        return new CommandResult { Storage = row };
    }

    private CommandResult Set(SetStorageState set)
    {
        StorageRow? row = _rows.Storage(set.Id);
        if (row is null) return Refuse(ResultCode.ResultNotFound, $"storage id {set.Id} is not registered");
        if (row.DiskUuid != set.DiskUuid)
            return Refuse(ResultCode.ResultConflict, $"storage id {set.Id} has another disk by now");
        if (row.State == set.State) return new CommandResult { Storage = row };
        if (row.State == StorageState.StorageRemoved)
            return Refuse(ResultCode.ResultConflict, $"storage id {set.Id} was removed");
        if (set.State == StorageState.StorageRemoved && RemovalRefusal(row) is { } refusal) return refusal;
        row.State = set.State;
        row.Changed = _index;
        row.Healed = 0;
        _rows.PutStorage(row);
        return new CommandResult { Storage = row };
    }

    private CommandResult Healed(HealedPartition healed)
    {
        StorageRow? row = _rows.Storage(healed.StorageId);
        if (row is null || healed.Partition >= KeySchema.Partitions) return Refuse(ResultCode.ResultNotFound);
        if (row.DiskUuid != healed.DiskUuid || row.State != StorageState.StorageHealing)
            return Refuse(ResultCode.ResultConflict, $"storage id {row.Id} has another disk by now, or is not healing");
        row.Healed |= 1UL << (int)healed.Partition;
        row.Changed = _index;
        if (row.Healed == ulong.MaxValue) row.State = StorageState.StorageNormal;
        _rows.PutStorage(row);
        return new CommandResult { Storage = row };
    }

    // A gate on an older epoch could still place on it, and data that names it would lose a shard without anyone knowing.
    private CommandResult? RemovalRefusal(StorageRow row)
    {
        ClusterRow cluster = _rows.Cluster()!;
        if (_rows.Ring(cluster.Epoch)!.Members.Any(m => m.StorageId == row.Id))
            return Refuse(ResultCode.ResultConflict, $"storage id {row.Id} is in the ring");
        if (_rows.StorageUse(row.Id) is var use and > 0)
            return Refuse(ResultCode.ResultConflict, $"{use} data rows still name storage id {row.Id}");
        SessionRow? behind = _rows.Sessions().Find(s => !s.Closed && s.Epoch < cluster.Epoch);
        return behind is null
            ? null
            : Refuse(ResultCode.ResultConflict, $"session {behind.Id} of node {behind.Node} still places by ring epoch {behind.Epoch}");
    }

    private CommandResult Register(RegisterReplica register)
    {
        ReplicaRow? row = _rows.Replica(register.Node, register.Incarnation);
        if (row is not null)
        {
            bool retry = row.Boots == register.Boots && row.Nonce == register.Nonce && !register.Nonce.IsEmpty;
            if (retry) return Ok();
            if (register.Boots <= row.Boots)
            {
                return Refuse(ResultCode.ResultRefused,
                    $"replica of node {register.Node} started for the {register.Boots}. time, but {row.Boots} starts are recorded: "
                    + "its folder is a copy or a restored backup");
            }
        }

        _rows.Put(KeySchema.Replica(register.Node, register.Incarnation), new ReplicaRow
        {
            Node = register.Node,
            Incarnation = register.Incarnation,
            Boots = register.Boots,
            Nonce = register.Nonce,
        });
        return Ok();
    }
}
