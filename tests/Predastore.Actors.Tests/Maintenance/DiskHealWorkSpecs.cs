using Predastore.Actors.Metadata;

namespace Predastore.Actors.Tests.Maintenance;

public sealed class DiskHealWorkSpecs
{
    private const int Objects = 60;

    [Fact]
    public async Task Two_wiped_disks_should_get_all_their_shards_back_without_a_read()
    {
        await using MaintenanceFixture fixture = await FilledAsync(3, 2, 5);
        fixture.Insert(2);
        fixture.Insert(5);
        Assert.Equal(StorageState.StorageHealing, fixture.Storage(2).State);
        for (int i = 0; i < Objects; i += 7)
            Assert.Equal(MaintenanceFixture.Bytes(Size(i), i), await fixture.ReadAsync($"k{i}"));
        await fixture.RoundAsync();
        fixture.AssertCensus();
        Assert.Equal(StorageState.StorageNormal, fixture.Storage(2).State);
        Assert.Equal(StorageState.StorageNormal, fixture.Storage(5).State);
        Assert.Equal(Objects * 2, fixture.Parts.Progress.HealedShards);

        // Nothing is told to Raft but that partitions are whole.
        Assert.DoesNotContain(fixture.Metadata.Applied, command => command.PlaceShards is not null);
        fixture.Stores.Down[1] = fixture.Stores.Down[3] = true;
        for (int i = 0; i < Objects; i++)
            Assert.Equal(MaintenanceFixture.Bytes(Size(i), i), await fixture.ReadAsync($"k{i}"));
    }

    [Fact]
    public async Task Healing_should_end_only_when_nothing_is_missing()
    {
        await using MaintenanceFixture fixture = await FilledAsync(2, 1, 3);
        fixture.Insert(2);
        DataRow row = fixture.Row("k3");
        uint broken = (uint)Enumerable.Range(0, 3).First(shard => row.Placement[shard] != 2);
        byte[] kept = fixture.Stores.Bytes(row.Placement[(int)broken], MaintenanceFixture.KeyOf(row, broken))!;
        Assert.NotEmpty(kept);
        fixture.Stores.Down[row.Placement[(int)broken]] = true;
        await fixture.RoundAsync();
        Assert.Equal(StorageState.StorageHealing, fixture.Storage(2).State);
        fixture.Stores.Down.Clear();
        await fixture.RoundAsync();
        Assert.Equal(StorageState.StorageNormal, fixture.Storage(2).State);
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Object_that_cannot_be_healed_should_be_queued_and_not_keep_the_disk_healing()
    {
        await using MaintenanceFixture fixture = await FilledAsync(2, 1, 3);
        DataRow lost = fixture.Row("k3");
        fixture.Lose(lost, (uint)Enumerable.Range(0, 3).First(shard => lost.Placement[shard] != 2));
        fixture.Insert(2);
        await fixture.RoundAsync();
        Assert.Equal(StorageState.StorageNormal, fixture.Storage(2).State);
        Assert.Equal(1u, fixture.HealBacklog());
        fixture.Delete("k3");
        await fixture.CollectAsync();
        Assert.Equal(0u, fixture.HealBacklog());
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Restart_on_the_way_should_go_on_and_write_no_shard_twice()
    {
        await using MaintenanceFixture fixture = await FilledAsync(2, 1, 3);
        fixture.Insert(1);
        int stored = 0;
        fixture.Stores.Committed = _ =>
        {
            if (++stored == 20)
                throw new InvalidOperationException("the process dies here");
        };
        await Assert.ThrowsAnyAsync<InvalidOperationException>(fixture.RoundAsync);
        ulong done = fixture.Storage(1).Healed;
        Assert.NotEqual(0u, done);
        Assert.NotEqual(ulong.MaxValue, done);
        fixture.Stores.Committed = _ => stored++;
        fixture.Restart();
        await fixture.RoundAsync();
        Assert.Equal(Objects, stored);
        Assert.Equal(StorageState.StorageNormal, fixture.Storage(1).State);
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Disk_that_is_replaced_again_should_be_healed_from_the_start()
    {
        await using MaintenanceFixture fixture = await FilledAsync(2, 1, 3);
        fixture.Insert(1);
        await fixture.RoundAsync();
        Assert.Equal(StorageState.StorageNormal, fixture.Storage(1).State);
        fixture.Insert(1);
        Assert.Equal(0u, fixture.Storage(1).Healed);
        await fixture.RoundAsync();
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Word_of_an_earlier_disk_should_count_for_nothing()
    {
        await using MaintenanceFixture fixture = await FilledAsync(2, 1, 3);
        fixture.Insert(1);
        StorageRow first = fixture.Storage(1);
        fixture.Insert(1);
        CommandResult late = fixture.Metadata.Apply(new Command
        {
            HealedPartition = new HealedPartition { StorageId = 1, DiskUuid = first.DiskUuid, Partition = 5 },
        });
        Assert.Equal(ResultCode.ResultConflict, late.Code);
        Assert.Equal(0u, fixture.Storage(1).Healed);
    }

    private static async Task<MaintenanceFixture> FilledAsync(int k, int m, int storages)
    {
        var fixture = new MaintenanceFixture(k, m, storages);
        for (int i = 0; i < Objects; i++)
            await fixture.PutAsync($"k{i}", Size(i), i);
        return fixture;
    }

    private static int Size(int i) => 4097 + (i * 3001);
}
