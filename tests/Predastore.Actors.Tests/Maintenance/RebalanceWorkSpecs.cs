using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Actors.Topology;

namespace Predastore.Actors.Tests.Maintenance;

public sealed class RebalanceWorkSpecs
{
    private const int Objects = 150;

    [Fact]
    public async Task New_storage_ids_should_get_their_share_and_nothing_more_should_move()
    {
        await using MaintenanceFixture fixture = await FilledAsync(3, 2, 7, inRing: 5);
        long written = fixture.Stores.Traffic;
        fixture.SetRing(1, 2, 3, 4, 5, 6, 7);
        await fixture.RoundAsync();
        await fixture.CollectAsync();
        fixture.AssertCensus();
        int[] shards = [.. Enumerable.Range(1, 7).Select(id => fixture.Stores.Rows((uint)id).Count)];
        double even = Objects * 5 / 7.0;
        Assert.All(shards, count => Assert.InRange(count, even * 0.8, even * 1.2));
        Assert.Equal(shards[5] + shards[6], fixture.Parts.Progress.MovedShards);
        Assert.Equal(0, fixture.Parts.Progress.HealedShards);
        await ReadAllAsync(fixture);

        // Settled: another round reads rows and moves nothing.
        long before = fixture.Stores.Traffic;
        await fixture.RoundAsync();
        Assert.Equal(before, fixture.Stores.Traffic);
        Assert.True(written < before);
    }

    [Fact]
    public async Task Drained_storage_id_should_be_emptied_and_then_removed()
    {
        await using MaintenanceFixture fixture = await FilledAsync(2, 1, 5);
        fixture.SetRing(1, 2, 3, 4);
        Assert.Equal(ResultCode.ResultOk, fixture.SetState(5, StorageState.StorageDraining).Code);
        Assert.Equal(ResultCode.ResultConflict, fixture.SetState(5, StorageState.StorageRemoved).Code);
        await fixture.RoundAsync();
        Assert.Equal(0u, fixture.Refresh().Use[5]);
        fixture.Report();
        await fixture.CollectAsync();
        Assert.Empty(fixture.Stores.Rows(5));
        Assert.Equal(ResultCode.ResultOk, fixture.SetState(5, StorageState.StorageRemoved).Code);
        fixture.Stores.Down[5] = true;
        fixture.AssertCensus();
        await ReadAllAsync(fixture);
    }

