using Predastore.Actors.Metadata;
using Xunit;

namespace Predastore.Actors.Tests.Metadata;

public sealed class IdentitySpecs : IDisposable
{
    private readonly Bench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Init_should_refuse_another_cluster_or_key_and_only_warn_of_another_file()
    {
        Assert.Equal(ResultCode.ResultOk, _bench.Execute(Bench.Init()).Code);
        Command other = Bench.Init();
        other.InitCluster.ClusterId = Bench.Bytes("other");
        Assert.Equal(ResultCode.ResultRefused, _bench.Execute(other).Code);
        Command key = Bench.Init();
        key.InitCluster.KeyFingerprint = Bench.Bytes("other");
        Assert.Contains("master key", _bench.Execute(key).Message, StringComparison.Ordinal);
        Command file = Bench.Init();
        file.InitCluster.FileDigest = Bench.Bytes("other");
        CommandResult warned = _bench.Execute(file);
        Assert.Equal(ResultCode.ResultOk, warned.Code);
        Assert.NotEmpty(warned.Message);
        Assert.Equal(Bench.Bytes("file"), warned.Cluster.FileDigest);
    }

    [Fact]
    public void Ring_whose_weights_are_too_large_should_be_refused()
    {
        Command set = new() { SetRing = new SetRing { ExpectedEpoch = 1, Ring = Bench.Init().InitCluster.Ring } };
        set.SetRing.Ring.Members[0].Weight = Shards.Placement.Ring.WeightSumMax;
        Assert.Equal(ResultCode.ResultInvalidArgument, _bench.Execute(set).Code);
        set.SetRing.Ring.Members[0].Weight -= (uint)(set.SetRing.Ring.Members.Count - 1);
        Assert.Equal(ResultCode.ResultOk, _bench.Execute(set).Code);
    }

    [Fact]
    public void Disk_should_be_taken_only_where_it_belongs()
    {
        Assert.Equal(ResultCode.ResultOk, Register(1, "disk 1", empty: false).Code);
        Assert.Equal(ResultCode.ResultRefused, Register(1, "disk 2", empty: true).Code);
        Assert.Equal(ResultCode.ResultRefused, Register(1, "foreign", empty: false).Code);
        Assert.Equal(ResultCode.ResultRefused, Register(9, "foreign", empty: false).Code);
        CommandResult renewed = Register(1, "new disk", empty: true);
        Assert.Equal(StorageState.StorageHealing, renewed.Storage.State);
        Assert.Equal(ResultCode.ResultRefused, Register(1, "disk 1", empty: false).Code);
        Assert.Equal(ResultCode.ResultRefused, Register(1, "disk 1", empty: true).Code);
        Assert.Equal(ResultCode.ResultRefused, Register(9, "disk 1", empty: true).Code);
        Assert.Equal(ResultCode.ResultOk, Register(1, "new disk", empty: false).Code);
    }

    [Fact]
    public void Disk_that_kept_its_identity_and_lost_what_it_held_should_be_healed()
    {
        Assert.Equal(StorageState.StorageNormal, Register(1, "disk 1", empty: true).Storage.State);
        _bench.Put(_bench.Bucket(), "k");

        Assert.Equal(StorageState.StorageNormal, Register(1, "disk 1", empty: false).Storage.State);
        StorageRow emptied = Register(1, "disk 1", empty: true).Storage;
        Assert.Equal((StorageState.StorageHealing, _bench.Index), (emptied.State, emptied.Changed));

        StorageRow begun = _bench.Execute(new Command
        {
            HealedPartition = new HealedPartition { StorageId = 1, DiskUuid = Bench.Bytes("disk 1"), Partition = 3 },
        }).Storage;
        Assert.Equal(1UL << 3, begun.Healed);
        Assert.Equal(0UL, Register(1, "disk 1", empty: true).Storage.Healed);

        // Nothing of it is missing on a disk that nothing names, and one that is drained is not filled again.
        Assert.Equal(StorageState.StorageNormal, Register(4, "disk 4", empty: true).Storage.State);
        _bench.Execute(new Command
        {
            SetStorageState = new SetStorageState { Id = 2, DiskUuid = Bench.Bytes("disk 2"), State = StorageState.StorageDraining },
        });
        Assert.Equal(StorageState.StorageDraining, Register(2, "disk 2", empty: true).Storage.State);
    }

    [Fact]
    public void Removal_should_wait_for_ring_data_and_sessions()
    {
        BucketRow bucket = _bench.Bucket();
        _bench.Put(bucket, "k");
        CommandResult Remove() => _bench.Execute(new Command
        {
            SetStorageState = new SetStorageState { Id = 3, DiskUuid = Bench.Bytes("disk 3"), State = StorageState.StorageRemoved },
        });
        Assert.Contains("in the ring", Remove().Message, StringComparison.Ordinal);
        RingRow ring = Bench.Init().InitCluster.Ring;
        ring.Members.RemoveAt(2);
        Assert.Equal(ResultCode.ResultConflict, _bench.Execute(new Command { SetRing = new SetRing { ExpectedEpoch = 7, Ring = ring } }).Code);
        Assert.Equal(2UL, _bench.Execute(new Command { SetRing = new SetRing { ExpectedEpoch = 1, Ring = ring } }).Ring.Epoch);
        Assert.Contains("data rows", Remove().Message, StringComparison.Ordinal);
        DataRow data = _bench.Get("b", "k", data: true).Data;
        _bench.Execute(new Command
        {
            PlaceShards = new PlaceShards
            {
                DataId = data.DataId, Generation = data.Generation, Places = { new ShardPlace { Shard = 2, StorageId = 4 } },
            },
        });
        Assert.Contains("ring epoch", Remove().Message, StringComparison.Ordinal);
        _bench.Execute(new Command { ReportSession = new ReportSession { Session = _bench.Session, Epoch = 2 } });
        Assert.Equal(ResultCode.ResultOk, Remove().Code);
        Assert.Equal(ResultCode.ResultStalePlacement, _bench.Put(bucket, "late").Code);
        Assert.Equal(ResultCode.ResultRefused, Register(3, "disk 3", empty: true).Code);
    }

    [Fact]
    public void Replica_should_be_refused_unless_its_boots_grow()
    {
        Assert.Equal(ResultCode.ResultOk, Boot(1, "a").Code);
        Assert.Equal(ResultCode.ResultOk, Boot(1, "a").Code);
        Assert.Equal(ResultCode.ResultRefused, Boot(1, "b").Code);
        Assert.Equal(ResultCode.ResultOk, Boot(3, "c").Code);
        Assert.Equal(ResultCode.ResultRefused, Boot(2, "d").Code);
    }

    private CommandResult Register(uint id, string disk, bool empty) => _bench.Execute(Bench.Register(id, disk, empty));

    private CommandResult Boot(ulong boots, string process) => _bench.Execute(new Command
    {
        RegisterReplica = new RegisterReplica { Node = 1, Incarnation = 5, Boots = boots, Nonce = Bench.Bytes(process) },
    });
}
