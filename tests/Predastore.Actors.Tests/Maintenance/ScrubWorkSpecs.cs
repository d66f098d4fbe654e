using Microsoft.Extensions.Logging.Abstractions;
using Predastore.Actors.Maintenance.Scrub;
using Predastore.Actors.Metadata;
using Predastore.Testing.Disk;

namespace Predastore.Actors.Tests.Maintenance;

public sealed class ScrubWorkSpecs
{
    private readonly MemoryDisk _disk = new();

    public ScrubWorkSpecs() => _disk.CreateDirectory("/scrub");

    [Theory]
    [InlineData(0)]        // header
    [InlineData(19)]       // format
    [InlineData(40)]       // body
    [InlineData(8239)]     // tag
    [InlineData(8240)]     // second fragment
    public async Task Flipped_bit_anywhere_in_a_shard_should_be_found_and_healed_without_a_read(long offset)
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        DataRow row = await fixture.PutAsync("key", 60_000);
        for (int i = 0; i < 10; i++)
            await fixture.PutAsync($"k{i}", 20_000, i);
        fixture.Stores.Flip(row.Placement[1], MaintenanceFixture.KeyOf(row, 1), offset);
        ScrubWork scrub = Scrub(fixture, row.Placement[1]);
        await PassAsync(scrub, fixture);
        Assert.Equal((1ul, 11ul), (scrub.State.LastFaults, scrub.State.LastShards));
        Assert.Equal(1u, fixture.HealBacklog());
        await fixture.RoundAsync();
        fixture.AssertCensus();
        scrub.BeginNow();
        await PassAsync(scrub, fixture);
        Assert.Equal(0ul, scrub.State.LastFaults);
    }

    [Fact]
    public async Task Shard_that_a_row_names_and_the_disk_lacks_should_be_queued_as_missing()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        DataRow row = await fixture.PutAsync("key", 60_000);
        fixture.Lose(row, 2);
        ScrubWork scrub = Scrub(fixture, row.Placement[2]);
        await PassAsync(scrub, fixture);
        Assert.Contains(fixture.Metadata.Applied, command => command.QueueHeal?.Reason == "missing");
        await fixture.RoundAsync();
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Flipped_bit_of_an_extent_header_should_be_found_before_a_rebuild_of_the_index_needs_it()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        DataRow row = await fixture.PutAsync("key", 60_000);
        fixture.Stores.FlipHeader(row.Placement[0], MaintenanceFixture.KeyOf(row, 0), 70, 3);
        ScrubWork scrub = Scrub(fixture, row.Placement[0]);
        await PassAsync(scrub, fixture);
        Assert.Equal(1ul, scrub.State.LastFaults);
        await fixture.RoundAsync();
        scrub.BeginNow();
        await PassAsync(scrub, fixture);
        Assert.Equal(0ul, scrub.State.LastFaults);
    }

    [Fact]
    public async Task Shard_of_another_write_in_its_place_should_be_found()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        DataRow row = await fixture.PutAsync("key", 60_000);
        fixture.Lose(row, 0);
        var put = new Predastore.Shards.Protocol.PutShardRequest(
            MaintenanceFixture.KeyOf(row, 0).ObjectHash, 0, row.WriteId, Guid.NewGuid(), 2, 1, row.Placement[0], -1);
        byte[] other = fixture.Stores.Bytes(row.Placement[1], MaintenanceFixture.KeyOf(row, 1))!;
        await using (Predastore.Shards.Protocol.IShardSink sink = await fixture.Stores.BeginPutAsync(put, CancellationToken.None))
        {
            await sink.WriteAsync(other, CancellationToken.None);
            await sink.CommitAsync(other.Length, 0, CancellationToken.None);
        }

        ScrubWork scrub = Scrub(fixture, row.Placement[0]);
        await PassAsync(scrub, fixture);
        Assert.Equal(1ul, scrub.State.LastFaults);
        await fixture.RoundAsync();
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Restart_should_go_on_where_the_pass_stood()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        for (int i = 0; i < 40; i++)
            await fixture.PutAsync($"k{i}", 5000, i);
        ScrubWork first = Scrub(fixture, 2);
        for (int i = 0; i < 30; i++)
        {
            fixture.Time.Advance(TimeSpan.FromSeconds(30));
            Assert.True(await first.StepAsync(CancellationToken.None));
        }

        ScrubWork second = Scrub(fixture, 2);
        Assert.True(second.State.Running);
        Assert.InRange(second.State.Partition, 28u, 31u);
        await PassAsync(second, fixture);
        Assert.Equal(40ul, second.State.LastShards);
    }

    [Fact]
    public async Task Damaged_cursor_should_only_begin_the_pass_again()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        await fixture.PutAsync("key", 5000);
        ScrubWork scrub = Scrub(fixture, 1);
        await PassAsync(scrub, fixture);
        Assert.NotEqual(0, new ScrubCursor(_disk, "/scrub").Read().EndedMs);
        _disk.FlipBit("/scrub/scrub", 77);
        Assert.Equal(0, new ScrubCursor(_disk, "/scrub").Read().EndedMs);
    }

    [Fact]
    public async Task Every_fragment_should_be_opened_within_the_period()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        await fixture.PutAsync("key", 5000);
        ScrubWork scrub = Scrub(fixture, 1);
        await PassAsync(scrub, fixture);
        Assert.False(await scrub.StepAsync(CancellationToken.None));
        fixture.Time.Advance(fixture.Parts.Settings.ScrubPeriod / 2);
        Assert.True(await scrub.StepAsync(CancellationToken.None));

        // The rate brings the largest disk that the bound allows through in less than the other half.
        long bytes = fixture.Parts.Settings.ScrubBytesPerSecondMax * (long)(fixture.Parts.Settings.ScrubPeriod.TotalSeconds / 2);
        Assert.True(bytes > 8L << 40);
    }

    [Fact]
    public async Task What_a_disk_that_is_being_healed_has_not_got_yet_should_be_left_to_its_heal()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        await fixture.PutAsync("key", 5000);
        fixture.Insert(2);
        fixture.Refresh();
        await PassAsync(Scrub(fixture, 2), fixture);
        Assert.Equal(0u, fixture.HealBacklog());
    }

    [Fact]
    public async Task Damage_on_a_disk_that_is_being_healed_should_be_found()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        fixture.Insert(2);
        DataRow damaged = await fixture.PutAsync("key", 60_000);
        DataRow missing = await fixture.PutAsync("other", 60_000);
        fixture.Stores.Flip(2, MaintenanceFixture.KeyOf(damaged, (uint)damaged.Placement.IndexOf(2)), 500);
        fixture.Lose(missing, (uint)missing.Placement.IndexOf(2));

        // Of a partition that is healed already everything has to be there.
        CommandResult healed = fixture.Metadata.Apply(new Command
        {
            HealedPartition = new HealedPartition
            {
                StorageId = 2, DiskUuid = fixture.Storage(2).DiskUuid, Partition = (uint)missing.DataId[0] >> 2,
            },
        });
        Assert.Equal(ResultCode.ResultOk, healed.Code);
        Assert.Equal(StorageState.StorageHealing, fixture.Storage(2).State);
        ScrubWork scrub = Scrub(fixture, 2);
        await PassAsync(scrub, fixture);
        Assert.Equal((2ul, 2u), (scrub.State.LastFaults, fixture.HealBacklog()));
        await fixture.RoundAsync();
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Rebuilt_index_should_have_every_shard_again_and_scrub_should_find_what_headers_cannot_tell()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        List<DataRow> rows = [];
        for (int i = 0; i < 25; i++)
            rows.Add(await fixture.PutAsync($"k{i}", 9000 + (i * 3000), i));
        fixture.Stores.Flip(2, MaintenanceFixture.KeyOf(rows[7], (uint)rows[7].Placement.IndexOf(2)), 500);
        Predastore.Shards.Segments.RebuildReport report = fixture.Stores.LoseIndex(2);
        Assert.Equal((25L, 0L), (report.Shards, report.Incomplete));
        ScrubWork scrub = Scrub(fixture, 2);
        await PassAsync(scrub, fixture);
        Assert.Equal(1ul, scrub.State.LastFaults);
        await fixture.RoundAsync();
        fixture.AssertCensus();
    }

    private ScrubWork Scrub(MaintenanceFixture fixture, uint storageId) => new(
        fixture.Parts, storageId, fixture.Stores[storageId], new ScrubCursor(_disk, "/scrub"), NullLogger.Instance);

    private static async Task PassAsync(ScrubWork scrub, MaintenanceFixture fixture)
    {
        do
            await fixture.StepAsync(scrub);
        while (scrub.State.Running);
    }
}
