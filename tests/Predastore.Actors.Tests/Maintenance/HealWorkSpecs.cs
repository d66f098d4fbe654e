using Predastore.Actors.Metadata;
using Predastore.Shards.Protocol;

namespace Predastore.Actors.Tests.Maintenance;

public sealed class HealWorkSpecs
{
    [Theory]
    [InlineData(2, 1, 5_000, new uint[] { 0 })]
    [InlineData(2, 1, 700_001, new uint[] { 2 })]
    [InlineData(3, 2, 1_300_003, new uint[] { 1, 4 })]
    [InlineData(3, 2, 196_608, new uint[] { 3, 4 })]
    [InlineData(3, 2, 90_000, new uint[] { 0, 2 })]
    public async Task Lost_shards_should_come_back_bit_for_bit(int k, int m, int size, uint[] lost)
    {
        await using var fixture = new MaintenanceFixture(k, m, k + m);
        DataRow row = await fixture.PutAsync("key", size);
        byte[][] before = [.. lost.Select(shard => fixture.Stores.Bytes(row.Placement[(int)shard], MaintenanceFixture.KeyOf(row, shard))!)];
        foreach (uint shard in lost)
            fixture.Lose(row, shard);
        fixture.Queue(row, lost);
        await fixture.RoundAsync();
        Assert.Equal(0u, fixture.HealBacklog());
        for (int i = 0; i < lost.Length; i++)
            Assert.Equal(before[i], fixture.Stores.Bytes(row.Placement[(int)lost[i]], MaintenanceFixture.KeyOf(row, lost[i])));
        fixture.AssertCensus();
        Assert.Equal(lost.Length, fixture.Parts.Progress.HealedShards);
    }

    [Fact]
    public async Task Damaged_shard_should_be_replaced_and_its_old_extent_deleted()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        DataRow row = await fixture.PutAsync("key", 300_000);
        fixture.Stores.Flip(row.Placement[0], MaintenanceFixture.KeyOf(row, 0), 5000);
        Assert.Equal(MaintenanceFixture.Bytes(300_000, 1), await fixture.ReadAsync("key"));
        Assert.NotEmpty(fixture.Faults);
        fixture.Queue(row, 0);
        await fixture.RoundAsync();
        fixture.Faults.Clear();
        Assert.Equal(MaintenanceFixture.Bytes(300_000, 1), await fixture.ReadAsync("key"));
        Assert.Empty(fixture.Faults);
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Shards_that_are_bad_in_different_places_should_be_healed_from_one_another()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        DataRow row = await fixture.PutAsync("key", 3_000_000);
        for (uint shard = 0; shard < 2; shard++)
            fixture.Stores.Flip(row.Placement[(int)shard], MaintenanceFixture.KeyOf(row, shard), shard == 0 ? 500 : 1_450_000);
        Assert.Equal(MaintenanceFixture.Bytes(3_000_000, 1), await fixture.ReadAsync("key"));
        fixture.Queue(row, 0, 1);
        await fixture.RoundAsync();
        Assert.Equal(0u, fixture.HealBacklog());
        Assert.Equal(2, fixture.Parts.Progress.HealedShards);
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Bytes_of_another_write_in_the_place_of_a_shard_should_not_get_into_its_heal()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        DataRow row = await fixture.PutAsync("key", 300_000);
        DataRow other = await fixture.PutAsync("other", 300_000, 2);
        byte[] kept = fixture.Stores.Bytes(row.Placement[0], MaintenanceFixture.KeyOf(row, 0))!;
        fixture.Lose(row, 0);
        var put = new PutShardRequest(
            MaintenanceFixture.KeyOf(row, 0).ObjectHash, 0, row.WriteId, Guid.NewGuid(), 2, 1, row.Placement[0], -1);
        byte[] foreign = fixture.Stores.Bytes(other.Placement[0], MaintenanceFixture.KeyOf(other, 0))!;
        await using (IShardSink sink = await fixture.Stores.BeginPutAsync(put, CancellationToken.None))
        {
            await sink.WriteAsync(foreign, CancellationToken.None);
            await sink.CommitAsync(foreign.Length, 0, CancellationToken.None);
        }

