using Predastore.Actors.Maintenance;
using Predastore.Actors.Metadata;

namespace Predastore.Actors.Tests.Maintenance;

public sealed class StorageAdminSpecs
{
    [Fact]
    public async Task Added_id_should_be_in_the_next_epoch_and_adding_it_again_should_change_nothing()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 4, inRing: 3);
        StorageAdmin admin = AdminOf(fixture);
        RingRow ring = await admin.AddAsync([MaintenanceFixture.Member(4)], CancellationToken.None);
        Assert.Equal(2u, ring.Epoch);
        Assert.Equal([1u, 2, 3, 4], ring.Members.Select(member => member.StorageId));
        Assert.Equal(2u, (await admin.AddAsync([MaintenanceFixture.Member(4)], CancellationToken.None)).Epoch);
    }

    [Fact]
    public async Task Id_that_never_registered_should_be_refused()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        StorageChangeException error = await Assert.ThrowsAsync<StorageChangeException>(
            () => AdminOf(fixture).AddAsync([MaintenanceFixture.Member(9)], CancellationToken.None));
        Assert.Contains("not registered", error.Message);
        Assert.Equal(1u, fixture.Refresh().Epoch);
    }

    [Fact]
    public async Task Ring_should_keep_as_many_ids_as_an_object_has_shards()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        StorageChangeException error = await Assert.ThrowsAsync<StorageChangeException>(
            () => AdminOf(fixture).DrainAsync(2, CancellationToken.None));
        Assert.True(error.Refused);
        Assert.Equal(StorageState.StorageNormal, fixture.Storage(2).State);
        Assert.Equal(1u, fixture.Refresh().Epoch);
    }

    [Fact]
    public async Task Id_should_be_drained_before_it_is_removed_and_stay_removed()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 4);
        StorageAdmin admin = AdminOf(fixture);
        await fixture.PutAsync("key", 50_000);
        await Assert.ThrowsAsync<StorageChangeException>(() => admin.RemoveAsync(4, CancellationToken.None));
        uint leaving = fixture.Row("key").Placement[0];
        await admin.DrainAsync(leaving, CancellationToken.None);
        Assert.Equal(StorageState.StorageDraining, fixture.Storage(leaving).State);
        StorageChangeException named = await Assert.ThrowsAsync<StorageChangeException>(() => admin.RemoveAsync(leaving, CancellationToken.None));
        Assert.Contains("data rows still name", named.Message);
        await fixture.RoundAsync();
        fixture.Report();
        await admin.RemoveAsync(leaving, CancellationToken.None);
        await admin.RemoveAsync(leaving, CancellationToken.None);
        Assert.Equal(StorageState.StorageRemoved, fixture.Storage(leaving).State);
        await Assert.ThrowsAsync<StorageChangeException>(
            () => admin.AddAsync([MaintenanceFixture.Member(leaving)], CancellationToken.None));
    }

    [Fact]
    public async Task Draining_id_that_is_added_again_should_be_checked_for_what_it_lacks()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 4);
        StorageAdmin admin = AdminOf(fixture);
        await fixture.PutAsync("key", 50_000);
        uint back = fixture.Row("key").Placement[1];
        await admin.DrainAsync(back, CancellationToken.None);
        await admin.AddAsync([MaintenanceFixture.Member(back)], CancellationToken.None);
        Assert.Equal(StorageState.StorageHealing, fixture.Storage(back).State);
        await fixture.RoundAsync();
        Assert.Equal(StorageState.StorageNormal, fixture.Storage(back).State);
        await fixture.CollectAsync();
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Replaced_id_should_hand_its_shards_over_in_one_epoch()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 4, inRing: 3);
        for (int i = 0; i < 20; i++)
            await fixture.PutAsync($"k{i}", 9000, i);
        RingRow ring = await AdminOf(fixture).ReplaceAsync(2, MaintenanceFixture.Member(4), CancellationToken.None);
        Assert.Equal([1u, 3, 4], ring.Members.Select(member => member.StorageId));
        Assert.Equal(2u, ring.Epoch);
        await fixture.RoundAsync();
        await fixture.CollectAsync();
        Assert.Empty(fixture.Stores.Rows(2));
        Assert.Equal(20, fixture.Stores.Rows(4).Count);
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Change_that_loses_to_another_should_be_made_on_top_of_it()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 5, inRing: 3);
        fixture.Metadata.Before = command =>
        {
            if (command.SetRing is null)
                return;
            fixture.Metadata.Before = null;
            fixture.SetRing(1, 2, 3, 4);
        };
        RingRow ring = await AdminOf(fixture).AddAsync([MaintenanceFixture.Member(5)], CancellationToken.None);
        Assert.Equal([1u, 2, 3, 4, 5], ring.Members.Select(member => member.StorageId));
        Assert.Equal(3u, ring.Epoch);
    }

    private static StorageAdmin AdminOf(MaintenanceFixture fixture) => new(fixture.Metadata, fixture.Time);
}
