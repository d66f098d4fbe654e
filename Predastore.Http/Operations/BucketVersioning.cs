using Microsoft.AspNetCore.Http;
using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>GET and PUT bucket?versioning. Once on it can be suspended, and never be off again.</summary>
internal static class BucketVersioning
{
    public static async Task GetAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.Owner);
        await request.WriteAsync(xml =>
        {
            xml.Declaration().Root("VersioningConfiguration");
            if (bucket.Versioning != Versioning.Off)
                xml.Element("Status", bucket.Versioning == Versioning.Enabled ? "Enabled" : "Suspended");
            xml.Close();
        });
    }

    public static async Task PutAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.Owner);
        XmlNode root = await request.ReadXmlAsync("VersioningConfiguration");
        if (root.TextOf("MfaDelete") == "Enabled")
            throw S3Error.NotImplemented.Because("MFA delete is not implemented.");
        var update = new UpdateBucket
        {
            Name = bucket.Name,
            BucketId = bucket.Id,
            Versioning = root.TextOf("Status") switch
            {
                "Enabled" => Versioning.Enabled,
                "Suspended" => Versioning.Suspended,
                null => throw new S3Exception(S3Error.IllegalVersioningConfiguration),
                _ => throw new S3Exception(S3Error.MalformedXml),
            },
        };
        CommandResult result = await request.Store.ExecuteAsync(new Command { UpdateBucket = update }, request.Cancel);
        if (result.Code == ResultCode.ResultInvalidState)
            throw S3Error.InvalidBucketState.Because("An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.");
        Results.Require(result.Code, result.Message);
        await request.Empty(StatusCodes.Status200OK);
    }
}
