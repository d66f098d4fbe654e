using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Predastore.Actors.Metadata.Storage;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Metadata.Apply;

/// <content>CompleteUpload: metadata only. The version refers to the upload, whose part rows stay and get their offsets.</content>
internal sealed partial class CommandApplier
{
    private const ulong ObjectBytesMax = 5UL << 40;

    private CommandResult Complete(CompleteUpload complete)
    {
        if (BucketFor(complete.Bucket, complete.BucketId) is not { } bucket) return Refuse(ResultCode.ResultNoSuchBucket);
        IReadOnlyList<CompletePart>? named = complete.PackedParts.IsEmpty
            ? complete.Parts
            : PackedParts.TryUnpack(complete.PackedParts);
        if (named is null || named.Count == 0) return Refuse(ResultCode.ResultInvalidArgument, "part list");
        UploadRow? upload = complete.UploadId.Length == KeySchema.UploadIdBytes ? _rows.Upload(complete.UploadId) : null;
        if (upload is null || upload.BucketId != bucket.Id || upload.Key != complete.Key)
            return Refuse(ResultCode.ResultNoSuchUpload);
        ByteString digest = DigestOf(named);
        if (upload.State == UploadState.UploadCompleted)
        {
            // A client that lost the answer asks again; the same list gets the same answer.
            return upload.CompletedDigest == digest
                ? new CommandResult { Version = upload.Completed, UploadId = upload.UploadId }
                : Refuse(ResultCode.ResultNoSuchUpload);
        }

        if (ResolveParts(complete, named, out List<PartRow> parts) is { } wrong) return wrong;
        ulong size = 0;
        foreach (PartRow part in parts)
        {
            part.Offset = size;
            size += part.Size;
            if (size > ObjectBytesMax) return Refuse(ResultCode.ResultEntityTooLarge);
        }

        if (complete.HasExpectedSize && complete.ExpectedSize != size)
            return Refuse(ResultCode.ResultInvalidRequest, $"the parts make {size} bytes, not {complete.ExpectedSize}");
        Checksum? checksum = MultipartChecksum.Of(upload, parts);
        if (complete.ExpectedChecksum is { } expected && !MultipartChecksum.Meets(checksum, expected))
            return Refuse(ResultCode.ResultBadDigest, "the checksum of the object differs from the one given");
        VersionRow? newest = _rows.Newest(bucket.Id, upload.Key);
        ResultCode condition = Preconditioning.ForWrite(complete.Preconditions, newest);
        if (condition != ResultCode.ResultOk) return Refuse(condition);

        StoreParts(upload.UploadId, parts);
        var row = new VersionRow
        {
            Key = upload.Key,
            Size = size,
            Etag = EtagOf(parts),
            Owner = upload.Owner,
            Attributes = upload.Attributes,
            Retention = upload.Retention,
            LegalHold = upload.LegalHold,
            LegalHoldKnown = upload.LegalHoldKnown,
            Checksum = checksum,
            Parts = (uint)parts.Count,
            UploadId = upload.UploadId,
        };
        row.Tags.AddRange(upload.Tags);

        upload.State = UploadState.UploadCompleted;
        upload.References = 1;
        upload.CompletedDigest = digest;
        AddVersion(bucket, row, newest);
        upload.Completed = WithoutData(row);
        _rows.PutUpload(upload);
        _rows.Delete(KeySchema.OpenUpload(upload.BucketId, upload.Key, upload.UploadId.Span));
        _rows.Counters().OpenUploads--;
        return new CommandResult { Version = upload.Completed, UploadId = upload.UploadId };
    }

    private CommandResult? ResolveParts(CompleteUpload complete, IReadOnlyList<CompletePart> named, out List<PartRow> parts)
    {
        parts = new List<PartRow>(named.Count);
        uint last = 0;
        foreach (CompletePart wanted in named)
        {
            if (wanted.Number < last) return Refuse(ResultCode.ResultInvalidPartOrder);
            last = wanted.Number;
        }

        // A part that was sent twice at once may be named twice: what counts is the one that ended last.
        for (int i = 0; i < named.Count;)
        {
            uint number = named[i].Number;
            PartRow? part = _rows.Part(complete.UploadId, number);
            bool same = false;
            for (; i < named.Count && named[i].Number == number; i++)
                same |= part is not null && IsNamed(part, named[i]);
            if (!same) return Refuse(ResultCode.ResultInvalidPart, $"part {number}");
            parts.Add(part!);
        }

        foreach (PartRow part in parts.SkipLast(1))
        {
            if (part.Size < complete.PartBytesMin)
                return Refuse(ResultCode.ResultEntityTooSmall, $"part {part.Number} has {part.Size} bytes");
        }

        return null;
    }

    private static bool IsNamed(PartRow part, CompletePart wanted) => Preconditioning.SameEtag(part.Etag, wanted.Etag)
        && (wanted.Checksum is null || (part.Checksum is not null && part.Checksum.Value == wanted.Checksum.Value));

    // Offsets go into the rows and into the index by offset; a part that was not named is dropped.
    private void StoreParts(ByteString uploadId, List<PartRow> parts)
    {
        var kept = new HashSet<uint>(parts.Select(p => p.Number));
        List<PartRow> dropped = [];
        byte[] prefix = KeySchema.Parts(uploadId.Span);
        using (IKvCursor cursor = _rows.View.Cursor())
        {
            for (cursor.Seek(prefix); cursor.Valid && cursor.Key.StartsWith(prefix); cursor.Next())
            {
                PartRow part = PartRow.Parser.ParseFrom(cursor.Value);
                if (!kept.Contains(part.Number)) dropped.Add(part);
            }
        }

        foreach (PartRow part in dropped)
        {
            _rows.Delete(KeySchema.PartOf(uploadId.Span, part.Number));
            DropPartData(part);
        }

        foreach (PartRow part in parts)
        {
            _rows.PutPart(part);
            _rows.PutRaw(KeySchema.PartAt(uploadId.Span, part.Offset, part.Number), []);
        }
    }

    // The composite ETag of S3: MD5 over the parts' binary MD5s, "-", number of parts.
    private static string EtagOf(List<PartRow> parts)
    {
        using var md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        Span<byte> digest = stackalloc byte[16];
        foreach (PartRow part in parts)
        {
            if (PackedParts.TryMd5(part.Etag, digest)) md5.AppendData(digest);
            else md5.AppendData(Encoding.UTF8.GetBytes(part.Etag));
        }

        md5.GetHashAndReset(digest);
        return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Convert.ToHexStringLower(digest)}-{parts.Count}");
    }

    private static ByteString DigestOf(IReadOnlyList<CompletePart> parts)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (CompletePart part in parts)
        {
            sha.AppendData(Encoding.UTF8.GetBytes(
                string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{part.Number} {part.Etag.Trim('"').ToLowerInvariant()}\n")));
        }

        return ByteString.CopyFrom(sha.GetHashAndReset());
    }
}
