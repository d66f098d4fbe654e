using Predastore.Http.Protocol;

namespace Predastore.Http.Tests.Protocol;

public sealed class ByteRangeSpecs
{
    [Theory]
    [InlineData("bytes=0-0", 10, 0, 1)]
    [InlineData("bytes=2-5", 10, 2, 4)]
    [InlineData("bytes=2-", 10, 2, 8)]
    [InlineData("bytes=-3", 10, 7, 3)]
    [InlineData("bytes=-30", 10, 0, 10)]
    [InlineData("bytes=5-99", 10, 5, 5)]
    public void Range_should_be_cut_to_the_object(string header, long size, long offset, long length)
    {
        Assert.True(ByteRange.TryParse(header, out ByteRange range));
        Assert.True(range.TryResolve(size, out long from, out long count));
        Assert.Equal((offset, length), (from, count));
    }

    [Theory]
    [InlineData("bytes=10-")]
    [InlineData("bytes=-0")]
    public void Range_without_a_byte_of_the_object_should_not_resolve(string header)
    {
        Assert.True(ByteRange.TryParse(header, out ByteRange range));
        Assert.False(range.TryResolve(10, out _, out _));
    }

    [Theory]
    [InlineData("bytes=5-2")]
    [InlineData("bytes=1-2,4-5")]
    [InlineData("bytes=a-b")]
    [InlineData("items=1-2")]
    [InlineData(null)]
    public void Malformed_or_several_ranges_should_be_no_range(string? header) => Assert.False(ByteRange.TryParse(header, out _));
}
