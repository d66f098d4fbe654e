using Microsoft.AspNetCore.Http;
using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>GET and PUT bucket?acl.</summary>
internal static class BucketAcl
{
    public static async Task GetAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.ReadAcp);
        await AccessDocuments.WriteAsync(request, bucket.Owner, AccessLists.Of(bucket));
    }

    public static async Task PutAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.WriteAcp);
        WantedAccess wanted = await AccessBodies.ReadAsync(request, bucket.Owner);
        var update = new UpdateBucket { Name = bucket.Name, BucketId = bucket.Id };
        if (wanted.Grants is not null)
            update.Grants = wanted.Grants;
        else
            update.Acl = wanted.Canned;
        CommandResult result = await request.Store.ExecuteAsync(new Command { UpdateBucket = update }, request.Cancel);
        Results.Require(result.Code, result.Message);
        await request.Empty(StatusCodes.Status200OK);
    }
}

/// <summary>GET and PUT object?acl.</summary>
internal static class ObjectAcl
{
    public static async Task GetAsync(S3Request request)
    {
        QueryResult found = await NamedVersion.FindAsync(request, Permission.ReadAcp);
        ObjectHeaders.WriteVersionId(request, found.Bucket, found.Version);
        await AccessDocuments.WriteAsync(request, found.Version.Owner, AccessLists.Of(found.Bucket, found.Version));
    }

    public static async Task PutAsync(S3Request request)
    {
        QueryResult found = await NamedVersion.FindAsync(request, Permission.WriteAcp);
        WantedAccess wanted = await AccessBodies.ReadAsync(request, found.Version.Owner);
        UpdateVersion update = NamedVersion.Update(request, found);
        if (wanted.Grants is not null)
            update.Grants = wanted.Grants;
        else
            update.Acl = wanted.Canned;
        await NamedVersion.ExecuteAsync(request, found, update);
        await request.Empty(StatusCodes.Status200OK);
    }
}

/// <summary>What a PUT ?acl asks for: by header or by document, and only one of them.</summary>
internal static class AccessBodies
{
    public static async Task<WantedAccess> ReadAsync(S3Request request, string owner)
    {
        WantedAccess wanted = AccessHeaders.Read(request);
        byte[] document = await request.ReadDocumentAsync(S3Request.DocumentBytesMax);
        if (wanted.IsGiven)
            return document.Length == 0 ? wanted : throw new S3Exception(S3Error.UnexpectedContent);
        if (document.Length == 0)
            throw S3Error.MissingSecurityHeader.With("MissingHeaderName", "x-amz-acl");
        return new WantedAccess("", AccessDocuments.Read(request, ParseDocument(document), owner));
    }

    private static XmlNode ParseDocument(byte[] document)
    {
        try
        {
            return XmlNode.Parse(document, "AccessControlPolicy");
        }
        catch (S3Exception)
        {
            throw new S3Exception(S3Error.MalformedAcl);
        }
    }
}
