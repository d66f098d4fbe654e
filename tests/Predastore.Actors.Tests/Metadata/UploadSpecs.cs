using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Predastore.Shards.Codec;
using Predastore.Actors.Metadata;
using Predastore.Actors.Metadata.Apply;
using Xunit;

namespace Predastore.Actors.Tests.Metadata;

public sealed class UploadSpecs : IDisposable
{
    private readonly Bench _bench = new();
    private readonly BucketRow _bucket;

    public UploadSpecs() => _bucket = _bench.Bucket();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Complete_should_join_the_named_parts_and_drop_the_others()
    {
        ByteString id = Create();
        Part(id, 1, 10);
        Part(id, 2, 20);
        Part(id, 5, 30);
        CommandResult done = Complete(id, 1, 5);
        Assert.Equal(ResultCode.ResultOk, done.Code);
        Assert.Equal(40UL, done.Version.Size);
        Assert.Equal(2u, done.Version.Parts);
        byte[] md5s = [.. MD5.HashData(Encoding.UTF8.GetBytes("1")), .. MD5.HashData(Encoding.UTF8.GetBytes("5"))];
        Assert.Equal(Convert.ToHexStringLower(MD5.HashData(md5s)) + "-2", done.Version.Etag);
        Assert.Single(_bench.Garbage());

        QueryResult read = _bench.Ask(new Query { GetVersion = new GetVersion { Bucket = "b", Key = "k", WithData = true, Offset = 10 } });
        Part part = Assert.Single(read.Parts);
        Assert.Equal((5u, 10UL, 30UL), (part.Row.Number, part.Row.Offset, part.Data.Size));
        read = _bench.Ask(new Query { GetVersion = new GetVersion { Bucket = "b", Key = "k", WithData = true, Suffix = 31 } });
        Assert.Equal(2, read.Parts.Count);
        Assert.Equal(0UL, _bench.Counters().OpenUploads);
        Assert.Equal(ResultCode.ResultNoSuchUpload, _bench.Ask(new Query { ListParts = new ListParts { Bucket = "b", Key = "k", UploadId = id, Limit = 9 } }).Code);
    }

    [Fact]
    public void Copy_of_parts_should_be_refused_with_the_key_of_a_part_that_was_written_anew_since()
    {
        ByteString id = Create();
        Part(id, 1, 10);
        Part(id, 2, 20);
        VersionRow source = Complete(id, 1, 2).Version;
        BucketRow other = _bench.Bucket("other");
        CommandResult Copy(IEnumerable<DataRow> read) => _bench.Execute(new Command
        {
            PutVersion = new PutVersion
            {
                Bucket = "other", BucketId = other.Id, Version = new VersionRow { Key = "copy" },
                Source = new CopySource
                {
                    BucketId = source.BucketId, Key = source.Key, Position = source.Position,
                    Keys = { read.Select(row => new DataKey { DataId = row.DataId, ObjectHash = row.ObjectHash, Key = new WrappedKey { BucketId = other.Id, Blob = Bench.Bytes("x") } }) },
                },
            },
        });
        DataRow[] Rows() => [.. _bench.Ask(new Query { GetVersion = new GetVersion { Bucket = "b", Key = "k", WithData = true } }).Parts.Select(part => part.Data)];
        DataRow[] before = Rows();
        ulong writeId = _bench.NextWriteId();
        var replace = new ReplaceData { DataId = before[1].DataId, Generation = before[1].Generation, Data = Bench.Data(writeId, _bucket.Id, 20) };
        Assert.Equal(ResultCode.ResultOk, _bench.Execute(new Command { WriteId = writeId, ReplaceData = replace }).Code);

        Assert.Equal(ResultCode.ResultRewritten, Copy(before).Code);
        Assert.All(Rows(), row => Assert.Single(row.Keys));
        Assert.Equal(ResultCode.ResultOk, Copy(Rows()).Code);
        Assert.All(Rows(), row => Assert.Equal(2, row.Keys.Count));
    }

    [Fact]
    public void Complete_should_answer_a_repeat_alike()
    {
        ByteString id = Create();
        Part(id, 1, 10);
        Part(id, 2, 10);
        CommandResult first = Complete(id, 1);
        CommandResult again = Complete(id, 1);
        Assert.Equal(ResultCode.ResultOk, again.Code);
        Assert.Equal(first.Version, again.Version);
        Assert.Equal(1UL, _bench.Counters().Versions);
        Assert.Equal(ResultCode.ResultNoSuchUpload, Complete(id, 1, 2).Code);
    }

