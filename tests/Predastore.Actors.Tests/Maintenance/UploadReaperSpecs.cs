using Microsoft.Extensions.Logging.Abstractions;
using Predastore.Actors.Maintenance;
using Predastore.Actors.Metadata;

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
        await UploadReaper.ReapAsync(fixture.Parts, NullLogger.Instance);
        Assert.Equal(131u, Open(fixture));
        fixture.Time.Advance(TimeSpan.FromHours(2));
        await UploadReaper.ReapAsync(fixture.Parts, NullLogger.Instance);
        Assert.Equal(1u, Open(fixture));
    }

    private static Task<CommandResult> CreateAsync(MaintenanceFixture fixture, string key) => fixture.Store.ExecuteAsync(
        new Command
        {
            CreateUpload = new CreateUpload { Bucket = "bucket", BucketId = fixture.Bucket.Id, Upload = new UploadRow { Key = key, Owner = "me" } },
        },
        CancellationToken.None);

    private static ulong Open(MaintenanceFixture fixture) =>
        fixture.Metadata.Ask(new Query { GetCluster = new GetCluster() }).Counters.OpenUploads;
}
