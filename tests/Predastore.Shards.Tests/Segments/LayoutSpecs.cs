using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;
using Xunit;
using static Predastore.Shards.Tests.Segments.StoreFixture;

namespace Predastore.Shards.Tests.Segments;

/// <summary>Bytes on disk, pinned: a change here is a new format and not an edit.</summary>
public sealed class LayoutSpecs
{
    private static readonly ObjectHash Pinned = new(Enumerable.Range(0, 32).Select(i => (byte)i).ToArray());
    private static readonly Guid Attempt = new("a0a1a2a3-a4a5-a6a7-a8a9-aaabacadaeaf");

    private static readonly ShardRow Shard = new(
        new ShardKey(Pinned, 3), Attempt, 0x0000000500000009, 4, 2, 300_000, new UInt128(0x1112131415161718, 0x191A1B1C1D1E1F20));

    private static string Golden(string name) =>
        File.ReadLines(Path.Join(AppContext.BaseDirectory, "golden", "segments-v1.txt"))
            .Select(line => line.Split(' '))
            .Single(line => line[0] == name)[1]
            .ToUpperInvariant();

    [Fact]
    public void Segment_header_should_stay_as_it_is()
    {
        var header = new SegmentHeader(Cluster, 7, Uuid, 0x1234);
        var bytes = header.Encode();
        Assert.Equal(SegmentHeader.Bytes, bytes.Length);
        Assert.Equal(Golden("segment-header"), Convert.ToHexString(bytes[..56]));
        Assert.All(bytes[56..], b => Assert.Equal(0, b));
        Assert.True(SegmentHeader.TryDecode(Convert.FromHexString(Golden("segment-header")), out var decoded));
        Assert.Equal(header, decoded);
    }

    [Fact]
    public void Extent_header_should_stay_as_it_is()
    {
        var header = new ExtentHeader(Shard, 1, 2, 100_000, 77);
        var bytes = new byte[ExtentHeader.Bytes];
        header.Encode(bytes);
        Assert.Equal(Golden("extent-header"), Convert.ToHexString(bytes));
        Assert.True(ExtentHeader.TryDecode(Convert.FromHexString(Golden("extent-header")), out var decoded));
        Assert.Equal(header, decoded);
    }

    [Fact]
    public void Index_rows_should_stay_as_they_are()
    {
        var row = new IndexRow(Shard, 77, [new ExtentLocation(0x1234, 512, 200_000), new ExtentLocation(0x1235, 1024, 100_000)]);
        var key = IndexRow.Key(Shard.Key, Attempt);
        Assert.Equal(Golden("index-shard-key"), Convert.ToHexString(key));
        Assert.Equal(Golden("index-shard-value"), Convert.ToHexString(row.Value()));
        Assert.Equal(Golden("index-extent-key"), Convert.ToHexString(IndexRow.ExtentKey(0x1235, 1024)));
        Assert.Equal(Golden("index-extent-value"), Convert.ToHexString(row.ExtentValue(1)));
        var decoded = IndexRow.Decode(Convert.FromHexString(Golden("index-shard-key")), Convert.FromHexString(Golden("index-shard-value")));
        Assert.Equal(row.Shard, decoded.Shard);
        Assert.Equal(row.CommitSequence, decoded.CommitSequence);
        Assert.Equal(row.Extents, decoded.Extents);
    }

    [Fact]
    public void Every_flipped_bit_of_a_header_should_be_refused()
    {
        var segment = new SegmentHeader(Cluster, 7, Uuid, 1).Encode();
        for (var bit = 0; bit < 56 * 8; bit++)
        {
            segment[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(SegmentHeader.TryDecode(segment, out _));
            segment[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        var extent = new byte[ExtentHeader.Bytes];
        new ExtentHeader(Shard, 0, 1, 300_000, 1).Encode(extent);
        for (var bit = 0; bit < extent.Length * 8; bit++)
        {
            extent[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(ExtentHeader.TryDecode(extent, out _));
            extent[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Theory]
    [InlineData(0, 512)]
    [InlineData(384, 512)]
    [InlineData(385, 1024)]
    [InlineData(896, 1024)]
    public void Footprint_should_be_header_and_bytes_in_whole_blocks(long length, long footprint) =>
        Assert.Equal(footprint, ExtentHeader.Footprint(length));
}
