using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;
using Predastore.Shards.Transport;
using Xunit;

namespace Predastore.Shards.Tests.Protocol;

public sealed class FrameSpecs
{
    private static readonly ObjectHash Hash = new([.. Enumerable.Range(0, 32).Select(i => (byte)i)]);
    private static readonly Guid Attempt = new("00112233-4455-6677-8899-aabbccddeeff");
    private static readonly ShardKey Key = new(Hash, 4);
    private static readonly ShardRow Row = new(Key, Attempt, 0x0000_0007_0000_0009, 3, 2, 1_000_000, (UInt128)0x1234 << 112 | 5);
    private static readonly PutShardRequest Put = new(Hash, 4, 0x0000_0007_0000_0009, Attempt, 3, 2, 11, -1);
    private static readonly GetShardRequest Get = new(Hash, 4, 11, 8240, GetShardRequest.ToEnd);

    private static readonly (string Name, FrameType Type, bool Last, byte[] Body, Func<byte[], byte[]> Again)[] Frames =
    [
        ("put-shard", FrameType.PutShard, false, Wire.Encode(Put), b => Wire.Encode(Wire.DecodePutShard(b))),
        ("get-shard", FrameType.GetShard, true, Wire.Encode(Get), b => Wire.Encode(Wire.DecodeGetShard(b))),
        ("delete-shards", FrameType.DeleteShards, true, Wire.Encode(new DeleteShardsRequest(11, [new(Key, Attempt), new(Key, null)])),
            b => Wire.Encode(Wire.DecodeDeleteShards(b))),
        ("stat-shards", FrameType.StatShards, true, Wire.Encode(new StatShardsRequest(11, [Key])), b => Wire.Encode(Wire.DecodeStatShards(b))),
        ("list-shards", FrameType.ListShards, true, Wire.Encode(new ListShardsRequest(11, Hash, ObjectHash.Last, new byte[] { 1, 2, 3 }, 100)),
            b => Wire.Encode(Wire.DecodeListShards(b))),
        ("message", FrameType.Message, false, Wire.EncodeMessage(77), b => Wire.EncodeMessage(Wire.DecodeMessage(b))),
        ("ping", FrameType.Ping, true, Wire.EncodePing(99), b => Wire.EncodePing(Wire.DecodePing(b))),
        ("data", FrameType.Data, false, [1, 2, 3, 4, 5], b => b),
        ("end", FrameType.End, true, [], b => b),
        ("commit", FrameType.Commit, true, Wire.EncodeCommit(1_000_000, 5), b =>
        {
            (long length, UInt128 digest) = Wire.DecodeCommit(b);
            return Wire.EncodeCommit(length, digest);
        }),
        ("abort", FrameType.Abort, true, [], b => b),
        ("accepted", FrameType.Accepted, false, [], b => b),
        ("committed", FrameType.Committed, true, [], b => b),
        ("found", FrameType.Found, false, Wire.EncodeFound(1_000_000, 8240, Attempt), b =>
        {
            (long shard, long range, Guid attempt) = Wire.DecodeFound(b);
            return Wire.EncodeFound(shard, range, attempt);
        }),
        ("deleted", FrameType.Deleted, true, Wire.Encode([DeleteOutcome.Deleted, DeleteOutcome.NotFound, DeleteOutcome.Failed]),
            b => Wire.Encode(Wire.DecodeDeleted(b))),
        ("stats", FrameType.Stats, true, Wire.Encode([Row, (ShardRow?)null]), b => Wire.Encode(Wire.DecodeStats(b))),
        ("rows", FrameType.Rows, true, Wire.Encode(new ShardPage([Row], new byte[] { 9 })), b => Wire.Encode(Wire.DecodeRows(b))),
        ("reply", FrameType.Reply, false, [], b => b),
        ("pong", FrameType.Pong, true, Wire.EncodePing(99), b => Wire.EncodePing(Wire.DecodePing(b))),
        ("error", FrameType.Error, true, Wire.EncodeError(ShardError.Full, "the disk is full ü"), b =>
        {
            ShardException e = Wire.DecodeError(b);
            return Wire.EncodeError(e.Error, e.Message);
        }),
    ];

