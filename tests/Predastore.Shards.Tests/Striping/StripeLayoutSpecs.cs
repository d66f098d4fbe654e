using CsCheck;
using Predastore.Shards.Striping;
using Xunit;

namespace Predastore.Shards.Tests.Striping;

public sealed class StripeLayoutSpecs
{
    private const int Cell = StripeLayout.CellBytes;

    private static readonly Gen<Geometry> Geometries =
        Gen.Int[1, 8].SelectMany(k => Gen.Int[0, 4].Select(m => new Geometry(k, m)));

    private static readonly Gen<StripeLayout> Layouts = Geometries.SelectMany(g =>
        Gen.OneOf(Gen.Long[0, 50], Gen.Long[0, 3L * g.K * Cell], Near(g.K * (long)Cell), Near(2L * g.K * Cell))
            .Select(size => new StripeLayout(size, g)));

    private static readonly Gen<(StripeLayout Layout, long Offset, long Length)> Ranges = Layouts.SelectMany(l =>
        Gen.Long[0, l.ObjectBytes].SelectMany(offset =>
            Gen.Long[0, l.ObjectBytes - offset].Select(length => (l, offset, length))));

    private static Gen<long> Near(long value) => Gen.Long[-2, 2].Select(delta => value + delta);

    [Theory]
    [InlineData(0, 2, 1, 0, 0)]
    [InlineData(1, 2, 1, 1, 1)]
    [InlineData(3, 2, 1, 1, 2)]
    [InlineData(2 * Cell, 2, 1, 1, Cell)]
    [InlineData(2 * Cell + 1, 2, 1, 2, Cell + 1)]
    [InlineData(5 * Cell, 2, 1, 3, 2 * Cell + Cell / 2)]
    [InlineData(100, 3, 2, 1, 34)]
    [InlineData(100, 1, 0, 1, 100)]
    [InlineData(5L << 40, 3, 2, 27962027, 1832519379627)]
    public void Sizes_should_follow_the_table(long objectBytes, int k, int m, long stripes, long shardBytes)
    {
        StripeLayout layout = new(objectBytes, new Geometry(k, m));
        Assert.Equal(stripes, layout.StripeCount);
        Assert.Equal(shardBytes, layout.ShardBytes);
    }

    [Fact]
    public void Stripes_and_cells_should_tile_object_and_shard() => Layouts.Sample(layout =>
    {
        long objectOffset = 0, shardOffset = 0;
        for (long s = 0; s < layout.StripeCount; s++)
        {
            Assert.Equal(objectOffset, layout.StripeOffset(s));
            Assert.Equal(shardOffset, layout.CellOffset(s));
            int cellData = 0;
            for (int k = 0; k < layout.Geometry.K; k++)
            {
                int data = layout.CellDataSize(s, k);
                Assert.InRange(data, 0, layout.CellSize(s));
                cellData += data;
            }
            Assert.Equal(layout.StripeSize(s), cellData);
            Assert.InRange(layout.CellSize(s), 1, Cell);
            if (s < layout.StripeCount - 1) Assert.Equal(Cell, layout.CellSize(s));
            Assert.Equal(StripeLayout.CellSizeOf(layout.StripeSize(s), layout.Geometry), layout.CellSize(s));
            objectOffset += layout.StripeSize(s);
            shardOffset += layout.CellSize(s);
        }
        Assert.Equal(layout.ObjectBytes, objectOffset);
        Assert.Equal(layout.ShardBytes, shardOffset);
    }, iter: 2000);

    [Fact]
    public void Cut_should_cover_the_range_once_in_order() => Ranges.Sample(sample =>
    {
        (StripeLayout layout, long offset, long length) = sample;
        long at = offset;
        foreach (CellSlice slice in layout.Cut(offset, length))
        {
            Assert.Equal(at, slice.ObjectOffset);
            Assert.InRange(slice.Length, 1, layout.CellDataSize(slice.Stripe, slice.Cell) - slice.CellOffset);
            Assert.Equal(layout.CellOffset(slice.Stripe) + slice.CellOffset, slice.ShardOffset);
            Assert.Equal(layout.StripeOffset(slice.Stripe) + (long)slice.Cell * layout.CellSize(slice.Stripe) + slice.CellOffset,
                slice.ObjectOffset);
            at += slice.Length;
        }
        Assert.Equal(offset + length, at);
    }, iter: 5000);

