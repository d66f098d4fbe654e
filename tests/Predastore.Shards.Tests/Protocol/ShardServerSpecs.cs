using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;
using Predastore.Shards.Transport;
using Xunit;

namespace Predastore.Shards.Tests.Protocol;

/// <summary>What a hostile peer of the cluster can send: an answer or an abort, never an exception, never a stored shard.</summary>
public sealed class ShardServerSpecs
{
    private static readonly PeerIdentity Hostile = new(9, TransportKind.Tls, null);
    private static readonly PutShardRequest Put = ShardCluster.NewPut(new Random(5));
    private static readonly byte[] PutFrame = Frame(FrameType.PutShard, false, 0, Wire.Encode(Put));
    private static readonly byte[] DataFrame = Frame(FrameType.Data, false, 1, new byte[100]);
    private static readonly byte[] CommitFrame = Frame(FrameType.Commit, true, 2, Wire.EncodeCommit(100, 1));

    private readonly MemoryShardService _service = new();

    [Fact]
    public async Task Put_should_be_committed_by_its_three_frames()
    {
        (ScriptStream stream, _) = await ServeAsync([.. PutFrame, .. DataFrame, .. CommitFrame]);
        Assert.Equal([.. Frame(FrameType.Accepted, false, 0, []), .. Frame(FrameType.Committed, true, 1, [])], stream.Output);
        Assert.Equal(1, _service.Count);
        Assert.False(stream.Aborted);
    }

    [Fact]
    public async Task Lying_length_should_not_commit()
    {
        byte[] lie = Frame(FrameType.Commit, true, 2, Wire.EncodeCommit(101, 1));
        (_, ShardError? error) = await ServeAsync([.. PutFrame, .. DataFrame, .. lie]);
        Assert.Equal((ShardError.Mismatch, 0, 1), (error, _service.Count, _service.Aborted));
    }

    [Theory]
    [InlineData(FrameType.Commit)]
    [InlineData(FrameType.Data)]
    [InlineData(FrameType.Committed)]
    [InlineData(FrameType.Error)]
    [InlineData((FrameType)0x7F)]
    public async Task Frames_should_not_begin_an_exchange_that_are_no_requests(FrameType type)
    {
        (_, ShardError? error) = await ServeAsync(Frame(type, true, 0, new byte[24]));
        Assert.Equal(ShardError.Malformed, error);
    }

    [Fact]
    public async Task Replayed_frames_should_be_refused()
    {
        Assert.Equal(ShardError.Malformed, (await ServeAsync([.. PutFrame, .. DataFrame, .. DataFrame, .. CommitFrame])).Error);
        Assert.Equal(ShardError.Malformed, (await ServeAsync([.. PutFrame, .. PutFrame])).Error);
        // A commit of one exchange replayed into another, and a get's frame in the middle of a put.
        Assert.Equal(ShardError.Malformed, (await ServeAsync([.. PutFrame, .. CommitFrame])).Error);
        byte[] get = Frame(FrameType.GetShard, true, 1, Wire.Encode(new GetShardRequest(Put.ObjectHash, 2, 1, 0, 1)));
        Assert.Equal(ShardError.Malformed, (await ServeAsync([.. PutFrame, .. get])).Error);
        Assert.Equal(0, _service.Count);
    }

    [Fact]
    public async Task Oversized_control_frame_should_be_refused_unread()
    {
        byte[] header = Frame(FrameType.Ping, true, 0, new byte[ProtocolLimits.ControlBytesMax + 1]);
        Assert.Equal(ShardError.TooLarge, (await ServeAsync(header)).Error);
    }

    [Fact]
    public async Task Request_that_should_be_last_but_is_not_should_be_refused()
    {
        Assert.Equal(ShardError.Malformed, (await ServeAsync(Frame(FrameType.Ping, false, 0, Wire.EncodePing(1)))).Error);
        Assert.Equal(ShardError.Malformed, (await ServeAsync(Frame(FrameType.PutShard, true, 0, Wire.Encode(Put)))).Error);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")]
    [InlineData("x")]
    public async Task Other_protocols_should_be_refused(string text)
    {
        (ScriptStream stream, ShardError? error) = await ServeAsync(System.Text.Encoding.ASCII.GetBytes(text));
        Assert.True(error == ShardError.Malformed || stream.Aborted);
    }

    [Fact]
    public async Task Damaged_exchanges_should_never_store_or_escape()
    {
        const int seed = 20_261;
        var random = new Random(seed);
        byte[][] exchanges =
        [
            [.. PutFrame, .. DataFrame, .. CommitFrame],
            Frame(FrameType.GetShard, true, 0, Wire.Encode(new GetShardRequest(Put.ObjectHash, 2, 1, 0, 1))),
            Frame(FrameType.DeleteShards, true, 0, Wire.Encode(new DeleteShardsRequest(1, [new(Put.Key, null)]))),
            Frame(FrameType.StatShards, true, 0, Wire.Encode(new StatShardsRequest(1, [Put.Key]))),
            Frame(FrameType.ListShards, true, 0, Wire.Encode(new ListShardsRequest(1, ObjectHash.First, ObjectHash.Last, default, 10))),
            [.. Frame(FrameType.Message, false, 0, Wire.EncodeMessage(1)), .. DataFrame, .. Frame(FrameType.End, true, 2, [])],
        ];
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = [.. exchanges[random.Next(exchanges.Length)]];
            int cut = random.Next(4) == 0 ? random.Next(bytes.Length) : bytes.Length;
            bytes = bytes[..cut];
            // Damage to a header: damage to a body is the sealed fragments' to find.
            if (bytes.Length > 0) bytes[random.Next(Math.Min(16, bytes.Length))] ^= (byte)(1 << random.Next(8));
            (ScriptStream stream, ShardError? error) = await ServeAsync(bytes);
            Assert.True(stream.Aborted || error is not null, $"seed {seed}, round {i}: {Convert.ToHexString(bytes)}");
        }
        Assert.Equal(0, _service.Count);
    }

    private async Task<(ScriptStream Stream, ShardError? Error)> ServeAsync(byte[] input)
    {
        var stream = new ScriptStream(input);
        await new ShardServer(_service).HandleAsync(stream, Hostile, default);
        using var reader = new FrameReader(new ScriptStream(stream.Output));
        ShardError? error = null;
        while (!reader.Ended && stream.Output.Length > 0)
        {
            FrameHeader header;
            try
            {
                header = await reader.NextAsync(default);
            }
            catch (FrameException e) when (e.Fault == FrameFault.Truncated && stream.Aborted)
            {
                break;
            }
            byte[] body = new byte[header.Length];
            await reader.ReadExactlyAsync(body, default);
            if (header.Type == FrameType.Error) error = Wire.DecodeError(body).Error;
        }
        return (stream, error);
    }

    private static byte[] Frame(FrameType type, bool last, uint sequence, byte[] body) => FrameSpecs.Bytes(type, last, sequence, body);
}