    [Fact]
    public void Complete_should_refuse_wrong_lists_and_stay_open()
    {
        ByteString id = Create();
        Part(id, 1, 10);
        Part(id, 2, 10);
        Assert.Equal(ResultCode.ResultInvalidPartOrder, Complete(id, 2, 1).Code);
        Assert.Equal(ResultCode.ResultInvalidPart, Complete(id, 1, 3).Code);
        Assert.Equal(ResultCode.ResultEntityTooSmall, _bench.Execute(CompleteCommand(id, 11, 1, 2)).Code);
        Command size = CompleteCommand(id, 0, 1, 2);
        size.CompleteUpload.ExpectedSize = 21;
        Assert.Equal(ResultCode.ResultInvalidRequest, _bench.Execute(size).Code);
        Command wrong = CompleteCommand(id, 0, 1);
        wrong.CompleteUpload.Parts[0].Etag = "00";
        Assert.Equal(ResultCode.ResultInvalidPart, _bench.Execute(wrong).Code);
        Command condition = CompleteCommand(id, 0, 1);
        condition.CompleteUpload.Preconditions = new Preconditions { IfMatch = { "x" } };
        Assert.Equal(ResultCode.ResultNoSuchKey, _bench.Execute(condition).Code);
        Assert.Equal(ResultCode.ResultOk, _bench.Execute(CompleteCommand(id, 10, 1, 2)).Code);
    }

    [Fact]
    public void Packed_list_should_complete_ten_thousand_parts_in_one_entry()
    {
        ByteString id = Create();
        Part(id, 1, 10);
        Part(id, 2, 10);
        List<CompletePart> parts = [.. CompleteCommand(id, 0, 1, 2).CompleteUpload.Parts];
        var complete = new CompleteUpload { Bucket = "b", Key = "k", UploadId = id, PackedParts = PackedParts.TryPack(parts) };
        Assert.Equal(20UL, _bench.Execute(new Command { CompleteUpload = complete }).Version.Size);
        Assert.True(PackedParts.PartBytes * 10_000 < 200 << 10);
    }

    [Fact]
    public void Deleted_multipart_object_should_be_one_garbage_row_that_expands_in_steps()
    {
        ByteString id = Create();
        for (uint n = 1; n <= 5; n++) Part(id, n, 10);
        Complete(id, 1, 2, 3, 4, 5);
        _bench.Delete("b", "k");
        GarbageRow row = Assert.Single(_bench.Garbage());
        Assert.Equal(id, row.UploadId);
        Assert.Equal(5, _bench.Ask(new Query { ReadParts = new ReadParts { UploadId = id } }).Parts.Count);
        var expand = new Command { ExpandGarbage = new ExpandGarbage { Row = new GarbageKey { Index = row.Index, Id = row.Id }, Limit = 3 } };
        _bench.Execute(expand.Clone());
        Assert.Equal(4, _bench.Garbage().Count);
        _bench.Execute(expand.Clone());
        List<GarbageRow> left = _bench.Garbage();
        Assert.Equal(5, left.Count);
        Assert.All(left, r => Assert.NotNull(r.Data));
        var collect = new CollectGarbage();
        collect.Rows.AddRange(left.Select(r => new GarbageKey { Index = r.Index, Id = r.Id }));
        _bench.Execute(new Command { CollectGarbage = collect });
        Assert.Equal(0UL, _bench.Counters().GarbageRows);
        Assert.Equal(0UL, _bench.Counters().DataRows);
    }

    [Fact]
    public void Expansion_should_wait_for_a_reader_of_the_parts()
    {
        ByteString id = Create();
        Part(id, 1, 10);
        Complete(id, 1);
        ulong read = _bench.Index;
        _bench.Delete("b", "k");
        ulong deleted = _bench.Index;
        _bench.Execute(new Command { ReportSession = new ReportSession { Session = _bench.Session, OldestRead = read } });
        var expand = new Command { ExpandGarbage = new ExpandGarbage { Row = new GarbageKey { Index = deleted, Id = id } } };
        Assert.Equal(ResultCode.ResultConflict, _bench.Execute(expand).Code);
        Assert.Single(_bench.Ask(new Query { ReadParts = new ReadParts { UploadId = id } }).Parts);
    }

    [Fact]
    public void Abort_and_bucket_deletion_should_turn_uploads_into_garbage()
    {
        ByteString one = Create();
        Part(one, 1, 10);
        ByteString two = Create("other");
        Part(two, 1, 10);
        Assert.Equal(ResultCode.ResultOk, Abort(one).Code);
        Assert.Equal(ResultCode.ResultNoSuchUpload, Abort(one).Code);
        Assert.Equal(ResultCode.ResultNoSuchUpload, Part(one, 2, 10).Code);
        Assert.Equal(ResultCode.ResultOk, _bench.Execute(new Command { DeleteBucket = new DeleteBucket { Name = "b" } }).Code);
        Assert.Equal(2, _bench.Garbage().Count);
        Assert.Equal(0UL, _bench.Counters().OpenUploads);
    }

    [Fact]
    public void Part_that_is_named_twice_should_be_the_one_that_ended_last()
    {
        ByteString id = Create();
        Part(id, 1, 10);
        Command complete = CompleteCommand(id, 0, 1, 1);
        complete.CompleteUpload.Parts[0].Etag = EtagOf(2);
        complete.CompleteUpload.Parts[1].Etag = EtagOf(3);
        Assert.Equal(ResultCode.ResultInvalidPart, _bench.Execute(complete).Code);
        complete.CompleteUpload.Parts[1].Etag = EtagOf(1);
        CommandResult done = _bench.Execute(complete);
        Assert.Equal((ResultCode.ResultOk, 10UL, 1u), (done.Code, done.Version.Size, done.Version.Parts));
    }

