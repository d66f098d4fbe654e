using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Predastore.Actors.Maintenance;
using Predastore.Actors.Metadata;
using Predastore.Actors.Tests.Hosting;

namespace Predastore.Actors.Tests.Maintenance;

public sealed class UploadReaperSpecs
{
    [Fact]
    public async Task Upload_begun_a_week_ago_should_be_aborted_and_a_younger_one_kept()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        for (int i = 0; i < 130; i++)
            await CreateAsync(fixture, $"old{i}");
        fixture.Time.Advance(UploadReaper.AgeMax - TimeSpan.FromHours(1));
        await CreateAsync(fixture, "young");
        ClockGuard clock = Guard(fixture, () => []);
        await UploadReaper.ReapAsync(fixture.Parts, clock, NullLogger.Instance);
        Assert.Equal(131u, Open(fixture));
        fixture.Time.Advance(TimeSpan.FromHours(2));
        await UploadReaper.ReapAsync(fixture.Parts, clock, NullLogger.Instance);
        Assert.Equal(1u, Open(fixture));
    }

    [Fact]
    public async Task Clock_that_jumped_should_reap_nothing_until_the_others_agree()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        await CreateAsync(fixture, "young");
        DateTimeOffset others = fixture.Time.GetUtcNow();
        ClockGuard clock = Guard(fixture, () => [others, others]);
        fixture.Time.Advance(UploadReaper.AgeMax + TimeSpan.FromHours(1));
        await UploadReaper.ReapAsync(fixture.Parts, clock, NullLogger.Instance);
        Assert.Equal(1u, Open(fixture));
        others = fixture.Time.GetUtcNow() - ClockGuard.OffsetMax;
        await UploadReaper.ReapAsync(fixture.Parts, clock, NullLogger.Instance);
        Assert.Equal(0u, Open(fixture));
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(true, 0, 9)]
    [InlineData(false, 12, 0)]
    [InlineData(true, 5, 0, 0)]
    [InlineData(false, 6, 0, 0)]
    [InlineData(true, -5, 0, 0, 60)]
    [InlineData(false, -6, 0, 0, -60, 60)]
    [InlineData(true, 0, 60, -60)]
    public void Clock_should_be_compared_with_the_median_of_all(bool near, int own, params int[] others)
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);
        TimeSpan ahead = ClockGuard.AheadOfMedian(now.AddMinutes(own), others.Select(minutes => now.AddMinutes(minutes)));
        Assert.Equal(near, ahead.Duration() <= ClockGuard.OffsetMax);
    }

    [Fact]
    public async Task Held_clock_should_be_told_once()
    {
        var time = new FakeTimeProvider();
        DateTimeOffset others = time.GetUtcNow();
        var logs = new RecordingLoggers();
        var clock = new ClockGuard(
            time, _ => Task.FromResult<IEnumerable<DateTimeOffset>>([others, others]), logs.CreateLogger("clock"));
        Assert.True(await clock.MayActAsync(CancellationToken.None));
        time.Advance(TimeSpan.FromHours(1));
        for (int i = 0; i < 3; i++)
            Assert.False(await clock.MayActAsync(CancellationToken.None));
        others = time.GetUtcNow();
        for (int i = 0; i < 3; i++)
            Assert.True(await clock.MayActAsync(CancellationToken.None));
        Assert.Collection(
            logs.Lines, line => Assert.Contains("01:00:00 ahead", line, StringComparison.Ordinal),
            line => Assert.Contains("near the median", line, StringComparison.Ordinal));
    }

    private static ClockGuard Guard(MaintenanceFixture fixture, Func<IEnumerable<DateTimeOffset>> others)
        => new(fixture.Time, _ => Task.FromResult(others()), NullLogger.Instance);

    private static Task<CommandResult> CreateAsync(MaintenanceFixture fixture, string key) => fixture.Store.ExecuteAsync(
        new Command
        {
            CreateUpload = new CreateUpload { Bucket = "bucket", BucketId = fixture.Bucket.Id, Upload = new UploadRow { Key = key, Owner = "me" } },
        },
        CancellationToken.None);

    private static ulong Open(MaintenanceFixture fixture) =>
        fixture.Metadata.Ask(new Query { GetCluster = new GetCluster() }).Counters.OpenUploads;
}
