using Google.Protobuf;
using Predastore.Actors.Client;
using Predastore.Actors.Maintenance;
using Predastore.Actors.Metadata;
using Predastore.Actors.Streams;

namespace Predastore.Actors.Tests.Maintenance;

public sealed class RewriteWorkSpecs
{
    [Theory]
    [InlineData(5_000)]
    [InlineData(1_500_000)]
    public async Task Narrow_object_should_be_written_anew_at_full_width(int size)
    {
        await using var fixture = new MaintenanceFixture(3, 2, 5);
        fixture.Stores.Down[2] = fixture.Stores.Down[4] = true;
        DataRow narrow = await fixture.PutAsync("key", size);
        Assert.Equal((1u, 2u), (narrow.DataShards, narrow.ParityShards));
        await fixture.RoundAsync();
        Assert.Equal(narrow.ObjectHash, fixture.Row("key").ObjectHash);
        fixture.Stores.Down.Clear();
        await fixture.RoundAsync();
        DataRow full = fixture.Row("key");
        Assert.Equal((3u, 2u), (full.DataShards, full.ParityShards));
        Assert.Equal(narrow.DataId, full.DataId);
        Assert.NotEqual(narrow.ObjectHash, full.ObjectHash);
        Assert.Equal(MaintenanceFixture.Bytes(size, 1), await fixture.ReadAsync("key"));
        Assert.Equal(0u, fixture.HealBacklog());
        await fixture.CollectAsync();
        Assert.Equal(0u, fixture.GarbageBacklog());
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Copy_into_another_bucket_of_data_that_was_written_anew_since_it_was_read_should_open()
    {
        await using var fixture = new MaintenanceFixture(3, 2, 5);
        BucketRow other = fixture.NewBucket("other");
        fixture.Stores.Down[2] = fixture.Stores.Down[4] = true;
        DataRow narrow = await fixture.PutAsync("key", 100_000);
        fixture.Stores.Down.Clear();
        await using IObjectReader source = await fixture.Store.OpenAsync(new GetVersion { Bucket = "bucket", Key = "key" }, CancellationToken.None);
        await fixture.RoundAsync();
        Assert.NotEqual(narrow.ObjectHash, fixture.Row("key").ObjectHash);

        var put = new PutVersion { Bucket = "other", BucketId = other.Id, Version = new VersionRow { Key = "copy", Etag = "e", Owner = "me" } };
        CommandResult copied = await fixture.Store.CopyAsync(source, other, put, CancellationToken.None);

        Assert.Equal(ResultCode.ResultOk, copied.Code);
        Assert.Equal(fixture.Row("key").DataId, fixture.Row("copy", other).DataId);
        Assert.Equal(MaintenanceFixture.Bytes(100_000, 1), await fixture.ReadAsync("copy", other));
    }

    [Fact]
    public async Task Rewrite_that_would_be_narrow_again_should_not_be_committed_and_be_tried_later()
    {
        await using var fixture = new MaintenanceFixture(3, 2, 5);
        fixture.Stores.Down[2] = fixture.Stores.Down[4] = true;
        DataRow narrow = await fixture.PutAsync("key", 100_000);
        fixture.Stores.Down.Clear();
        fixture.Stores.Begun = _ => fixture.Stores.Down[2] = fixture.Stores.Down[4] = true;
        await fixture.RoundAsync();
        fixture.Stores.Begun = null;
        Assert.Equal(narrow, fixture.Row("key"));
        Assert.Equal(1u, fixture.HealBacklog());
        fixture.Stores.Down.Clear();
        await fixture.RoundAsync();
        Assert.Equal((3u, 2u), (fixture.Row("key").DataShards, fixture.Row("key").ParityShards));
        Assert.Equal(0u, fixture.HealBacklog());
        await fixture.CollectAsync();
        fixture.AssertCensus();
    }

    [Theory]
    [InlineData(30_000)]
    [InlineData(1_500_000)]
    public async Task Bytes_of_a_rewrite_should_count_against_the_rate(int size)
    {
        // At the first rate nobody waits while the clock stands, and at the second one everybody waits for what was taken.
        const long slow = 1000;
        await using var fixture = new MaintenanceFixture(3, 2, 5, settings: new MaintenanceSettings
        {
            BytesPerSecondIdle = long.MaxValue / 4, BytesPerSecondBusy = slow,
        });
        fixture.Stores.Down[2] = fixture.Stores.Down[4] = true;
        await fixture.PutAsync("key", size);
        fixture.Stores.Down.Clear();
        await fixture.RoundAsync();
        Assert.Equal(3u, fixture.Row("key").DataShards);
        fixture.Busy = true;
        Task next = fixture.Parts.Pace.TakeAsync(1, CancellationToken.None);
        TimeSpan debt = TimeSpan.FromSeconds((size + (size * 5L / 3)) / slow);
        fixture.Time.Advance(debt - TimeSpan.FromSeconds(1));
        Assert.False(next.IsCompleted);
        fixture.Time.Advance(TimeSpan.FromSeconds(2));
        await next.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Copy_in_another_bucket_should_stay_readable()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        fixture.Stores.Down[2] = true;
        await fixture.PutAsync("key", 200_000);
        BucketRow other = fixture.NewBucket("other");
        await using (IObjectReader source = await fixture.Store.OpenAsync(
            new GetVersion { Bucket = "bucket", Key = "key" }, CancellationToken.None))
        {
            CommandResult copied = await fixture.Store.CopyAsync(
                source, other,
                new PutVersion { Bucket = "other", BucketId = other.Id, Version = new VersionRow { Key = "copy", Etag = "e", Owner = "me" } },
                CancellationToken.None);
            Assert.Equal(ResultCode.ResultOk, copied.Code);
        }

        fixture.Stores.Down.Clear();
        await fixture.RoundAsync();
        Assert.Equal(3, fixture.Row("copy", other).Placement.Count);
        Assert.Equal(MaintenanceFixture.Bytes(200_000, 1), await fixture.ReadAsync("copy", other));
        Assert.Equal(MaintenanceFixture.Bytes(200_000, 1), await fixture.ReadAsync("key"));
        await fixture.CollectAsync();
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Object_with_a_shard_that_is_rebuilt_wrong_should_be_written_anew()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        DataRow row = await PutContradictingAsync(fixture, parity: 2);
        fixture.Lose(row, 2);
        fixture.Queue(row, 2);
        await fixture.RoundAsync();
        Assert.NotEqual(row.ObjectHash, fixture.Row("key").ObjectHash);
        Assert.Equal(MaintenanceFixture.Bytes(200_000, 1), await fixture.ReadAsync("key"));
        Assert.Equal(0u, fixture.HealBacklog());
        await fixture.CollectAsync();
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Object_whose_shards_contradict_one_another_should_not_be_written_anew_from_parity()
    {
        await using var fixture = new MaintenanceFixture(2, 2, 4);
        DataRow row = await PutContradictingAsync(fixture, parity: 2);
        fixture.Lose(row, 0);
        fixture.Lose(row, 2);
        fixture.Queue(row, 2);
        await fixture.RoundAsync();
        Assert.Equal(row.ObjectHash, fixture.Row("key").ObjectHash);
        Assert.Equal(1u, fixture.HealBacklog());
        Assert.Empty(fixture.Stores.Rows(row.Placement[2]));
        Assert.DoesNotContain(fixture.Metadata.Applied, command => command.ReplaceData is not null);
    }

    [Fact]
    public async Task Rewrite_that_loses_to_a_delete_should_leave_nothing()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        fixture.Stores.Down[2] = true;
        await fixture.PutAsync("key", 200_000);
        fixture.Stores.Down.Clear();
        fixture.Metadata.Before = command =>
        {
            if (command.ReplaceData is null)
                return;
            fixture.Metadata.Before = null;
            fixture.Delete("key");
        };
        await fixture.RoundAsync();
        await fixture.CollectAsync();
        await fixture.CollectAsync();
        for (uint id = 1; id <= 3; id++)
            Assert.Empty(fixture.Stores.Rows(id));
    }

    // As after a bit that flipped in memory before a parity shard was sealed.
    private static async Task<DataRow> PutContradictingAsync(MaintenanceFixture fixture, int parity)
    {
        await using var staged = (StagedShards)await fixture.Store.StageAsync(
            fixture.Bucket, new MemoryStream(MaintenanceFixture.Bytes(200_000, 1)), 200_000, CancellationToken.None);
        staged.Row.Digests[parity] = ByteString.CopyFrom(new byte[16]);
        CommandResult result = await fixture.Store.PutAsync(
            staged,
            new PutVersion { Bucket = "bucket", BucketId = fixture.Bucket.Id, Version = new VersionRow { Key = "key", Etag = "e", Owner = "me" } },
            CancellationToken.None);
        Assert.Equal(ResultCode.ResultOk, result.Code);
        return fixture.Row("key");
    }
}
