using Microsoft.AspNetCore.Http;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Actors.Streams;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>PUT object?partNumber&amp;uploadId, with a body or from another object.</summary>
internal static class UploadPart
{
    public static async Task RunAsync(S3Request request)
    {
        uint number = Multipart.PartNumber(request);
        BucketRow bucket = await request.BucketAsync(Permission.Write);
        UploadRow upload = await Multipart.FindAsync(request);
        BodyExpectations expected = BodyHeaders.Read(
            request.Http.Request, request.Auth, upload.ChecksumAlgorithm, PutObject.BytesMax);
        await using VerifiedBody body = BodyHeaders.Open(request.Http.Request, request.Auth, expected);
        await StoreAsync(request, bucket, number, body, expected.Length);
        request.Response.Headers.ETag = ETags.Quote(body.ETag);
        request.Response.Headers[ChecksumNames.Header(body.Digest.Algorithm)] = ChecksumNames.Text(body.Digest.Checksum, 0);
        ServerSideEncryption.Write(request);
        await request.Empty(StatusCodes.Status200OK);
    }

    public static async Task CopyAsync(S3Request request)
    {
        uint number = Multipart.PartNumber(request);
        BucketRow bucket = await request.BucketAsync(Permission.Write);
        UploadRow upload = await Multipart.FindAsync(request);
        await using IObjectReader source = await CopySources.OpenAsync(request);
        long size = (long)source.Version.Version.Size;
        (long offset, long length) = request.Header("x-amz-copy-source-range") is { } range
            ? ByteRange.ParseCopyRange(range, size)
            : (0, size);
        if (length > PutObject.BytesMax)
            throw S3Error.InvalidRequest.Because("The specified copy source is larger than the maximum allowable size for a copy source: 5368709120");
        ChecksumAlgorithm algorithm = upload.ChecksumAlgorithm != ChecksumAlgorithm.ChecksumNone
            ? upload.ChecksumAlgorithm
            : ChecksumAlgorithm.ChecksumCrc64Nvme;
        await source.StartAsync(offset, length, request.Cancel);
        await using var copied = new CopyStream(source, request.Cancel);
        await using var body = new VerifiedBody(copied, new BodyExpectations(length, null, null, algorithm, null, null), null);
        PartRow part = await StoreAsync(request, bucket, number, body, length);
        if (source.Version.Bucket.Versioning != Versioning.Off)
            request.Response.Headers["x-amz-copy-source-version-id"] = VersionId.Format(source.Version.Version);
        ServerSideEncryption.Write(request);
        await request.WriteAsync(xml =>
        {
            xml.Declaration().Root("CopyPartResult").Time("LastModified", part.ModifiedMs).Element("ETag", ETags.Quote(body.ETag));
            if (upload.ChecksumAlgorithm != ChecksumAlgorithm.ChecksumNone)
                xml.Element(ChecksumNames.Element(algorithm), ChecksumNames.Text(body.Digest.Checksum, 0));
            xml.Close();
        });
    }

    private static async Task<PartRow> StoreAsync(S3Request request, BucketRow bucket, uint number, VerifiedBody body, long length)
    {
        await using IStagedObject staged = await request.Store.StageAsync(bucket, body, length, request.Cancel);
        var put = new PutPart
        {
            Bucket = bucket.Name,
            BucketId = bucket.Id,
            Key = request.Key,
            UploadId = Multipart.UploadId(request),
            Part = new PartRow { Number = number, Etag = body.ETag, Checksum = body.Digest.Checksum },
        };
        CommandResult result = await request.Store.PutPartAsync(staged, put, request.Cancel);
        Results.Require(result.Code, result.Message);
        return result.Part;
    }
}
