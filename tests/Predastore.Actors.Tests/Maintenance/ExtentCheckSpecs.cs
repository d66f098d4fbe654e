using Microsoft.Extensions.Logging.Abstractions;
using Predastore.Actors.Maintenance.Scrub;
using Predastore.Actors.Metadata;
using Predastore.Shards.Segments;

namespace Predastore.Actors.Tests.Maintenance;

public sealed class ExtentCheckSpecs
{
    [Fact]
    public async Task Whole_shard_should_pass_and_a_damaged_one_should_be_queued_for_heal()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        DataRow whole = await fixture.PutAsync("whole", 60_000);
        DataRow bad = await fixture.PutAsync("bad", 60_000, 2);
        fixture.Stores.Flip(2, MaintenanceFixture.KeyOf(bad, (uint)bad.Placement.IndexOf(2)), 9000);
        Assert.Equal(ExtentVerdict.Whole, Verify(fixture, whole));
        Assert.Equal(0u, fixture.HealBacklog());
        Assert.Equal(ExtentVerdict.Damaged, Verify(fixture, bad));
        Assert.Equal(1u, fixture.HealBacklog());
        await fixture.RoundAsync();
        Assert.Equal(ExtentVerdict.Whole, Verify(fixture, bad));
    }

    [Fact]
    public async Task Shard_of_rewritten_data_should_be_known_by_its_new_hash()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        fixture.Stores.Down[2] = true;
        await fixture.PutAsync("key", 60_000);
        fixture.Stores.Down.Clear();
        await fixture.RoundAsync();
        DataRow rewritten = fixture.Row("key");
        Assert.NotEqual(rewritten.DataId, rewritten.ObjectHash);
        Assert.Equal(ExtentVerdict.Whole, Verify(fixture, rewritten));
    }

    [Fact]
    public async Task Shard_that_nobody_names_should_not_pass_and_not_be_queued()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        DataRow row = await fixture.PutAsync("key", 60_000);
        fixture.Delete("key");
        Assert.Equal(ExtentVerdict.Damaged, Verify(fixture, row));
        Assert.Equal(0u, fixture.HealBacklog());
    }

    [Fact]
    public async Task Shard_should_be_unknown_while_the_metadata_group_does_not_answer()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        DataRow row = await fixture.PutAsync("key", 60_000);
        fixture.Metadata.Asked = _ => throw new Predastore.Actors.Client.StoreException(Predastore.Actors.Client.StoreFailure.Unavailable, "no leader");
        Assert.Equal(ExtentVerdict.Unknown, Verify(fixture, row));
        fixture.Metadata.Asked = null;
        Assert.Equal(ExtentVerdict.Whole, Verify(fixture, row));
    }

    private static ExtentVerdict Verify(MaintenanceFixture fixture, DataRow row)
    {
        using ShardReader reader = fixture.Stores[2].TryOpenRead(MaintenanceFixture.KeyOf(row, (uint)row.Placement.IndexOf(2)))!;
        return new ExtentCheck(fixture.Parts, 2, NullLogger.Instance).Verify(reader.Row.Shard, reader);
    }
}
