using System.Globalization;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>POST object?uploadId: metadata only, and the same answer however often it is asked.</summary>
internal static class CompleteMultipartUpload
{
    private const int DocumentBytesMax = 4 << 20;
    private const int PartsMax = 10_000;

    public static async Task RunAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.Write);
        var complete = new CompleteUpload
        {
            Bucket = bucket.Name,
            BucketId = bucket.Id,
            Key = request.Key,
            UploadId = Multipart.UploadId(request),
            Preconditions = ObjectHeaders.WriteConditions(request),
            PartBytesMin = Multipart.PartBytesMin,
            ExpectedChecksum = ExpectedChecksum(request),
        };
        if (request.Header("x-amz-mp-object-size") is { } size)
        {
            complete.ExpectedSize = ulong.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out ulong bytes)
                ? bytes
                : throw S3Error.InvalidRequest.Because("Value for x-amz-mp-object-size header is invalid.");
        }

        List<CompletePart> parts = Parts(await ReadAsync(request));
        ByteString? packed = PackedParts.TryPack(parts);
        if (packed is not null)
            complete.PackedParts = packed;
        else
            complete.Parts.AddRange(parts);
        CommandResult result = await request.Store.ExecuteAsync(new Command { CompleteUpload = complete }, request.Cancel);
        Results.Require(result.Code, result.Message);

        ObjectHeaders.WriteNewVersionId(request, result.Version);
        ServerSideEncryption.Write(request);
        await request.WriteAsync(xml =>
        {
            xml.Declaration().Root("CompleteMultipartUploadResult")
                .Element("Location", $"{request.Http.Request.Scheme}://{request.Http.Request.Host}/{request.Bucket}/{PercentCoding.Encode(request.Key, keepSlash: true)}")
                .Element("Bucket", request.Bucket).Element("Key", request.Key).Element("ETag", ETags.Quote(result.Version.Etag));
            if (result.Version.Checksum is { Algorithm: not ChecksumAlgorithm.ChecksumNone } checksum)
            {
                xml.Element(ChecksumNames.Element(checksum.Algorithm), ChecksumNames.Text(checksum, result.Version.Parts))
                    .Element("ChecksumType", ChecksumNames.Name(checksum.Type));
            }

            xml.Close();
        });
    }

    // Checksum headers here speak of the object, not of the document: the document is read without them.
    private static async Task<byte[]> ReadAsync(S3Request request)
    {
        long length = BodyHeaders.Length(request.Http.Request, request.Auth.Payload);
        if (length > DocumentBytesMax)
            throw new S3Exception(S3Error.MalformedXml);
        var expected = new BodyExpectations(
            length, null, request.Auth.PayloadSha256, ChecksumAlgorithm.ChecksumCrc64Nvme, null, null) { LengthMax = DocumentBytesMax };
        await using VerifiedBody body = BodyHeaders.Open(request.Http.Request, request.Auth, expected);
        using var document = new MemoryStream();
        await body.CopyToAsync(document, request.Cancel);
        return document.ToArray();
    }

    private static List<CompletePart> Parts(byte[] document)
    {
        XmlNode root = XmlNode.Parse(document, "CompleteMultipartUpload");
        List<CompletePart> parts = [.. root.All("Part").Select(Part)];
        return parts.Count is > 0 and <= PartsMax ? parts : throw new S3Exception(S3Error.MalformedXml);
    }

    private static CompletePart Part(XmlNode node)
    {
        var part = new CompletePart
        {
            Number = uint.TryParse(node.TextOf("PartNumber"), NumberStyles.None, CultureInfo.InvariantCulture, out uint number)
                ? number
                : throw new S3Exception(S3Error.MalformedXml),
            Etag = ETags.Bare(node.TextOf("ETag") ?? throw new S3Exception(S3Error.MalformedXml)),
        };
        foreach (ChecksumAlgorithm algorithm in ChecksumNames.All)
        {
            if (node.TextOf(ChecksumNames.Element(algorithm)) is { } text)
                part.Checksum = ChecksumOf(algorithm, text);
        }

        return part;
    }

    private static Checksum? ExpectedChecksum(S3Request request)
    {
        foreach (ChecksumAlgorithm algorithm in ChecksumNames.All)
        {
            if (request.Header(ChecksumNames.Header(algorithm)) is not { } text)
                continue;

            // Behind the composite checksum of N parts stands "-N"; the hyphen is no digit of base64.
            int at = text.IndexOf('-');
            Checksum checksum = ChecksumOf(algorithm, at < 0 ? text : text[..at]);
            if (at >= 0)
                checksum.Type = ChecksumType.ChecksumComposite;
            return checksum;
        }

        return null;
    }

    private static Checksum ChecksumOf(ChecksumAlgorithm algorithm, string text) => new()
    {
        Algorithm = algorithm,
        Value = ByteString.CopyFrom(VerifiedBody.ParseChecksum(ChecksumNames.Header(algorithm), text, algorithm)),
    };
}

/// <summary>DELETE object?uploadId.</summary>
internal static class AbortMultipartUpload
{
    public static async Task RunAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.Write);
        CommandResult result = await request.Store.ExecuteAsync(
            new Command
            {
                AbortUpload = new AbortUpload
                {
                    Bucket = bucket.Name, BucketId = bucket.Id, Key = request.Key, UploadId = Multipart.UploadId(request),
                },
            },
            request.Cancel);
        Results.Require(result.Code, result.Message);
        await request.Empty(StatusCodes.Status204NoContent);
    }
}
