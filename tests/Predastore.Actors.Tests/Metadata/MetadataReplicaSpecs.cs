using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Actors.Metadata.Replica;
using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;
using Predastore.Testing.Disk;

namespace Predastore.Actors.Tests.Metadata;

public sealed class MetadataReplicaSpecs
{
    [Fact]
    public async Task Query_should_not_be_answered_from_rows_before_its_read_index()
    {
        // The replica was restarted between the read index and the answer: its database lost what was not flushed.
        using var machine = new MetadataMachine("/state", new MemoryDisk(), new MemoryKvFactory());
        machine.Open("");
        var replica = new MetadataReplica(new FixedGroup(readIndex: 5), machine);
        StoreException error = await Assert.ThrowsAsync<StoreException>(() => replica.QueryAsync(
            new Query { GetCluster = new GetCluster() }, TimeSpan.FromSeconds(5), CancellationToken.None));
        Assert.Equal(StoreFailure.Unavailable, error.Failure);
    }

    [Fact]
    public async Task Command_should_not_be_refused_by_a_replica_that_has_not_applied_the_first_one()
    {
        using var machine = new MetadataMachine("/state", new MemoryDisk(), new MemoryKvFactory());
        machine.Open("");
        var replica = new MetadataReplica(new FixedGroup(readIndex: 5), machine);
        StoreException error = await Assert.ThrowsAsync<StoreException>(() => replica.ProposeAsync(
            new Command { FeatureLevel = 1, RegisterStorage = new RegisterStorage() }, TimeSpan.FromSeconds(5), CancellationToken.None));
        Assert.Equal(StoreFailure.Unavailable, error.Failure);
    }

    [Fact]
    public async Task Command_above_the_level_of_the_cluster_should_be_refused()
    {
        using var machine = new MetadataMachine("/state", new MemoryDisk(), new MemoryKvFactory());
        machine.Open("");
        var replica = new MetadataReplica(new FixedGroup(readIndex: 0), machine);
        CommandResult result = await replica.ProposeAsync(
            new Command { FeatureLevel = 1, RegisterStorage = new RegisterStorage() }, TimeSpan.FromSeconds(5), CancellationToken.None);
        Assert.Equal(ResultCode.ResultUnsupported, result.Code);
        Assert.Contains("feature level 1, the cluster has 0", result.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Command_that_this_program_does_not_know_should_be_refused_and_not_proposed()
    {
        using var machine = new MetadataMachine("/state", new MemoryDisk(), new MemoryKvFactory());
        machine.Open("");
        var replica = new MetadataReplica(new FixedGroup(readIndex: 0), machine);
        CommandResult result = await replica.ProposeAsync(new Command(), TimeSpan.FromSeconds(5), CancellationToken.None);
        Assert.Equal(ResultCode.ResultUnsupported, result.Code);
    }

    [Fact]
    public void Snapshot_whose_folder_is_gone_should_not_be_installed_as_an_empty_state()
    {
        using var machine = new MetadataMachine("/state", new MemoryDisk(), new MemoryKvFactory());
        machine.Open("");
        Assert.ThrowsAny<IOException>(() => machine.Install("state-9"));
    }

    private sealed class FixedGroup(ulong readIndex) : IRaftGroup
    {
        public RaftStatus Status { get; } = RaftStatus.Initial with { Phase = RaftPhase.Running, Readable = true };

        public Task<ProposeResult> Propose(ReadOnlyMemory<byte> command, TimeSpan timeout, bool grows) => throw new NotSupportedException();

        public Task<ulong> ReadIndex(TimeSpan timeout) => Task.FromResult(readIndex);

        public Task<ChangeResult> Change(MembershipChange change, TimeSpan timeout) => throw new NotSupportedException();

        public Task<bool> Transfer(uint node, TimeSpan timeout) => throw new NotSupportedException();
    }
}
