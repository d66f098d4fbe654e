using Predastore.Actors.Client;
using Predastore.Actors.Metadata;

namespace Predastore.Actors.Tests.Maintenance;

public sealed class GarbageWorkSpecs
{
    [Fact]
    public async Task Deleted_object_should_leave_no_shard()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        await fixture.PutAsync("kept", 60_000);
        await fixture.PutAsync("gone", 60_000, 2);
        fixture.Delete("gone");
        fixture.Report();
        await fixture.RoundAsync();
        Assert.Equal(0u, fixture.GarbageBacklog());
        Assert.Equal(1, fixture.Parts.Progress.Collected);
        fixture.AssertCensus();
        Assert.Equal(MaintenanceFixture.Bytes(60_000, 1), await fixture.ReadAsync("kept"));
    }

    [Fact]
    public async Task Open_read_should_hold_back_what_it_may_still_want()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        DataRow row = await fixture.PutAsync("key", 60_000);
        await using (IObjectReader reader = await fixture.Store.OpenAsync(
            new GetVersion { Bucket = "bucket", Key = "key" }, CancellationToken.None))
        {
            fixture.Delete("key");
            fixture.Report();
            await fixture.RoundAsync();
            Assert.NotNull(fixture.Stores.Bytes(row.Placement[0], MaintenanceFixture.KeyOf(row, 0)));
        }

        fixture.Report();
        await fixture.RoundAsync();
        Assert.Null(fixture.Stores.Bytes(row.Placement[0], MaintenanceFixture.KeyOf(row, 0)));
    }

    [Fact]
    public async Task Row_should_wait_for_every_storage_id_it_names()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        DataRow row = await fixture.PutAsync("key", 60_000);
        fixture.Delete("key");
        fixture.Report();
        fixture.Stores.Down[3] = true;
        await fixture.RoundAsync();
        Assert.Equal(1u, fixture.GarbageBacklog());
        fixture.Stores.Down.Clear();
        await fixture.RoundAsync();
        Assert.Equal(0u, fixture.GarbageBacklog());
        Assert.Null(fixture.Stores.Bytes(3, MaintenanceFixture.KeyOf(row, (uint)row.Placement.IndexOf(3))));
    }

    [Fact]
    public async Task Rows_that_wait_for_a_storage_id_should_hold_up_no_others()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 4);
        List<DataRow> rows = [];
        for (int i = 0; i < 150; i++)
            rows.Add(await fixture.PutAsync($"k{i}", 5000, i));
        for (int i = 0; i < rows.Count; i++)
            fixture.Delete($"k{i}");
        fixture.Report();
        fixture.Stores.Down[4] = true;
        await fixture.RoundAsync();
        Assert.Equal((ulong)rows.Count(row => row.Placement.Contains(4)), fixture.GarbageBacklog());
        fixture.Stores.Down.Clear();
        await fixture.RoundAsync();
        Assert.Equal(0u, fixture.GarbageBacklog());
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Round_should_go_on_where_the_one_before_stood()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 4);
        List<DataRow> rows = [];
        for (int i = 0; i < 200; i++)
            rows.Add(await fixture.PutAsync($"k{i}", 5000, i));

        // Those that wait come first, and a round has time for one page.
        DataRow[] rowsOfOne = [.. rows.GroupBy(row => row.DataId[0] >> 2).MaxBy(group => group.Count())!];
        int partition = rowsOfOne[0].DataId[0] >> 2;
        Assert.InRange(rowsOfOne.Count(row => row.Placement.Contains(4)), (int)fixture.Parts.Settings.PageRows, rowsOfOne.Length - 1);
        foreach (DataRow row in rowsOfOne.OrderByDescending(row => row.Placement.Contains(4)))
            fixture.Delete($"k{rows.IndexOf(row)}");
        fixture.Report();
        fixture.Stores.Down[4] = true;
        fixture.Metadata.Asked = query =>
        {
            if (query.WalkGarbage is not null)
                fixture.Time.Advance(fixture.Parts.Settings.RoundMax + TimeSpan.FromSeconds(1));
        };
        for (int i = 0; i < rowsOfOne.Length; i += (int)fixture.Parts.Settings.PageRows)
            await fixture.RoundAsync(partition);
        Assert.Equal((ulong)rowsOfOne.Count(row => row.Placement.Contains(4)), fixture.GarbageBacklog());

        // The walk ended and begins anew.
        fixture.Stores.Down.Clear();
        for (int i = 0; i < rowsOfOne.Length; i += (int)fixture.Parts.Settings.PageRows)
            await fixture.RoundAsync(partition);
        Assert.Equal(0u, fixture.GarbageBacklog());
    }

    [Fact]
    public async Task Removed_storage_id_should_not_be_waited_for()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 4);
        DataRow row = await fixture.PutAsync("key", 60_000);
        uint leaving = row.Placement[0];
        fixture.Delete("key");
        fixture.SetRing([.. Enumerable.Range(1, 4).Select(id => (uint)id).Where(id => id != leaving)]);
        fixture.Report();
        Assert.Equal(ResultCode.ResultOk, fixture.SetState(leaving, StorageState.StorageRemoved).Code);
        fixture.Stores.Down[leaving] = true;
        await fixture.RoundAsync();
        Assert.Equal(0u, fixture.GarbageBacklog());
    }

    [Fact]
    public async Task Parts_of_a_deleted_upload_should_be_expanded_and_collected()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        CommandResult created = await fixture.Store.ExecuteAsync(
            new Command
            {
                CreateUpload = new CreateUpload { Bucket = "bucket", BucketId = fixture.Bucket.Id, Upload = new UploadRow { Key = "big", Owner = "me" } },
            },
            CancellationToken.None);
        for (uint number = 1; number <= 3; number++)
        {
            await using IStagedObject staged = await fixture.Store.StageAsync(
                fixture.Bucket, new MemoryStream(MaintenanceFixture.Bytes(50_000, (int)number)), -1, CancellationToken.None);
            CommandResult put = await fixture.Store.PutPartAsync(
                staged,
                new PutPart
                {
                    Bucket = "bucket", BucketId = fixture.Bucket.Id, Key = "big", UploadId = created.UploadId,
                    Part = new PartRow { Number = number, Etag = "e" + number },
                },
                CancellationToken.None);
            Assert.Equal(ResultCode.ResultOk, put.Code);
        }

        await fixture.Store.ExecuteAsync(
            new Command { AbortUpload = new AbortUpload { Bucket = "bucket", Key = "big", UploadId = created.UploadId } }, CancellationToken.None);
        for (int round = 0; round < 3; round++)
        {
            fixture.Report();
            await fixture.RoundAsync();
        }

        Assert.Equal(0u, fixture.GarbageBacklog());
        fixture.AssertCensus();
    }
}
