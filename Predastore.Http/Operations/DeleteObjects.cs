using System.Text;
using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>POST bucket?delete: up to 1000 keys, always answered with 200 and an outcome for each.</summary>
internal static class DeleteObjects
{
    private const int KeysMax = 1000;
    private const int DocumentBytesMax = 2 << 20;

    /// <summary>Bytes of a version id or an ETag: longer than any that there is, and short enough for an entry.</summary>
    private const int TextBytesMax = 1024;

    /// <summary>Bytes of items in one command: a log entry holds 256 KiB.</summary>
    private const int EntryItemBytesMax = 128 << 10;

    public static async Task RunAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.Write);
        XmlNode root = XmlNode.Parse(await request.ReadDocumentAsync(DocumentBytesMax, mustHaveDigest: true), "Delete");
        bool quiet = string.Equals(root.TextOf("Quiet"), "true", StringComparison.OrdinalIgnoreCase);
        List<DeleteItem> items = [.. root.All("Object").Select(Read)];
        if (items.Count is 0 or > KeysMax)
            throw new S3Exception(S3Error.MalformedXml);

        ILookup<S3Error?, DeleteItem> refusals = items.ToLookup(item => Refusal(item, Access.Owns(request, bucket.Owner)));
        var outcomes = new List<(DeleteItem Item, DeleteResult Result)>(items.Count);
        foreach (List<DeleteItem> batch in Cut(refusals[null]))
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
            foreach (IGrouping<S3Error?, DeleteItem> refused in refusals.Where(group => group.Key is not null))
            {
                foreach (DeleteItem item in refused)
                    WriteError(xml, item, refused.Key!);
            }

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

    // What is wrong with one item is said of that item, and the others are deleted.
    private static S3Error? Refusal(DeleteItem item, bool owner)
    {
        try
        {
            ResourceName.CheckKey(item.Key);
        }
        catch (S3Exception refused)
        {
            return refused.Error;
        }

        if (Bytes(item.VersionId) > TextBytesMax || ETagBytes(item) > TextBytesMax)
            return S3Error.InvalidArgument;
        return item.VersionId.Length > 0 && !owner ? S3Error.AccessDenied : null;
    }

    private static int ETagBytes(DeleteItem item) => item.Preconditions?.IfMatch.Sum(Bytes) ?? 0;

    private static int Bytes(string text) => Encoding.UTF8.GetByteCount(text);

    private static IEnumerable<List<DeleteItem>> Cut(IEnumerable<DeleteItem> items)
    {
        var batch = new List<DeleteItem>();
        int bytes = 0;
        foreach (DeleteItem item in items)
        {
            int more = Bytes(item.Key) + Bytes(item.VersionId) + ETagBytes(item) + 64;
            if (batch.Count > 0 && bytes + more > EntryItemBytesMax)
            {
                yield return batch;
                (batch, bytes) = ([], 0);
            }

            batch.Add(item);
            bytes += more;
        }

        if (batch.Count > 0)
            yield return batch;
    }

    private static void Write(S3XmlWriter xml, DeleteItem item, DeleteResult result, bool quiet)
    {
        if (result.Code != ResultCode.ResultOk)
        {
            WriteError(xml, item, Results.ErrorOf(result.Code).Error);
            return;
        }

        if (quiet)
            return;
        xml.Open("Deleted").Element("Key", item.Key).Element("VersionId", result.VersionId.Length > 0 ? result.VersionId : null);
        if (result.DeleteMarker)
            xml.Element("DeleteMarker", true).Element("DeleteMarkerVersionId", result.MarkerVersionId);
        xml.Close();
    }

    private static void WriteError(S3XmlWriter xml, DeleteItem item, S3Error error)
        => xml.Open("Error").Element("Key", item.Key).Element("VersionId", item.VersionId.Length > 0 ? item.VersionId : null)
            .Element("Code", error.Code).Element("Message", error.Message).Close();
}
