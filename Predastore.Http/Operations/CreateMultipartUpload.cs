using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>POST object?uploads: everything but the bytes is said here.</summary>
internal static class CreateMultipartUpload
{
    public static async Task RunAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.Write);
        VersionRow described = PutObject.NewVersion(request, bucket);
        var upload = new UploadRow
        {
            Key = request.Key,
            Owner = request.CallerId,
            Attributes = described.Attributes,
            Retention = described.Retention,
            LegalHold = described.LegalHold,
            LegalHoldKnown = described.LegalHoldKnown,
        };
        upload.Tags.AddRange(described.Tags);
        SetChecksum(request, upload);
        CommandResult result = await request.Store.ExecuteAsync(
            new Command { CreateUpload = new CreateUpload { Bucket = bucket.Name, BucketId = bucket.Id, Upload = upload } }, request.Cancel);
        Results.Require(result.Code, result.Message);
        if (upload.ChecksumAlgorithm != ChecksumAlgorithm.ChecksumNone)
        {
            request.Response.Headers["x-amz-checksum-algorithm"] = ChecksumNames.Name(upload.ChecksumAlgorithm);
            request.Response.Headers["x-amz-checksum-type"] = ChecksumNames.Name(upload.ChecksumType);
        }

        ServerSideEncryption.Write(request);
        await request.WriteAsync(xml => xml.Declaration().Root("InitiateMultipartUploadResult")
            .Element("Bucket", request.Bucket).Element("Key", request.Key)
            .Element("UploadId", Multipart.Text(result.UploadId)).Close());
    }

    private static void SetChecksum(S3Request request, UploadRow upload)
    {
        string? type = request.Header("x-amz-checksum-type");
        if (request.Header("x-amz-checksum-algorithm") is not { } name)
        {
            if (type is not null)
                throw S3Error.InvalidRequest.Because("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.");
            return;
        }

        if (!ChecksumNames.TryParse(name, out ChecksumAlgorithm algorithm))
            throw S3Error.InvalidRequest.Because("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
        bool sha = algorithm is ChecksumAlgorithm.ChecksumSha1 or ChecksumAlgorithm.ChecksumSha256;
        bool crc64 = algorithm == ChecksumAlgorithm.ChecksumCrc64Nvme;
        ChecksumType chosen = type switch
        {
            null => crc64 ? ChecksumType.ChecksumFullObject : ChecksumType.ChecksumComposite,
            "COMPOSITE" when !crc64 => ChecksumType.ChecksumComposite,
            "FULL_OBJECT" when !sha => ChecksumType.ChecksumFullObject,
            "COMPOSITE" or "FULL_OBJECT" => throw S3Error.InvalidRequest.Because($"The {type} checksum type cannot be used with the {name} checksum algorithm."),
            _ => throw S3Error.InvalidRequest.Because("Value for x-amz-checksum-type header is invalid."),
        };
        (upload.ChecksumAlgorithm, upload.ChecksumType) = (algorithm, chosen);
    }
}