    [Fact]
    public void Part_put_again_should_replace_the_old_one()
    {
        ByteString id = Create();
        Part(id, 1, 10);
        Part(id, 1, 30);
        Assert.Single(_bench.Garbage());
        Assert.Equal(30UL, Complete(id, 1).Version.Size);
    }

    [Theory]
    [InlineData(ChecksumAlgorithm.ChecksumCrc32, CrcKind.Crc32)]
    [InlineData(ChecksumAlgorithm.ChecksumCrc32C, CrcKind.Crc32C)]
    [InlineData(ChecksumAlgorithm.ChecksumCrc64Nvme, CrcKind.Crc64Nvme)]
    public void Full_object_checksum_should_equal_that_of_the_joined_bytes(ChecksumAlgorithm algorithm, CrcKind kind)
    {
        byte[] text = Encoding.UTF8.GetBytes("123456789");
        ByteString id = Create(algorithm: algorithm);
        Checksum Of(ReadOnlySpan<byte> bytes)
        {
            byte[] value = new byte[Checksums.SizeBytes(kind)];
            Checksums.Write(kind, Checksums.Compute(kind, bytes), value);
            return new Checksum { Algorithm = algorithm, Value = ByteString.CopyFrom(value) };
        }

        Part(id, 1, 4, Of(text.AsSpan(0, 4)));
        Part(id, 2, 5, Of(text.AsSpan(4)));
        Command complete = CompleteCommand(id, 0, 1, 2);
        complete.CompleteUpload.ExpectedChecksum = Of("other"u8);
        Assert.Equal(ResultCode.ResultBadDigest, _bench.Execute(complete).Code);
        complete.CompleteUpload.ExpectedChecksum = Of(text);
        Assert.Equal(Of(text).Value, _bench.Execute(complete).Version.Checksum.Value);
    }

    [Fact]
    public void Composite_checksum_should_be_the_hash_of_the_digests()
    {
        ByteString id = Create(algorithm: ChecksumAlgorithm.ChecksumSha256, type: ChecksumType.ChecksumComposite);
        byte[] a = SHA256.HashData("a"u8);
        byte[] b = SHA256.HashData("b"u8);
        Part(id, 1, 1, new Checksum { Algorithm = ChecksumAlgorithm.ChecksumSha256, Value = ByteString.CopyFrom(a) });
        Part(id, 2, 1, new Checksum { Algorithm = ChecksumAlgorithm.ChecksumSha256, Value = ByteString.CopyFrom(b) });
        Checksum sum = Complete(id, 1, 2).Version.Checksum;
        Assert.Equal(ChecksumType.ChecksumComposite, sum.Type);
        Assert.Equal(SHA256.HashData([.. a, .. b]), sum.Value.ToByteArray());
    }

    private ByteString Create(
        string key = "k", ChecksumAlgorithm algorithm = ChecksumAlgorithm.ChecksumNone, ChecksumType type = ChecksumType.ChecksumFullObject) =>
        _bench.Execute(new Command
        {
            CreateUpload = new CreateUpload
            {
                Bucket = "b", BucketId = _bucket.Id, Upload = new UploadRow { Key = key, ChecksumAlgorithm = algorithm, ChecksumType = type },
            },
        }).UploadId;

    private CommandResult Part(ByteString id, uint number, ulong size, Checksum? checksum = null)
    {
        ulong writeId = _bench.NextWriteId();
        string key = _bench.Ask(new Query { ListUploads = new ListUploads { Bucket = "b", Limit = 99 } }).Entries
            .FirstOrDefault(e => e.Upload.UploadId == id)?.Upload.Key ?? "k";
        return _bench.Execute(new Command
        {
            WriteId = writeId,
            PutPart = new PutPart
            {
                Bucket = "b", BucketId = _bucket.Id, Key = key, UploadId = id,
                Part = new PartRow { Number = number, Etag = EtagOf(number), Checksum = checksum },
                Data = Bench.Data(writeId, _bucket.Id, size),
            },
        });
    }

    private static string EtagOf(uint number) =>
        Convert.ToHexStringLower(MD5.HashData(Encoding.UTF8.GetBytes(number.ToString(System.Globalization.CultureInfo.InvariantCulture))));

    private static Command CompleteCommand(ByteString id, ulong bytesMin, params uint[] numbers)
    {
        var complete = new CompleteUpload { Bucket = "b", Key = "k", UploadId = id, PartBytesMin = bytesMin };
        complete.Parts.AddRange(numbers.Select(n => new CompletePart { Number = n, Etag = EtagOf(n) }));
        return new Command { CompleteUpload = complete };
    }

    private CommandResult Complete(ByteString id, params uint[] numbers) => _bench.Execute(CompleteCommand(id, 0, numbers));

    private CommandResult Abort(ByteString id) =>
        _bench.Execute(new Command { AbortUpload = new AbortUpload { Bucket = "b", Key = "k", UploadId = id } });
}