        fixture.Queue(row, 0);
        await fixture.RoundAsync();
        Assert.Equal(0u, fixture.HealBacklog());
        Assert.Equal(kept, fixture.Stores.Bytes(row.Placement[0], MaintenanceFixture.KeyOf(row, 0)));
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Shard_that_would_be_rebuilt_wrong_should_not_be_stored()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        DataRow row = await fixture.PutAsync("key", 100_000);
        DataRow other = row.Clone();
        other.Digests[2] = Google.Protobuf.ByteString.CopyFrom(new byte[16]);
        BucketRow bucket = fixture.Bucket;
        fixture.Lose(row, 2);
        Predastore.Actors.Maintenance.HealOutcome outcome =
            await fixture.Keeper.HealAsync(other, bucket, [2], queued: true, CancellationToken.None);
        Assert.Equal((false, true), (outcome.Done, outcome.Contradicts));
        Assert.Empty(fixture.Stores.Rows(row.Placement[2]));
    }

    [Fact]
    public async Task Shard_missing_since_its_write_should_be_made_durable()
    {
        await using var fixture = new MaintenanceFixture(3, 2, 5);
        fixture.Stores.Full[2] = true;
        DataRow row = await fixture.PutAsync("key", 400_000);
        Assert.Single(row.Missing);
        Assert.Equal(1u, fixture.HealBacklog());
        await fixture.RoundAsync();
        Assert.Equal(1u, fixture.HealBacklog());
        fixture.Stores.Full.Clear();
        fixture.Time.Advance(TimeSpan.FromMinutes(2));
        await fixture.RoundAsync();
        Assert.Equal(0u, fixture.HealBacklog());
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Row_that_cannot_be_healed_should_hold_up_no_other()
    {
        await using var fixture = new MaintenanceFixture(3, 2, 5);
        List<DataRow> rows = [];
        for (int i = 0; i < 200; i++)
            rows.Add(await fixture.PutAsync($"k{i}", 5000, i));
        foreach (DataRow row in rows)
            fixture.Queue(row, (uint)row.Placement.IndexOf(3));

        // The last row of the fullest partition, behind more stuck ones than a page holds.
        DataRow last = rows.GroupBy(row => row.DataId[0] >> 2).OrderByDescending(group => group.Count()).First()
            .OrderBy(row => Convert.ToHexString(row.DataId.Span), StringComparer.Ordinal).Last();
        uint healthy = (uint)last.Placement.IndexOf(1);
        fixture.Lose(last, healthy);
        fixture.Queue(last, healthy);
        fixture.Stores.Down[3] = true;
        await fixture.RoundAsync();
        Assert.NotNull(fixture.Stores.Bytes(1, MaintenanceFixture.KeyOf(last, healthy)));
        Assert.Equal(200u, fixture.HealBacklog());
        fixture.Stores.Down.Clear();
        await fixture.RoundAsync();
        Assert.Equal(0u, fixture.HealBacklog());
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Rows_that_take_a_whole_round_should_not_starve_those_behind_them()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        List<DataRow> rows = [];
        for (int i = 0; i < 150; i++)
            rows.Add(await fixture.PutAsync($"k{i}", 5000, i));
        DataRow[] queue = [.. rows.GroupBy(row => row.DataId[0] >> 2).MaxBy(group => group.Count())!
            .OrderBy(row => Convert.ToHexString(row.DataId.Span), StringComparer.Ordinal)];
        Assert.True(queue.Length > 3);
        foreach (DataRow row in queue)
        {
            fixture.Lose(row, 0);
            if (row != queue[^1])
                fixture.Lose(row, 1);
            fixture.Queue(row, 0);
        }

        fixture.Metadata.Asked = query =>
        {
            if (query.GetData is not null)
                fixture.Time.Advance(fixture.Parts.Settings.RoundMax + TimeSpan.FromSeconds(1));
        };
        for (int i = 0; i < queue.Length; i++)
            await fixture.RoundAsync(queue[0].DataId[0] >> 2);
        Assert.NotNull(fixture.Stores.Bytes(queue[^1].Placement[0], MaintenanceFixture.KeyOf(queue[^1], 0)));
        Assert.Equal((ulong)queue.Length - 1, fixture.HealBacklog());
    }

    [Fact]
    public async Task Heal_that_loses_to_another_change_should_leave_its_attempt_to_be_superseded()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 4);
        DataRow row = await fixture.PutAsync("key", 100_000);
        fixture.Lose(row, 1);
        fixture.Queue(row, 1);
        fixture.Metadata.Before = command =>
        {
            if (command.PlaceShards is null)
                return;
            // The row changes between the rebuild and its commit.
            fixture.Metadata.Before = null;
            var race = new PlaceShards { DataId = row.DataId, Generation = row.Generation };
            Assert.Equal(ResultCode.ResultOk, fixture.Metadata.Apply(new Command { PlaceShards = race }).Code);
        };
        await fixture.RoundAsync();

        // The row names its place: who took it back could take the last one.
        ShardRow first = Assert.Single(fixture.Stores.Rows(row.Placement[1]));
        fixture.Queue(row, 1);
        await fixture.RoundAsync();
        Assert.NotEqual(first.AttemptId, Assert.Single(fixture.Stores.Rows(row.Placement[1])).AttemptId);
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Place_that_was_removed_or_is_lost_for_long_should_be_left_for_another()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 4);
        DataRow row = await fixture.PutAsync("key", 250_000);
        uint gone = row.Placement[1];
        fixture.Stores.Down[gone] = true;
        fixture.Queue(row, 1);
        await fixture.RoundAsync();
        Assert.Equal(gone, fixture.Row("key").Placement[1]);
        fixture.Time.Advance(fixture.Parts.Settings.RelocateAfter + TimeSpan.FromSeconds(1));
        await fixture.RoundAsync();
        Assert.DoesNotContain(gone, fixture.Row("key").Placement);
        Assert.Equal(0u, fixture.HealBacklog());
        Assert.Equal(MaintenanceFixture.Bytes(250_000, 1), await fixture.ReadAsync("key"));

        // What the lost disk still holds when it returns is nobody's.
        fixture.Stores.Down.Clear();
        await fixture.CollectAsync();
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Full_place_should_be_left_for_another()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 4);
        DataRow row = await fixture.PutAsync("key", 250_000);
        uint full = row.Placement[0];
        fixture.Lose(row, 0);
        fixture.Stores.Full[full] = true;
        fixture.Queue(row, 0);
        await fixture.RoundAsync();
        await fixture.RoundAsync();
        Assert.DoesNotContain(full, fixture.Row("key").Placement);
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Extent_in_a_new_place_should_be_no_orphan_before_its_row_names_it()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 4);
        DataRow row = await fixture.PutAsync("key", 150_000);
        uint gone = row.Placement[1];
        fixture.Stores.Down[gone] = true;
        fixture.Queue(row, 1);
        await fixture.RoundAsync();
        fixture.Time.Advance(fixture.Parts.Settings.RelocateAfter + TimeSpan.FromSeconds(1));
        int looked = 0;
        fixture.Stores.Committed = put =>
        {
            if (put.ObjectHash != MaintenanceFixture.KeyOf(row, 0).ObjectHash)
                return;
            fixture.Report();
            var check = new CheckExtents { StorageId = put.StorageId };
            check.Extents.Add(new ExtentName { ObjectHash = row.ObjectHash, Shard = put.ShardIndex, WriteId = put.WriteId });
            Assert.NotEqual(ExtentState.ExtentOrphan, Assert.Single(fixture.Metadata.Ask(new Query { CheckExtents = check }).Extents));
            looked++;
        };
        await fixture.RoundAsync();
        Assert.Equal(1, looked);
        Assert.DoesNotContain(gone, fixture.Row("key").Placement);
    }

    [Fact]
    public async Task Fewer_than_K_shards_should_be_left_as_they_are()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        DataRow row = await fixture.PutAsync("key", 100_000);
        fixture.Lose(row, 0);
        fixture.Lose(row, 1);
        fixture.Queue(row, 0, 1);
        await fixture.RoundAsync();
        Assert.Equal(1u, fixture.HealBacklog());
        Assert.NotNull(fixture.Stores.Bytes(row.Placement[2], MaintenanceFixture.KeyOf(row, 2)));
        Assert.True(fixture.Parts.Progress.Failures > 0);
    }
}
