using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>Documents of bucket settings that are fixed, or as empty as nobody has set them.</summary>
internal static class BucketDocuments
{
    public static Task AccelerateAsync(S3Request request) => EmptyAsync(request, "AccelerateConfiguration");

    public static Task LoggingAsync(S3Request request) => EmptyAsync(request, "BucketLoggingStatus");

    public static Task NotificationAsync(S3Request request) => EmptyAsync(request, "NotificationConfiguration");

    public static async Task RequestPaymentAsync(S3Request request)
    {
        await request.BucketAsync(Permission.Owner);
        await request.WriteAsync(xml => xml.Declaration().Root("RequestPaymentConfiguration").Element("Payer", "BucketOwner").Close());
    }

    private static async Task EmptyAsync(S3Request request, string root)
    {
        await request.BucketAsync(Permission.Owner);
        await request.WriteAsync(xml => xml.Declaration().Root(root).Close());
    }
}
