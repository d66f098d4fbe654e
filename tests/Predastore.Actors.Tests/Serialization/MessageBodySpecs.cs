using Predastore.Actors.Serialization;
using Predastore.Shards.Protocol;
using Xunit;

namespace Predastore.Actors.Tests.Serialization;

public sealed class MessageBodySpecs
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    public async Task Body_up_to_the_limit_should_be_read_whole(int bytes)
    {
        byte[] body = new byte[bytes];
        Random.Shared.NextBytes(body);
        ReadOnlyMemory<byte> read = await MessageBody.ReadAsync(new MemoryStream(body), 100_000, "request", CancellationToken.None);
        Assert.Equal(body, read.ToArray());
    }

    [Fact]
    public async Task Body_without_end_should_be_refused_once_it_is_over_the_limit()
    {
        var input = new Endless();
        ShardException error = await Assert.ThrowsAsync<ShardException>(
            () => MessageBody.ReadAsync(input, 100_000, "request", CancellationToken.None));
        Assert.Equal(ShardError.TooLarge, error.Error);
        Assert.InRange(input.Position, 100_001, 300_000);
    }

    private sealed class Endless : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get; set; }

        public override int Read(byte[] buffer, int offset, int count)
        {
            Position += count;
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
