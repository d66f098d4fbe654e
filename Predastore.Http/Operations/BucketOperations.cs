using Microsoft.AspNetCore.Http;
using Predastore.Actors.Metadata;
using Predastore.Http.Auth;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>HEAD bucket.</summary>
internal static class HeadBucket
{
    public static async Task RunAsync(S3Request request)
    {
        await request.BucketAsync(Permission.Read);
        await request.Empty(StatusCodes.Status200OK);
    }
}

/// <summary>DELETE bucket; only an empty one.</summary>
internal static class DeleteBucket
{
    public static async Task RunAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.Owner);
        CommandResult result = await request.Store.ExecuteAsync(
            new Command { DeleteBucket = new Predastore.Actors.Metadata.DeleteBucket { Name = bucket.Name, BucketId = bucket.Id } },
            request.Cancel);
        Results.Require(result.Code);
        await request.Empty(StatusCodes.Status204NoContent);
    }
}

/// <summary>GET bucket?location; empty for us-east-1, as in AWS.</summary>
internal static class GetBucketLocation
{
    public static async Task RunAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.Read);
        await request.WriteAsync(xml => xml.Declaration()
            .Root("LocationConstraint").Text(bucket.Region == "us-east-1" ? "" : bucket.Region).Close());
    }
}

/// <summary>GET service: the caller's buckets.</summary>
internal static class ListBuckets
{
    private const uint PageMax = 1000;

    public static async Task RunAsync(S3Request request)
    {
        if (request.Auth.Account is not { } account)
            throw new S3Exception(S3Error.AccessDenied);
        uint limit = request.Query("max-buckets") is { } text
            ? uint.TryParse(text, out uint asked) && asked is >= 1 and <= 10_000 ? Math.Min(asked, PageMax)
                : throw S3Error.InvalidArgument.With("ArgumentName", "max-buckets")
            : 0;
        var buckets = new List<BucketRow>();
        string after = request.Query("continuation-token") ?? "";
        bool truncated;
        do
        {
            QueryResult page = await request.Store.QueryAsync(
                new Query
                {
                    ListBuckets = new Predastore.Actors.Metadata.ListBuckets
                    {
                        Owner = account.Id,
                        Prefix = request.Query("prefix") ?? "",
                        After = after,
                        Limit = limit > 0 ? limit : PageMax,
                    },
                },
                request.Cancel);
            buckets.AddRange(page.Buckets);
            truncated = page.Truncated;
            after = page.Buckets.Count > 0 ? page.Buckets[^1].Name : after;
        }
        while (truncated && limit == 0);

        await request.WriteAsync(xml =>
        {
            xml.Declaration().Root("ListAllMyBucketsResult");
            Owners.Write(xml, "Owner", account);
            xml.Open("Buckets");
            foreach (BucketRow bucket in buckets)
            {
                xml.Open("Bucket").Element("Name", bucket.Name).Time("CreationDate", bucket.CreatedMs);
                if (limit > 0)
                    xml.Element("BucketRegion", bucket.Region);
                xml.Close();
            }

            xml.Close();
            if (truncated)
                xml.Element("ContinuationToken", after);
            xml.Close();
        });
    }
}

/// <summary>How an owner is shown.</summary>
internal static class Owners
{
    // What AWS shows for objects that were written without credentials.
    private static readonly Account Anonymous = new("", "anonymous", "65a011a29cdf8ec533ec3d1ccaae921c");

    public static void Write(S3XmlWriter xml, string element, Account account)
        => xml.Open(element).Element("ID", account.CanonicalId).Element("DisplayName", account.DisplayName).Close();

    public static void Write(S3XmlWriter xml, string element, S3Request request, string accountId)
        => Write(xml, element, Of(request, accountId));

    /// <summary>The account of an id as rows have it; one that is gone is shown by that id.</summary>
    public static Account Of(S3Request request, string accountId) => accountId.Length == 0
        ? Anonymous
        : request.Accounts.FindAccount(accountId) ?? new Account(accountId, accountId, accountId);
}
