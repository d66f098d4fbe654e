using Microsoft.AspNetCore.Http;
using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>PUT bucket. The body is optional; a location in it must be this cluster's region.</summary>
internal static class CreateBucket
{
    private const int DocumentBytesMax = 64 << 10;

    /// <summary>Where making one's own bucket again is no error, as in AWS.</summary>
    private const string ForgivingRegion = "us-east-1";

    public static async Task RunAsync(S3Request request)
    {
        if (request.CallerId.Length == 0)
            throw new S3Exception(S3Error.AccessDenied);
        if (!ResourceName.IsValidBucket(request.Bucket))
            throw new S3Exception(S3Error.InvalidBucketName);
        WantedAccess access = AccessHeaders.Read(request);
        byte[] document = await request.ReadDocumentAsync(DocumentBytesMax);
        if (document.Length > 0)
        {
            string? location = XmlNode.Parse(document, "CreateBucketConfiguration").TextOf("LocationConstraint");
            if (location is { Length: > 0 } && location != request.Region)
                throw S3Error.IllegalLocationConstraint.Because($"The {location} location constraint is incompatible for the region specific endpoint this request was sent to.");
        }

        CommandResult result = await request.Store.ExecuteAsync(
            new Command
            {
                CreateBucket = new Predastore.Actors.Metadata.CreateBucket
                {
                    Name = request.Bucket,
                    Owner = request.CallerId,
                    Region = request.Region,
                    Acl = access.Canned,
                    Grants = access.Grants,
                    ObjectLock = string.Equals(request.Header("x-amz-bucket-object-lock-enabled"), "true", StringComparison.OrdinalIgnoreCase),
                },
            },
            request.Cancel);
        if (result.Code != ResultCode.ResultBucketOwnedByYou || request.Region != ForgivingRegion)
            Results.Require(result.Code);
        else if (result.Bucket.Acl != access.Canned || !Equals(result.Bucket.Grants, access.Grants))
            throw S3Error.BucketAlreadyExists.Because("You own the bucket, and it has another access control list.");
        request.Response.Headers.Location = "/" + request.Bucket;
        await request.Empty(StatusCodes.Status200OK);
    }
}
