using System.Globalization;
using Google.Protobuf;
using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>What the multipart operations share.</summary>
internal static class Multipart
{
    /// <summary>Smallest part that is not the last.</summary>
    public const ulong PartBytesMin = 5 << 20;

    private const int PartsMax = 10_000;

    /// <summary>The upload that a request names.</summary>
    /// <exception cref="S3Exception">NoSuchUpload if it is not the text of one.</exception>
    public static ByteString UploadId(S3Request request) => FromText(request.Query("uploadId") ?? "");

    /// <summary>Reads the text of an upload id.</summary>
    public static ByteString FromText(string text)
    {
        if (text.Length == 32 && text.All(char.IsAsciiHexDigitLower))
            return ByteString.CopyFrom(Convert.FromHexString(text));
        throw new S3Exception(S3Error.NoSuchUpload);
    }

    /// <summary>The text of an upload id.</summary>
    public static string Text(ByteString uploadId) => Convert.ToHexStringLower(uploadId.Span);

    /// <summary>The part number of a request.</summary>
    public static uint PartNumber(S3Request request)
        => uint.TryParse(request.Query("partNumber"), NumberStyles.None, CultureInfo.InvariantCulture, out uint number)
            && number is >= 1 and <= PartsMax
            ? number
            : throw S3Error.InvalidArgument.With("ArgumentName", "partNumber", "Part number must be an integer between 1 and 10000, inclusive");

    /// <summary>The open upload of a request.</summary>
    public static async Task<UploadRow> FindAsync(S3Request request)
    {
        QueryResult found = await request.Store.QueryAsync(
            new Query { GetUpload = new GetUpload { Bucket = request.Bucket, Key = request.Key, UploadId = UploadId(request) } },
            request.Cancel);
        Results.Require(found.Code, found.Message);
        return found.Upload;
    }
}
