using System.Text;
using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>POST bucket?delete: up to 1000 keys, always answered with 200 and an outcome for each.</summary>
internal static class DeleteObjects
{
    private const int KeysMax = 1000;
    private const int DocumentBytesMax = 2 << 20;

    /// <summary>Key bytes in one command: a log entry holds 256 KiB.</summary>
    private const int EntryKeyBytesMax = 128 << 10;

    public static async Task RunAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.Write);
        XmlNode root = XmlNode.Parse(await request.ReadDocumentAsync(DocumentBytesMax, mustHaveDigest: true), "Delete");
        bool quiet = string.Equals(root.TextOf("Quiet"), "true", StringComparison.OrdinalIgnoreCase);
        List<DeleteItem> items = [.. root.All("Object").Select(Read)];
        if (items.Count is 0 or > KeysMax)
            throw new S3Exception(S3Error.MalformedXml);

        var outcomes = new List<(DeleteItem Item, DeleteResult Result)>(items.Count);
        foreach (List<DeleteItem> batch in Cut(items))
        {
            var delete = new DeleteVersions
            {
                Bucket = bucket.Name,
                BucketId = bucket.Id,
                Owner = request.CallerId,
                BypassGovernance = DeleteObject.Bypass(request, bucket),
            };
            delete.Items.AddRange(batch);
            CommandResult result = await request.Store.ExecuteAsync(new Command { DeleteVersions = delete }, request.Cancel);
            Results.Require(result.Code, result.Message);
            outcomes.AddRange(batch.Zip(result.Deletes));
        }

        await request.WriteAsync(xml =>
        {
            xml.Declaration().Root("DeleteResult");
            foreach ((DeleteItem item, DeleteResult result) in outcomes)
                Write(xml, item, result, quiet);
            xml.Close();
        });
    }

    private static DeleteItem Read(XmlNode node)
    {
        var item = new DeleteItem
        {
            Key = node.TextOf("Key") is { Length: > 0 } key ? key : throw new S3Exception(S3Error.MalformedXml),
            VersionId = node.TextOf("VersionId") ?? "",
        };
        string? etag = node.TextOf("ETag");
        string? size = node.TextOf("Size");
        string? modified = node.TextOf("LastModifiedTime");
        if (etag is null && size is null && modified is null)
            return item;
        item.Preconditions = new Preconditions();
        if (etag is not null)
            item.Preconditions.IfMatch.Add(ETags.Bare(etag));
        if (size is not null)
            item.Preconditions.IfMatchSize = ulong.TryParse(size, out ulong bytes) ? bytes : throw new S3Exception(S3Error.MalformedXml);
        if (modified is not null)
        {
            item.Preconditions.IfMatchModifiedMs = HttpDate.TryParse(modified, out long ms) || HttpDate.TryParseIso(modified, out ms)
                ? ms
                : throw new S3Exception(S3Error.MalformedXml);
        }

        return item;
    }

    private static IEnumerable<List<DeleteItem>> Cut(List<DeleteItem> items)
    {
        var batch = new List<DeleteItem>();
        int bytes = 0;
        foreach (DeleteItem item in items)
        {
            int more = Encoding.UTF8.GetByteCount(item.Key) + 64;
            if (batch.Count > 0 && bytes + more > EntryKeyBytesMax)
            {
                yield return batch;
                (batch, bytes) = ([], 0);
            }

            batch.Add(item);
            bytes += more;
        }

        yield return batch;
    }

    private static void Write(S3XmlWriter xml, DeleteItem item, DeleteResult result, bool quiet)
    {
        if (result.Code != ResultCode.ResultOk)
        {
            S3Error error = Results.ErrorOf(result.Code).Error;
            xml.Open("Error").Element("Key", item.Key).Element("VersionId", item.VersionId.Length > 0 ? item.VersionId : null)
                .Element("Code", error.Code).Element("Message", error.Message).Close();
            return;
        }

        if (quiet)
            return;
        xml.Open("Deleted").Element("Key", item.Key).Element("VersionId", result.VersionId.Length > 0 ? result.VersionId : null);
        if (result.DeleteMarker)
            xml.Element("DeleteMarker", true).Element("DeleteMarkerVersionId", result.MarkerVersionId);
        xml.Close();
    }
}
