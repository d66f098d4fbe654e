using System.Security.Cryptography;
using Google.Protobuf;
using Predastore.Actors.Metadata.Storage;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Metadata.Apply;

/// <content>Multipart uploads up to their end; Complete has a file of its own.</content>
internal sealed partial class CommandApplier
{
    private const uint PartNumberMax = 10_000;

    private CommandResult Create(CreateUpload create)
    {
        BucketRow? bucket = BucketFor(create.Bucket, create.BucketId);
        if (bucket is null) return Refuse(ResultCode.ResultNoSuchBucket);
        if (create.Upload is not { } row || !ValidKey(row.Key)) return Refuse(ResultCode.ResultInvalidArgument, "key");
        if (CheckLock(bucket, row.Retention, row.LegalHold) is { } locked) return locked;
        row.UploadId = UploadIdAt(NextPosition());
        row.BucketId = bucket.Id;
        row.CreatedMs = TimeMs;
        row.State = UploadState.UploadOpen;
        row.References = 0;
        row.CompletedDigest = ByteString.Empty;
        row.Completed = null;
        _rows.PutUpload(row);
        byte[] created = new byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(created, row.CreatedMs);
        _rows.PutRaw(KeySchema.OpenUpload(row.BucketId, row.Key, row.UploadId.Span), created);
        _rows.Counters().OpenUploads++;
        return new CommandResult { UploadId = row.UploadId, Upload = row };
    }

    // First 16 bytes of SHA-256(cluster id || "upload" || position): unguessable enough not to be met by accident, and the same on
    // every replica.
    private ByteString UploadIdAt(Position position)
    {
        ByteString cluster = _rows.Cluster()!.ClusterId;
        byte[] input = [.. cluster.Span, .. "upload"u8, .. new byte[KeySchema.PositionBytes]];
        KeySchema.WritePosition(input.AsSpan(input.Length - KeySchema.PositionBytes), position);
        return ByteString.CopyFrom(SHA256.HashData(input), 0, KeySchema.UploadIdBytes);
    }

    private UploadRow? OpenUploadOf(string bucketName, ulong bucketId, string key, ByteString uploadId)
    {
        BucketRow? bucket = BucketFor(bucketName, bucketId);
        if (bucket is null || uploadId.Length != KeySchema.UploadIdBytes) return null;
        UploadRow? row = _rows.Upload(uploadId);
        return row is { State: UploadState.UploadOpen } && row.BucketId == bucket.Id && row.Key == key ? row : null;
    }

    private CommandResult Put(PutPart put)
    {
        if (BucketFor(put.Bucket, put.BucketId) is not { } bucket) return Refuse(ResultCode.ResultNoSuchBucket);
        if (OpenUploadOf(put.Bucket, put.BucketId, put.Key, put.UploadId) is null) return Refuse(ResultCode.ResultNoSuchUpload);
        if (put.Part is not { Number: >= 1 and <= PartNumberMax } part) return Refuse(ResultCode.ResultInvalidArgument, "part number");
        InlineData? inline = part.Inline;
        part.ClearData();
        part.UploadId = put.UploadId;
        part.Offset = 0;
        if (put.Source is not null)
        {
            if (FindSource(put.Source) is not { } from) return SourceGone();
            if (from.DataCase != VersionRow.DataOneofCase.DataId)
                return Refuse(ResultCode.ResultInvalidArgument, "only a single data row can be referred to by a part");
            DataRow shared = _rows.Data(from.DataId)!;
            if (AddKey(shared, put.Source, bucket.Id) is { } refused) return refused;
            Reference(shared);
            part.DataId = from.DataId;
            part.Size = from.Size;
            if (part.Etag.Length == 0) part.Etag = from.Etag;
        }
        else if (put.Data is not null)
        {
            if (CheckNewData(put.Data) is { } wrong) return wrong;
            if (put.Data.Keys.All(k => k.BucketId != bucket.Id))
                return Refuse(ResultCode.ResultInvalidArgument, "the data key is not wrapped for the bucket");
            AddData(put.Data, put.Missing, put.Narrow);
            part.DataId = put.Data.DataId;
            part.Size = put.Data.Size;
        }
        else if (inline is not null)
        {
            if (inline.Sealed.Length > InlineBytesMax) return Refuse(ResultCode.ResultEntityTooLarge, "inline data");
            part.Inline = inline;
            part.Size = inline.Size;
            _rows.Counters().Bytes += inline.Size;
        }
        else if (part.Size != 0)
        {
            return Refuse(ResultCode.ResultInvalidArgument, "a part with bytes needs data");
        }

        PartRow? replaced = _rows.Part(put.UploadId, part.Number);
        part.ModifiedMs = Math.Max(TimeMs, replaced?.ModifiedMs ?? 0);
        if (replaced is not null) DropPartData(replaced);
        _rows.PutPart(part);
        PartRow answer = part.Clone();
        answer.ClearData();
        return new CommandResult { Part = answer };
    }

    private CommandResult Abort(AbortUpload abort)
    {
        if (BucketFor(abort.Bucket, abort.BucketId) is null) return Refuse(ResultCode.ResultNoSuchBucket);
        if (OpenUploadOf(abort.Bucket, abort.BucketId, abort.Key, abort.UploadId) is not { } upload)
            return Refuse(ResultCode.ResultNoSuchUpload);
        AbandonUpload(upload);
        return Ok();
    }

    /// <summary>Ends an open upload; its parts, if any, become one garbage row.</summary>
    private void AbandonUpload(UploadRow upload)
    {
        _rows.Delete(KeySchema.OpenUpload(upload.BucketId, upload.Key, upload.UploadId.Span));
        _rows.Counters().OpenUploads--;
        DiscardUpload(upload.UploadId);
    }

    /// <summary>Drops one version's reference to a completed upload.</summary>
    private void DereferenceUpload(ByteString uploadId)
    {
        if (_rows.Upload(uploadId) is not { } upload) return;
        if (upload.References > 1)
        {
            upload.References--;
            _rows.PutUpload(upload);
            return;
        }

        DiscardUpload(uploadId);
    }

    // Part rows stay until they are expanded: whoever opened the object before may still page through them.
    private void DiscardUpload(ByteString uploadId)
    {
        _rows.Delete(KeySchema.Upload(uploadId.Span));
        if (HasParts(uploadId)) _rows.AddGarbage(new GarbageRow { Index = _index, Id = uploadId, UploadId = uploadId });
    }

    private bool HasParts(ByteString uploadId)
    {
        byte[] prefix = KeySchema.Parts(uploadId.Span);
        using IKvCursor cursor = _rows.View.Cursor();
        cursor.Seek(prefix);
        return cursor.Valid && cursor.Key.StartsWith(prefix);
    }

    private void DropPartData(PartRow part)
    {
        if (part.DataCase == PartRow.DataOneofCase.DataId) Dereference(part.DataId);
        else if (part.DataCase == PartRow.DataOneofCase.Inline) _rows.Counters().Bytes -= part.Inline.Size;
    }
}
