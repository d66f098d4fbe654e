using System.Globalization;
using Google.Protobuf;
using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>GET object?uploadId: the parts of an open upload.</summary>
internal static class ListParts
{
    private const uint PageMax = 1000;

    public static async Task RunAsync(S3Request request)
    {
        await request.BucketAsync(Permission.Write);
        uint marker = Number(request, "part-number-marker", 0);
        uint limit = Math.Min(Number(request, "max-parts", PageMax), PageMax);
        QueryResult page = await request.Store.QueryAsync(
            new Query
            {
                ListParts = new Predastore.Actors.Metadata.ListParts
                {
                    Bucket = request.Bucket,
                    Key = request.Key,
                    UploadId = Multipart.UploadId(request),
                    After = marker,
                    Limit = limit,
                },
            },
            request.Cancel);
        Results.Require(page.Code, page.Message);
        await request.WriteAsync(xml =>
        {
            xml.Declaration().Root("ListPartsResult").Element("Bucket", request.Bucket).Element("Key", request.Key)
                .Element("UploadId", Multipart.Text(page.Upload.UploadId));
            Owners.Write(xml, "Initiator", request, page.Upload.Owner);
            Owners.Write(xml, "Owner", request, page.Upload.Owner);
            xml.Element("StorageClass", "STANDARD").Element("PartNumberMarker", marker);
            if (page.Truncated)
                xml.Element("NextPartNumberMarker", page.Parts[^1].Row.Number);
            xml.Element("MaxParts", limit).Element("IsTruncated", page.Truncated);
            if (page.Upload.ChecksumAlgorithm != ChecksumAlgorithm.ChecksumNone)
            {
                xml.Element("ChecksumAlgorithm", ChecksumNames.Name(page.Upload.ChecksumAlgorithm))
                    .Element("ChecksumType", ChecksumNames.Name(page.Upload.ChecksumType));
            }

            foreach (PartRow part in page.Parts.Select(part => part.Row))
            {
                xml.Open("Part").Element("PartNumber", part.Number).Time("LastModified", part.ModifiedMs)
                    .Element("ETag", ETags.Quote(part.Etag)).Element("Size", (long)part.Size);
                if (part.Checksum is { Algorithm: not ChecksumAlgorithm.ChecksumNone } checksum)
                    xml.Element(ChecksumNames.Element(checksum.Algorithm), ChecksumNames.Text(checksum, 0));
                xml.Close();
            }

            xml.Close();
        });
    }

    private static uint Number(S3Request request, string parameter, uint absent)
        => request.Query(parameter) is not { } text ? absent
            : uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) ? number
            : throw S3Error.InvalidArgument.With("ArgumentName", parameter);
}

/// <summary>GET bucket?uploads.</summary>
internal static class ListMultipartUploads
{
    public static async Task RunAsync(S3Request request)
    {
        await request.BucketAsync(Permission.Read);
        var listing = new Listing(request, "max-uploads");
        string keyMarker = request.Query("key-marker") ?? "";
        string uploadMarker = request.Query("upload-id-marker") ?? "";
        QueryResult page = await request.Store.QueryAsync(
            new Query
            {
                ListUploads = new ListUploads
                {
                    Bucket = request.Bucket,
                    Prefix = listing.Prefix,
                    Delimiter = listing.Delimiter,
                    After = keyMarker,
                    AfterUpload = keyMarker.Length > 0 && uploadMarker.Length > 0 ? Multipart.FromText(uploadMarker) : ByteString.Empty,
                    Limit = (uint)listing.Limit,
                },
            },
            request.Cancel);
        Results.Require(page.Code, page.Message);
        await request.WriteAsync(xml =>
        {
            xml.Declaration().Root("ListMultipartUploadsResult").Element("Bucket", request.Bucket)
                .Element("KeyMarker", listing.Text(keyMarker)).Element("UploadIdMarker", uploadMarker);
            if (page.Truncated)
                xml.Element("NextKeyMarker", listing.Text(page.NextAfter)).Element("NextUploadIdMarker", Multipart.Text(page.NextCursor));
            xml.Element("Prefix", listing.Text(listing.Prefix));
            if (listing.Delimiter.Length > 0)
                xml.Element("Delimiter", listing.Text(listing.Delimiter));
            listing.WriteEncoding(xml);
            xml.Element("MaxUploads", listing.Limit).Element("IsTruncated", page.Truncated);
            foreach (UploadRow upload in page.Entries.Where(entry => entry.CommonPrefix.Length == 0).Select(entry => entry.Upload))
            {
                xml.Open("Upload").Element("Key", listing.Text(upload.Key)).Element("UploadId", Multipart.Text(upload.UploadId));
                Owners.Write(xml, "Initiator", request, upload.Owner);
                Owners.Write(xml, "Owner", request, upload.Owner);
                xml.Element("StorageClass", "STANDARD").Time("Initiated", upload.CreatedMs).Close();
            }

            listing.WritePrefixes(xml, page.Entries);
            xml.Close();
        });
    }
}