    [Fact]
    public void Frames_should_have_their_golden_bytes_for_ever()
    {
        string path = Path.Join(AppContext.BaseDirectory, "golden", "shard-frames-v1.txt");
        Dictionary<string, string> golden = File.ReadAllLines(path).Select(l => l.Split(' ')).ToDictionary(p => p[0], p => p[1]);
        Assert.All(Frames, f => Assert.Equal((f.Name, golden[f.Name]), (f.Name, Convert.ToHexStringLower(Bytes(f.Type, f.Last, 3, f.Body)))));
        Assert.Equal(golden.Count, Frames.Length);
        // Every type is pinned, so a new one cannot be added without its bytes.
        Assert.Equal(Enum.GetValues<FrameType>().Order(), Frames.Select(f => f.Type).Order());
    }

    [Fact]
    public void Bodies_should_decode_to_what_they_were() => Assert.All(Frames, f => Assert.Equal(f.Body, f.Again(f.Body)));

    [Fact]
    public void Bodies_should_be_refused_when_cut_or_longer()
    {
        foreach (var frame in Frames.Where(f => f.Type != FrameType.Data && f.Body.Length > 0))
        {
            for (int length = 0; length < frame.Body.Length; length++)
            {
                byte[] cut = frame.Body[..length];
                Assert.Equal(FrameFault.BadBody, Assert.Throws<FrameException>(() => frame.Again(cut)).Fault);
            }
            Assert.Throws<FrameException>(() => frame.Again([.. frame.Body, 0]));
        }
    }

    [Fact]
    public void Lying_counts_should_be_refused_before_memory_is_taken()
    {
        byte[] lie = Wire.Encode(new StatShardsRequest(1, [Key]));
        lie[4] = 0xFF;
        Assert.Throws<FrameException>(() => Wire.DecodeStatShards(lie));
        lie[4] = 0;
        lie[6] = 0x10;
        Assert.Throws<FrameException>(() => Wire.DecodeStatShards(lie));
        Assert.Throws<ShardException>(() => Wire.Encode(new StatShardsRequest(1, new ShardKey[ProtocolLimits.BatchMax + 1])));
    }

    [Fact]
    public void Full_batches_should_fit_into_a_frame()
    {
        var rows = new ShardRow[ProtocolLimits.BatchMax];
        Assert.InRange(Wire.Encode(new ShardPage(rows, new byte[ProtocolLimits.CursorBytesMax])).Length, 1, ProtocolLimits.FrameBodyBytesMax);
        var stats = new ShardRow?[ProtocolLimits.BatchMax];
        Array.Fill(stats, Row);
        Assert.InRange(Wire.Encode(stats).Length, 1, ProtocolLimits.FrameBodyBytesMax);
        var deletes = new ShardToDelete[ProtocolLimits.BatchMax];
        Assert.InRange(Wire.Encode(new DeleteShardsRequest(1, deletes)).Length, 1, ProtocolLimits.FrameBodyBytesMax);
    }

    [Fact]
    public void Geometry_that_cannot_be_should_be_refused()
    {
        Assert.Throws<FrameException>(() => Wire.DecodePutShard(Wire.Encode(Put with { K = 0 })));
        Assert.Throws<FrameException>(() => Wire.DecodePutShard(Wire.Encode(Put with { ShardIndex = 5 })));
        Assert.Throws<FrameException>(() => Wire.DecodePutShard(Wire.Encode(Put with { SizeHint = -2 })));
        Assert.Throws<FrameException>(() => Wire.DecodeGetShard(Wire.Encode(Get with { Offset = -1 })));
    }

    [Fact]
    public void Long_error_text_should_be_cut_between_characters()
    {
        ShardException cut = Wire.DecodeError(Wire.EncodeError(ShardError.Failed, new string('ü', 2000)));
        Assert.Equal(new string('ü', ProtocolLimits.ErrorTextBytesMax / 2), cut.Message);
        Assert.Equal(ShardError.Failed, Wire.DecodeError([0xFF, 0xFF, 0, 0]).Error);
    }

