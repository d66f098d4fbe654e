using System.IO.Pipelines;
using Google.Protobuf;
using Predastore.Actors.Metadata;
using Predastore.Actors.Streams;

namespace Predastore.Actors.Tests.Streams;

public sealed class PieceListSpecs
{
    private const int Parts = 20;
    private const int PartBytes = 600_000;

    [Fact]
    public async Task Readers_should_not_grow_with_the_parts_that_were_read()
    {
        await using var fixture = new StreamFixture(2, 1, 3);
        byte[] body = StreamFixture.Bytes(Parts * PartBytes, 1);
        QueryResult version = await VersionAsync(fixture, body);
        using var pieces = new PieceList(fixture.Context, version, 0, body.Length);
        var output = new Pipe(new PipeOptions(pauseWriterThreshold: 0));

        // Two pieces a part, and each read when the two after it were asked for.
        var ahead = new Queue<PieceRead>();
        while (await pieces.NextAsync(CancellationToken.None) is { } read)
        {
            ahead.Enqueue(read);
            Assert.InRange(pieces.Readers, 1, 3);
            if (ahead.Count == 3)
                await WriteAsync(ahead.Dequeue(), output.Writer);
        }

        while (ahead.TryDequeue(out PieceRead? read))
            await WriteAsync(read, output.Writer);
        Assert.Equal(1, pieces.Readers);
        await output.Writer.CompleteAsync();
        using var result = new MemoryStream();
        await output.Reader.CopyToAsync(result);
        Assert.Equal(body, result.ToArray());
    }

    [Fact]
    public async Task Disposing_should_end_the_readers_of_pieces_that_were_never_read()
    {
        await using var fixture = new StreamFixture(2, 1, 3);
        QueryResult version = await VersionAsync(fixture, StreamFixture.Bytes(3 * PartBytes, 2));
        var pieces = new PieceList(fixture.Context, version, 0, 3 * PartBytes);
        while (await pieces.NextAsync(CancellationToken.None) is not null)
        {
        }

        Assert.Equal(3, pieces.Readers);
        pieces.Dispose();
        Assert.Equal(0, pieces.Readers);
    }

    private static async Task WriteAsync(PieceRead read, PipeWriter output)
    {
        using (IPiece piece = await read(CancellationToken.None))
            piece.WriteTo(output);
        await output.FlushAsync();
    }

    private static async Task<QueryResult> VersionAsync(StreamFixture fixture, byte[] body)
    {
        var version = new QueryResult
        {
            Bucket = fixture.Bucket,
            Version = new VersionRow { Size = (ulong)body.Length, UploadId = ByteString.CopyFrom(new byte[16]) },
        };
        for (int at = 0; at < body.Length; at += PartBytes)
        {
            await using StagedShards staged = await fixture.UploadAsync(body[at..(at + PartBytes)]);
            staged.HandOver();
            version.Parts.Add(new Part
            {
                Row = new PartRow { Offset = (ulong)at, Size = PartBytes, DataId = staged.Row.DataId },
                Data = staged.Row,
            });
        }

        return version;
    }
}
