using Microsoft.Extensions.Time.Testing;
using Predastore.Actors.Client;
using Predastore.Actors.Streams;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;

namespace Predastore.Actors.Tests.Streams;

public sealed class ObjectUploaderSpecs
{
    private const int Stripe = 2 * 65536;

    public static TheoryData<int, int, int> Sizes()
    {
        var data = new TheoryData<int, int, int>();
        foreach ((int k, int m) in new[] { (2, 1), (3, 2), (1, 1), (5, 2), (4, 0) })
            foreach (int size in new[] { 1, 4097, 8192, 65536, 65537, k * 65536, (k * 65536) + 1, 524288, 524289, 3_000_001 })
                data.Add(k, m, size);
        return data;
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public async Task Upload_should_be_read_back_byte_for_byte(int k, int m, int size)
    {
        await using var fixture = new StreamFixture(k, m, k + m);
        byte[] body = StreamFixture.Bytes(size, size);
        await using StagedShards staged = await fixture.UploadAsync(body);
        Assert.Equal(size, staged.Size);
        Assert.Equal(k + m, fixture.Shards.Keys.Count);
        Assert.Equal(body, await fixture.ReadAsync(staged.Row, 0, size));
        staged.HandOver();
    }

    [Fact]
    public async Task Ranges_should_be_read_exactly()
    {
        await using var fixture = new StreamFixture(3, 2, 5);
        byte[] body = StreamFixture.Bytes(2_500_000, 1);
        await using StagedShards staged = await fixture.UploadAsync(body);
        staged.HandOver();
        var random = new Random(2);
        for (int i = 0; i < 60; i++)
        {
            int offset = random.Next(body.Length);
            int length = random.Next(1, Math.Min(i % 3 == 0 ? 100 : 900_000, body.Length - offset) + 1);
            Assert.Equal(body[offset..(offset + length)], await fixture.ReadAsync(staged.Row, offset, length));
        }
    }

    [Fact]
    public async Task Every_pair_of_lost_shards_should_be_made_up_for()
    {
        await using var fixture = new StreamFixture(3, 2, 5);
        byte[] body = StreamFixture.Bytes(1_300_003, 3);
        await using StagedShards staged = await fixture.UploadAsync(body);
        staged.HandOver();
        for (uint a = 1; a <= 5; a++)
        {
            for (uint b = a + 1; b <= 5; b++)
            {
                fixture.Shards.Down.Clear();
                fixture.Shards.Down[a] = fixture.Shards.Down[b] = true;
                Assert.Equal(body, await fixture.ReadAsync(staged.Row, 0, body.Length));
                Assert.Equal(body[70_000..70_100], await fixture.ReadAsync(staged.Row, 70_000, 100));
            }
        }

        Assert.Empty(fixture.Faults);
    }

    [Fact]
    public async Task Damaged_fragment_should_be_made_up_for_and_reported()
    {
        // Hedged, the read would not wait for the shard that is damaged.
        await using var fixture = new StreamFixture(2, 1, 3) { Hedge = new HedgeDelay(new FakeTimeProvider()) };
        byte[] body = StreamFixture.Bytes(900_000, 4);
        await using StagedShards staged = await fixture.UploadAsync(body);
        staged.HandOver();
        var key = new ShardKey(new ObjectHash(staged.Row.ObjectHash.Span), 1);
        uint storage = staged.Row.Placement[1];
        fixture.Shards[storage, key][(3 * 8240) + 100] ^= 1;
        Assert.Equal(body, await fixture.ReadAsync(staged.Row, 0, body.Length));
        ShardFault fault = Assert.Single(fixture.Faults);
        Assert.Equal((1, storage, 3L, FragmentFault.Tag), (fault.Shard, fault.StorageId, fault.Fragment, fault.Fault));
    }

    [Fact]
    public async Task More_than_M_lost_shards_should_be_an_error_before_the_first_byte()
    {
        await using var fixture = new StreamFixture(2, 1, 3);
        await using StagedShards staged = await fixture.UploadAsync(StreamFixture.Bytes(100_000, 5));
        staged.HandOver();
        fixture.Shards.Down[1] = fixture.Shards.Down[2] = true;
        StoreException error = await Assert.ThrowsAsync<StoreException>(() => fixture.ReadAsync(staged.Row, 0, 100_000));
        Assert.Equal(StoreFailure.Damaged, error.Failure);
    }

    [Fact]
    public async Task Frozen_shard_should_be_hedged()
    {
        await using var fixture = new StreamFixture(2, 1, 3);
        byte[] body = StreamFixture.Bytes(700_000, 6);
        await using StagedShards staged = await fixture.UploadAsync(body);
        staged.HandOver();
        fixture.Shards.Frozen[staged.Row.Placement[0]] = true;
        Assert.Equal(body, await fixture.ReadAsync(staged.Row, 0, body.Length).WaitAsync(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task Node_that_is_down_should_make_the_geometry_narrower()
    {
        await using var fixture = new StreamFixture(2, 1, 3);
        fixture.Shards.Suspects[2] = fixture.Shards.Down[2] = true;
        byte[] body = StreamFixture.Bytes(700_000, 7);
        await using StagedShards staged = await fixture.UploadAsync(body);
        staged.HandOver();
        Assert.True(staged.Narrow);
        Assert.Equal((1u, 1u), (staged.Row.DataShards, staged.Row.ParityShards));
        Assert.Equal(body, await fixture.ReadAsync(staged.Row, 0, body.Length));
    }

    [Fact]
    public async Task Storage_id_that_breaks_on_the_way_should_be_left_out_above_the_quorum()
    {
        await using var fixture = new StreamFixture(3, 2, 5);
        fixture.Shards.FailAfterBytes[4] = 200_000;
        byte[] body = StreamFixture.Bytes(3_000_000, 8);
        await using StagedShards staged = await fixture.UploadAsync(body);
        staged.HandOver();
        uint missing = Assert.Single(staged.Row.Missing);
        Assert.Equal(4u, staged.Row.Placement[(int)missing]);
        Assert.Equal(5, staged.Row.Digests.Count);
        Assert.Equal(body, await fixture.ReadAsync(staged.Row, 0, body.Length));
    }

    [Fact]
    public async Task Upload_below_the_quorum_should_fail_and_decide_its_write_id()
    {
        await using var fixture = new StreamFixture(2, 1, 3);
        fixture.Shards.FailAfterBytes[3] = 600_000;
        await Assert.ThrowsAsync<StoreException>(() => fixture.UploadAsync(StreamFixture.Bytes(6_000_000, 9)));
        Assert.Equal(2u, fixture.Session.Low);
    }

    [Fact]
    public async Task Buffered_object_should_be_written_again_when_a_storage_id_breaks()
    {
        await using var fixture = new StreamFixture(2, 1, 4);
        fixture.Shards.FailAfterBytes[1] = fixture.Shards.FailAfterBytes[3] = 10;
        Task<StagedShards> upload = fixture.UploadAsync(StreamFixture.Bytes(50_000, 10));
        await Assert.ThrowsAsync<StoreException>(() => upload);
        Assert.Equal(4u, fixture.Session.Low);
    }

    [Fact]
    public async Task Failure_of_the_body_should_reach_the_caller_as_it_is()
    {
        await using var fixture = new StreamFixture(2, 1, 3);
        await Assert.ThrowsAsync<InvalidDataException>(() => fixture.Uploader.UploadAsync(
            fixture.Bucket, new BreakingBody(20 * Stripe), -1, CancellationToken.None));
        Assert.Empty(fixture.Shards.Keys);
        Assert.Equal(2u, fixture.Session.Low);
    }

    [Fact]
    public async Task Staged_upload_that_is_dropped_should_delete_its_shards()
    {
        await using var fixture = new StreamFixture(2, 1, 3);
        StagedShards staged = await fixture.UploadAsync(StreamFixture.Bytes(100_000, 11));
        Assert.Equal(1u, fixture.Session.Low);
        await staged.DisposeAsync();
        Assert.Empty(fixture.Shards.Keys);
        Assert.Equal(2u, fixture.Session.Low);
    }

    private sealed class BreakingBody(int bytes) : MemoryStream(new byte[bytes])
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = await base.ReadAsync(buffer, cancellationToken);
            return read > 0 ? read : throw new InvalidDataException("the body broke");
        }
    }
}
