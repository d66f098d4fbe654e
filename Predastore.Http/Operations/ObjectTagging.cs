using Microsoft.AspNetCore.Http;
using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>GET, PUT and DELETE object?tagging. An access control list gives no right to tags: they are the owners'.</summary>
internal static class ObjectTagging
{
    public static async Task GetAsync(S3Request request)
    {
        QueryResult found = await NamedVersion.FindAsync(request, Permission.Owner);
        ObjectHeaders.WriteVersionId(request, found.Bucket, found.Version);
        await request.WriteAsync(xml => Tagging.Write(xml, found.Version.Tags));
    }

    public static async Task PutAsync(S3Request request)
    {
        QueryResult found = await NamedVersion.FindAsync(request, Permission.Owner);
        await SetAsync(request, found, await Tagging.ReadAsync(request, Tagging.ObjectTagsMax));
        await request.Empty(StatusCodes.Status200OK);
    }

    public static async Task DeleteAsync(S3Request request)
    {
        await SetAsync(request, await NamedVersion.FindAsync(request, Permission.Owner), []);
        await request.Empty(StatusCodes.Status204NoContent);
    }

    private static Task SetAsync(S3Request request, QueryResult found, List<Pair> tags)
    {
        UpdateVersion update = NamedVersion.Update(request, found);
        update.SetTags = true;
        update.Tags.AddRange(tags);
        return NamedVersion.ExecuteAsync(request, found, update);
    }
}