    [Fact]
    public void Cut_should_touch_only_cells_that_hold_the_range() => Ranges.Sample(sample =>
    {
        (StripeLayout layout, long offset, long length) = sample;
        HashSet<(long, int)> touched = [.. layout.Cut(offset, length).Select(s => (s.Stripe, s.Cell))];
        HashSet<(long, int)> expected = [];
        for (long s = 0; s < layout.StripeCount; s++)
        {
            for (int k = 0; k < layout.Geometry.K; k++)
            {
                long start = layout.StripeOffset(s) + (long)k * layout.CellSize(s);
                if (length > 0 && start < offset + length && start + layout.CellDataSize(s, k) > offset
                    && layout.CellDataSize(s, k) > 0) expected.Add((s, k));
            }
        }
        Assert.True(expected.SetEquals(touched), $"{layout} {offset}+{length}");
        IndexRange stripes = layout.StripesOf(offset, length);
        Assert.Equal(expected.Select(e => e.Item1).Distinct().Order(), Enumerable.Range(0, (int)stripes.Count)
            .Select(i => stripes.First + i));
    }, iter: 2000);

    [Fact]
    public void Cutting_and_joining_should_reproduce_the_bytes() => Ranges.Sample(sample =>
    {
        (StripeLayout layout, long offset, long length) = sample;
        byte[] content = new byte[layout.ObjectBytes];
        new Random((int)layout.ObjectBytes).NextBytes(content);
        byte[][] shards = new byte[layout.Geometry.K][];
        for (int k = 0; k < shards.Length; k++)
        {
            // Written independently of Cut: object -> shards cell by cell, as an upload does it.
            shards[k] = new byte[layout.ShardBytes];
            for (long s = 0; s < layout.StripeCount; s++)
            {
                int data = layout.CellDataSize(s, k);
                Array.Copy(content, Math.Min(layout.StripeOffset(s) + (long)k * layout.CellSize(s), content.Length),
                    shards[k], layout.CellOffset(s), data);
            }
        }
        byte[] read = new byte[length];
        foreach (CellSlice slice in layout.Cut(offset, length))
            Array.Copy(shards[slice.Cell], slice.ShardOffset, read, slice.ObjectOffset - offset, slice.Length);
        Assert.True(content.AsSpan((int)offset, (int)length).SequenceEqual(read), $"{layout} {offset}+{length}");
    }, iter: 300);

    [Fact]
    public void Small_objects_should_be_cut_right_for_every_range()
    {
        for (int k = 1; k <= 5; k++)
        {
            for (int size = 0; size <= 12; size++)
            {
                StripeLayout layout = new(size, new Geometry(k, 1));
                for (int offset = 0; offset <= size; offset++)
                {
                    for (int length = 0; length <= size - offset; length++)
                    {
                        long[] bytes = [.. layout.Cut(offset, length)
                            .SelectMany(s => Enumerable.Range(0, s.Length).Select(i => s.Cell * (long)layout.CellSize(0) + s.CellOffset + i))];
                        Assert.Equal(Enumerable.Range(offset, length).Select(i => (long)i), bytes);
                    }
                }
            }
        }
    }

    [Fact]
    public void Bad_arguments_should_be_refused()
    {
        Geometry geometry = new(2, 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Geometry(0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Geometry(2, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Geometry(30, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => new StripeLayout(-1, geometry));
        Assert.Throws<ArgumentOutOfRangeException>(() => new StripeLayout(StripeLayout.ObjectBytesMax + 1, geometry));
        Assert.Throws<ArgumentOutOfRangeException>(() => new StripeLayout(1, default));
        StripeLayout layout = new(10, geometry);
        Assert.Throws<ArgumentOutOfRangeException>(() => layout.CellSize(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => layout.CellSize(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => layout.CellDataSize(0, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => layout.StripesOf(5, 6));
        Assert.Throws<ArgumentOutOfRangeException>(() => layout.StripesOf(long.MaxValue, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => layout.StripesOf(-1, 1));
    }

    [Fact]
    public void Largest_object_should_not_overflow()
    {
        StripeLayout layout = new(StripeLayout.ObjectBytesMax, new Geometry(31, 1));
        long last = layout.StripeCount - 1;
        Assert.Equal(layout.ObjectBytes, layout.StripeOffset(last) + layout.StripeSize(last));
        CellSlice slice = Assert.Single(layout.Cut(layout.ObjectBytes - 1, 1));
        Assert.Equal(last, slice.Stripe);
    }
}
