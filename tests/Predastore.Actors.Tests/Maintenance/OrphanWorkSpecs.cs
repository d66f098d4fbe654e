using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;

namespace Predastore.Actors.Tests.Maintenance;

public sealed class OrphanWorkSpecs
{
    [Fact]
    public async Task Extent_of_an_open_write_should_be_kept_and_of_a_decided_one_deleted()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        await fixture.PutAsync("key", 50_000);
        ulong open = fixture.GateSession.Allocate();
        await WriteAsync(fixture, open);
        await fixture.CollectAsync();
        Assert.Contains(fixture.Stores.Rows(2), row => row.WriteId == open);
        fixture.GateSession.Decide(open);
        await fixture.CollectAsync();
        Assert.DoesNotContain(fixture.Stores.Rows(2), row => row.WriteId == open);
        fixture.AssertCensus();
        Assert.Equal(1, fixture.Parts.Progress.Orphans);
    }

    [Fact]
    public async Task Extents_of_a_dead_gate_should_be_deleted_once_its_session_is_closed()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        ulong open = fixture.GateSession.Allocate();
        await WriteAsync(fixture, open);
        fixture.Restart();
        await fixture.CollectAsync();
        fixture.AssertCensus();
    }

    [Fact]
    public async Task Write_that_commits_while_it_is_looked_at_should_be_kept()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        await using IStagedObject staged = await fixture.Store.StageAsync(
            fixture.Bucket, new MemoryStream(MaintenanceFixture.Bytes(50_000, 1)), -1, CancellationToken.None);
        await fixture.CollectAsync();
        await fixture.Store.PutAsync(
            staged, new PutVersion { Bucket = "bucket", BucketId = fixture.Bucket.Id, Version = new VersionRow { Key = "key", Etag = "e" } },
            CancellationToken.None);
        await fixture.CollectAsync();
        fixture.AssertCensus();
        Assert.Equal(MaintenanceFixture.Bytes(50_000, 1), await fixture.ReadAsync("key"));
    }

    [Fact]
    public async Task Old_place_of_a_moved_shard_should_wait_for_readers_that_know_of_it()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 4);
        DataRow row = await fixture.PutAsync("key", 50_000);
        uint old = row.Placement[0];
        IObjectReader reader = await fixture.Store.OpenAsync(new GetVersion { Bucket = "bucket", Key = "key" }, CancellationToken.None);
        fixture.SetRing([.. Enumerable.Range(1, 4).Select(id => (uint)id).Where(id => id != old)]);
        await fixture.RoundAsync();
        Assert.DoesNotContain(old, fixture.Row("key").Placement);
        await fixture.CollectAsync();
        Assert.NotNull(fixture.Stores.Bytes(old, MaintenanceFixture.KeyOf(row, 0)));
        await reader.DisposeAsync();
        await fixture.CollectAsync();
        Assert.Null(fixture.Stores.Bytes(old, MaintenanceFixture.KeyOf(row, 0)));
        fixture.AssertCensus();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Old_place_of_a_moved_shard_should_wait_for_readers_though_the_object_is_gone(bool overwritten)
    {
        await using var fixture = new MaintenanceFixture(2, 1, 4);
        DataRow row = await fixture.PutAsync("key", 1_500_000);
        uint old = row.Placement[0];
        IObjectReader reader = await fixture.Store.OpenAsync(new GetVersion { Bucket = "bucket", Key = "key" }, CancellationToken.None);
        fixture.SetRing([.. Enumerable.Range(1, 4).Select(id => (uint)id).Where(id => id != old)]);
        await fixture.RoundAsync();
        Assert.DoesNotContain(old, fixture.Row("key").Placement);
        if (overwritten)
            await fixture.PutAsync("key", 5000, 2);
        else
            fixture.Delete("key");
        await fixture.CollectAsync();
        Assert.NotNull(fixture.Stores.Bytes(old, MaintenanceFixture.KeyOf(row, 0)));
        await reader.DisposeAsync();
        await fixture.CollectAsync();
        await fixture.CollectAsync();
        Assert.Null(fixture.Stores.Bytes(old, MaintenanceFixture.KeyOf(row, 0)));
        Assert.Equal(0u, fixture.GarbageBacklog());
        fixture.AssertCensus();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(499)] // One more than a page of the listing.
    public async Task Attempts_in_a_named_place_should_be_deleted_but_for_the_newest(int later)
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        DataRow row = await fixture.PutAsync("key", 50_000);
        uint place = row.Placement[1];
        ShardRow first = Assert.Single(fixture.Stores.Rows(place));
        byte[] bytes = fixture.Stores.Bytes(place, first.Key)!;
        for (int i = 0; i < later; i++)
            await WriteAsync(fixture, Put(), bytes, first.Digest);
        PutShardRequest newest = Put();
        await WriteAsync(fixture, newest, bytes, first.Digest);

        await fixture.CollectAsync();

        Assert.Equal(newest.AttemptId, Assert.Single(fixture.Stores.Rows(place)).AttemptId);
        fixture.AssertCensus();
        Assert.Equal(MaintenanceFixture.Bytes(50_000, 1), await fixture.ReadAsync("key"));

        // As a heal in its own place writes it.
        PutShardRequest Put() => new(first.Key.ObjectHash, 1, row.WriteId, Guid.NewGuid(), 2, 1, place, bytes.Length);
    }

    private static Task WriteAsync(MaintenanceFixture fixture, ulong writeId) => WriteAsync(
        fixture, new PutShardRequest(ObjectHash.Compute(MaintenanceFixture.ClusterId, writeId), 0, writeId, Guid.NewGuid(), 2, 1, 2, 1000), new byte[1000], 7);

    private static async Task WriteAsync(MaintenanceFixture fixture, PutShardRequest put, byte[] bytes, UInt128 digest)
    {
        await using IShardSink sink = await fixture.Stores.BeginPutAsync(put, CancellationToken.None);
        await sink.WriteAsync(bytes, CancellationToken.None);
        await sink.CommitAsync(bytes.Length, digest, CancellationToken.None);
    }
}