    [Theory]
    [InlineData(0, 0x47, FrameFault.BadMagic)]
    [InlineData(2, 2, FrameFault.BadVersion)]
    [InlineData(3, 6, FrameFault.BadChecksum)]
    [InlineData(5, 0x20, FrameFault.BadChecksum)]
    [InlineData(11, 9, FrameFault.BadChecksum)]
    [InlineData(15, 9, FrameFault.BadChecksum)]
    public void Damaged_header_should_be_named(int offset, byte value, FrameFault fault)
    {
        byte[] frame = Bytes(FrameType.Ping, true, 0, new byte[8]);
        frame[offset] = value;
        Assert.Equal(fault, Assert.Throws<FrameException>(() => FrameHeader.Read(frame)).Fault);
    }

    [Fact]
    public void Oversized_frame_should_be_refused_by_its_header_alone()
    {
        byte[] header = new byte[FrameHeader.Size];
        new FrameHeader(FrameType.Data, false, ProtocolLimits.FrameBodyBytesMax + 1, 0).Write(header);
        Assert.Equal(FrameFault.TooLong, Assert.Throws<FrameException>(() => FrameHeader.Read(header)).Fault);
    }

    [Fact]
    public async Task Reader_should_read_frames_that_arrive_in_crumbs()
    {
        byte[] input = [.. Bytes(FrameType.Data, false, 0, new byte[1000]), .. Bytes(FrameType.Ping, true, 1, Wire.EncodePing(5))];
        using var reader = new FrameReader(new ScriptStream(input, stepBytes: 3));
        Assert.Equal(1000, (await reader.NextAsync(default)).Length);
        await reader.ReadExactlyAsync(new byte[1000], default);
        Assert.Equal(FrameType.Ping, (await reader.NextAsync(default)).Type);
        Assert.Equal(5u, Wire.DecodePing((await reader.ReadControlAsync(8, default)).Span));
        Assert.True(reader.Ended);
    }

    [Fact]
    public async Task Reader_should_refuse_what_is_repeated_missing_or_cut()
    {
        byte[] frame = Bytes(FrameType.Data, false, 0, [1]);
        Assert.Equal(FrameFault.OutOfSequence, await FaultOfAsync([.. frame, .. frame]));
        Assert.Equal(FrameFault.OutOfSequence, await FaultOfAsync(Bytes(FrameType.Data, false, 1, [1])));
        for (int length = 0; length < frame.Length; length++) Assert.Equal(FrameFault.Truncated, await FaultOfAsync(frame[..length]));
        Assert.Equal(FrameFault.Unexpected, await FaultOfAsync(Bytes(FrameType.End, true, 0, [])));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_504)]
    [InlineData(65_520)]
    [InlineData(65_521)]
    [InlineData(131_072)]
    [InlineData(1_048_576)]
    public async Task Writer_should_write_any_length_of_body(int length)
    {
        byte[] body = new byte[length];
        new Random(length).NextBytes(body);
        var stream = new ScriptStream([]);
        using var writer = new FrameWriter(stream);
        await writer.WriteAsync(FrameType.Data, body, false, default);
        await writer.WriteAsync(FrameType.Data, body, true, default);
        Assert.True(stream.Ended);
        Assert.Equal([.. Bytes(FrameType.Data, false, 0, body), .. Bytes(FrameType.Data, true, 1, body)], stream.Output);
    }

    internal static byte[] Bytes(FrameType type, bool last, uint sequence, byte[] body)
    {
        byte[] frame = new byte[FrameHeader.Size + body.Length];
        new FrameHeader(type, last, body.Length, sequence).Write(frame);
        body.CopyTo(frame, FrameHeader.Size);
        return frame;
    }

    private static async Task<FrameFault> FaultOfAsync(byte[] input)
    {
        using var reader = new FrameReader(new ScriptStream(input));
        var fault = await Assert.ThrowsAsync<FrameException>(async () =>
        {
            while (true)
            {
                FrameHeader header = await reader.NextAsync(default);
                await reader.ReadExactlyAsync(new byte[header.Length], default);
            }
        });
        Assert.True(reader.Faulted);
        return fault.Fault;
    }
}
