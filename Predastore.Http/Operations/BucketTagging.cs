using Microsoft.AspNetCore.Http;
using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>GET, PUT and DELETE bucket?tagging.</summary>
internal static class BucketTagging
{
    public static async Task GetAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.Owner);
        if (bucket.Tags.Count == 0)
            throw S3Error.NoSuchTagSet.With("BucketName", bucket.Name);
        await request.WriteAsync(xml => Tagging.Write(xml, bucket.Tags));
    }

    public static async Task PutAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.Owner);
        await SetAsync(request, bucket, await Tagging.ReadAsync(request, Tagging.BucketTagsMax));
    }

    public static async Task DeleteAsync(S3Request request)
        => await SetAsync(request, await request.BucketAsync(Permission.Owner), []);

    private static async Task SetAsync(S3Request request, BucketRow bucket, List<Pair> tags)
    {
        var update = new UpdateBucket { Name = bucket.Name, BucketId = bucket.Id, SetTags = true };
        update.Tags.AddRange(tags);
        CommandResult result = await request.Store.ExecuteAsync(new Command { UpdateBucket = update }, request.Cancel);
        Results.Require(result.Code, result.Message);
        await request.Empty(StatusCodes.Status204NoContent);
    }
}