    [Fact]
    public async Task Removal_should_wait_for_sessions_of_an_older_epoch()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 4);
        fixture.SetRing(1, 2, 3);
        fixture.SetState(4, StorageState.StorageDraining);
        await fixture.RoundAsync();
        Assert.Equal(ResultCode.ResultConflict, fixture.SetState(4, StorageState.StorageRemoved).Code);
        fixture.Report();
        Assert.Equal(ResultCode.ResultOk, fixture.SetState(4, StorageState.StorageRemoved).Code);
    }

    [Fact]
    public async Task Late_commit_onto_a_draining_storage_id_should_be_moved_too()
    {
        await using MaintenanceFixture fixture = await FilledAsync(2, 1, 4);
        List<IStagedObject> late = [];
        for (int i = 0; i < 8; i++)
            late.Add(await fixture.Store.StageAsync(
                fixture.Bucket, new MemoryStream(MaintenanceFixture.Bytes(50_000, i)), -1, CancellationToken.None));
        fixture.SetRing(1, 2, 3);
        fixture.SetState(4, StorageState.StorageDraining);
        await fixture.RoundAsync();
        Assert.Equal(0u, fixture.Refresh().Use[4]);
        for (int i = 0; i < late.Count; i++)
        {
            CommandResult put = await fixture.Store.PutAsync(
                late[i],
                new PutVersion { Bucket = "bucket", BucketId = fixture.Bucket.Id, Version = new VersionRow { Key = $"late{i}", Etag = "e" } },
                CancellationToken.None);
            Assert.Equal(ResultCode.ResultOk, put.Code);
        }

        Assert.NotEqual(0u, fixture.Refresh().Use[4]);
        await fixture.RoundAsync();
        Assert.Equal(0u, fixture.Refresh().Use[4]);
        for (int i = 0; i < late.Count; i++)
            Assert.Equal(MaintenanceFixture.Bytes(50_000, i), await fixture.ReadAsync($"late{i}"));
    }

    [Fact]
    public async Task Draining_id_that_does_not_answer_should_be_rebuilt_elsewhere()
    {
        await using MaintenanceFixture fixture = await FilledAsync(2, 1, 4);
        fixture.SetRing(1, 2, 3);
        fixture.SetState(4, StorageState.StorageDraining);
        fixture.Stores.Down[4] = true;
        await fixture.RoundAsync();
        fixture.Time.Advance(fixture.Parts.Settings.RelocateAfter + TimeSpan.FromSeconds(1));
        await fixture.RoundAsync();
        Assert.Equal(0u, fixture.Refresh().Use[4]);
        Assert.True(fixture.Parts.Progress.HealedShards > 0);
        await ReadAllAsync(fixture);
    }

    [Fact]
    public async Task Target_that_is_away_for_a_moment_should_get_its_share_when_it_returns()
    {
        await using MaintenanceFixture fixture = await FilledAsync(2, 1, 4, inRing: 3);
        fixture.SetRing(1, 2, 3, 4);
        fixture.Stores.Down[4] = true;
        await fixture.RoundAsync();
        await fixture.RoundAsync();
        Assert.Empty(fixture.Stores.Rows(4));
        fixture.Stores.Down.Clear();
        await fixture.RoundAsync();
        Assert.InRange(fixture.Stores.Rows(4).Count, Objects / 2, Objects);
        await fixture.CollectAsync();
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Damaged_source_should_be_rebuilt_at_the_target_instead_of_copied()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 4);
        DataRow row = await fixture.PutAsync("key", 80_000);
        uint leaving = row.Placement[1];

        // A flipped tag: the digest over the tags differs.
        fixture.Stores.Flip(leaving, MaintenanceFixture.KeyOf(row, 1), 8239);
        fixture.SetRing([.. Enumerable.Range(1, 4).Select(id => (uint)id).Where(id => id != leaving)]);
        await fixture.RoundAsync();
        DataRow moved = fixture.Row("key");
        Assert.DoesNotContain(leaving, moved.Placement);
        Assert.Equal(1, fixture.Parts.Progress.HealedShards);
        fixture.Stores.Down[moved.Placement[0]] = true;
        Assert.Equal(MaintenanceFixture.Bytes(80_000, 1), await fixture.ReadAsync("key"));
    }

    [Fact]
    public async Task Shards_should_be_readable_at_every_moment_of_a_move()
    {
        await using MaintenanceFixture fixture = await FilledAsync(2, 1, 5, inRing: 3);
        fixture.SetRing(3, 4, 5);
        Task reading = Task.CompletedTask;
        int reads = 0;
        fixture.Metadata.Before = command =>
        {
            if (command.PlaceShards is not null && reads++ % 40 == 0)
                reading = Task.WhenAll(reading, Task.Run(() => ReadAllAsync(fixture)));
        };
        await fixture.RoundAsync();
        await reading;
        Assert.True(reads > Objects / 2);
        Assert.Empty(fixture.Faults);
        await fixture.CollectAsync();
        fixture.AssertCensus();
    }

    private static async Task<MaintenanceFixture> FilledAsync(int k, int m, int storages, int inRing = 0)
    {
        var fixture = new MaintenanceFixture(k, m, storages, inRing);
        for (int i = 0; i < Objects; i++)
            await fixture.PutAsync($"k{i}", 4097 + (i * 100), i);
        return fixture;
    }

    private static async Task ReadAllAsync(MaintenanceFixture fixture)
    {
        for (int i = 0; i < Objects; i++)
            Assert.Equal(MaintenanceFixture.Bytes(4097 + (i * 100), i), await fixture.ReadAsync($"k{i}"));
    }
}
