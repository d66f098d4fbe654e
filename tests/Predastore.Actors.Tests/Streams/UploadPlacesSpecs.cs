using Predastore.Actors.Client;
using Predastore.Actors.Streams;
using Predastore.Actors.Tests.Client;
using Predastore.Actors.Topology;
using Predastore.Shards.Crypto;
using Predastore.Shards.Placement;
using Predastore.Shards.Striping;
using Predastore.Shards.Transport;

namespace Predastore.Actors.Tests.Streams;

/// <summary>What uploads hold on other nodes, and what becomes of those for which there is no place.</summary>
public sealed class UploadPlacesSpecs
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Upload_should_hold_no_place_before_its_first_batch_has_come()
    {
        await using var fixture = new StreamFixture(2, 1, 3);
        using var cancel = new CancellationTokenSource();
        var body = new StallingBody(100_000);
        Task<StagedShards> upload = fixture.Uploader.UploadAsync(fixture.Bucket, body, 1 << 30, cancel.Token);
        await ScriptedMetadata.UntilAsync(() => body.Stalled);
        Assert.Equal(0, fixture.Shards.OpenSinks);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => upload.WaitAsync(Patience));
        Assert.Equal(2u, fixture.Session.Low);
    }

    [Theory]
    [InlineData(2, 99, 600_000)]
    [InlineData(99, 2, 600_000)]
    [InlineData(99, 2, 10_000)]
    public async Task Upload_beyond_the_bound_should_be_busy_and_suspect_nobody(int shardsPerNode, int uploads, int bytes)
    {
        var limits = new UploadLimits { ShardsPerNodeMax = shardsPerNode, UploadsMax = uploads, TurnMax = TimeSpan.FromMilliseconds(20) };
        await using var fixture = new StreamFixture(2, 1, 3, limits);
        using var cancel = new CancellationTokenSource();
        StallingBody[] bodies = [new(bytes), new(bytes)];
        Task<StagedShards>[] first = [.. bodies.Select(body => fixture.Uploader.UploadAsync(fixture.Bucket, body, -1, cancel.Token))];
        await ScriptedMetadata.UntilAsync(() => bodies.All(body => body.Stalled));

        StoreException error = await Assert.ThrowsAsync<StoreException>(
            () => fixture.UploadAsync(StreamFixture.Bytes(100_000, 1)).WaitAsync(Patience));
        Assert.Equal(StoreFailure.Busy, error.Failure);
        Assert.Empty(fixture.Shards.Suspects);

        await cancel.CancelAsync();
        foreach (Task<StagedShards> upload in first)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => upload.WaitAsync(Patience));
        await using StagedShards staged = await fixture.UploadAsync(StreamFixture.Bytes(100_000, 1));
    }

    [Fact]
    public async Task Upload_that_finds_no_place_at_a_storage_id_should_be_busy_and_suspect_nobody()
    {
        await using var fixture = new StreamFixture(2, 1, 3);
        fixture.Shards.Busy[2] = true;
        StoreException error = await Assert.ThrowsAsync<StoreException>(
            () => fixture.UploadAsync(StreamFixture.Bytes(100_000, 2)));
        Assert.Equal(StoreFailure.Busy, error.Failure);
        Assert.Empty(fixture.Shards.Suspects);
        Assert.Equal(0, fixture.Shards.OpenSinks);

        // Nothing that failed: the same storage ids would be asked again.
        Assert.Equal(2u, fixture.Session.Low);
    }

    [Theory]
    [InlineData(10_000)]
    [InlineData(524_288)]
    [InlineData(524_289)]
    [InlineData(3_000_001)]
    public async Task Upload_planned_anew_should_begin_with_the_batch_that_was_read(int size)
    {
        await using var fixture = new StreamFixture(2, 1, 3, new UploadLimits { OpenMax = TimeSpan.FromMilliseconds(100) });
        fixture.Shards.Frozen[2] = true;
        byte[] body = StreamFixture.Bytes(size, size);
        await using StagedShards staged = await fixture.UploadAsync(body);
        staged.HandOver();
        Assert.True(staged.Narrow);
        Assert.Equal((1u, 1u), (staged.Row.DataShards, staged.Row.ParityShards));
        Assert.Equal(body, await fixture.ReadAsync(staged.Row, 0, body.Length));
        Assert.Equal(2u, fixture.Session.Low);
    }

    [Fact]
    public void Plan_should_count_the_shards_of_the_node_that_gets_most()
    {
        var ring = new Ring([.. Enumerable.Range(1, 6).Select(i => new RingMember((uint)i, (uint)(i + 1) / 2, $"h{(i + 1) / 2}", "", 1))]);
        var cluster = new ClusterView(
            Guid.NewGuid(), 1, new Geometry(3, 2), ring, new Dictionary<uint, Predastore.Actors.Metadata.StorageRow>());
        Assert.Equal(2, UploadPlan.Make(cluster, ObjectHash.First, _ => true).ShardsPerNode);
    }

    [Fact]
    public void Uploads_should_leave_places_to_reads_and_want_of_places_should_show_before_silence()
    {
        var uploads = new UploadLimits();
        var transport = new TransportOptions();
        Assert.InRange(uploads.ShardsPerNodeMax, 1, transport.StreamsPerPeerMax / 2);
        Assert.True(transport.PlaceTimeout < uploads.OpenMax);
    }
}
