using System.Collections.Frozen;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>What carries each action out. An action without a row answers what its route says.</summary>
internal static class OperationTable
{
    private static readonly FrozenDictionary<S3Operation, Func<S3Request, Task>> Table =
        new Dictionary<S3Operation, Func<S3Request, Task>>
        {
            [S3Operation.ListBuckets] = ListBuckets.RunAsync,
            [S3Operation.CreateBucket] = CreateBucket.RunAsync,
            [S3Operation.HeadBucket] = HeadBucket.RunAsync,
            [S3Operation.DeleteBucket] = DeleteBucket.RunAsync,
            [S3Operation.GetBucketLocation] = GetBucketLocation.RunAsync,
            [S3Operation.ListObjects] = ListObjects.RunAsync,
            [S3Operation.ListObjectsV2] = ListObjects.RunV2Async,
            [S3Operation.ListObjectVersions] = ListObjectVersions.RunAsync,
            [S3Operation.ListMultipartUploads] = ListMultipartUploads.RunAsync,
            [S3Operation.DeleteObjects] = DeleteObjects.RunAsync,
            [S3Operation.GetBucketVersioning] = BucketVersioning.GetAsync,
            [S3Operation.PutBucketVersioning] = BucketVersioning.PutAsync,
            [S3Operation.GetBucketTagging] = BucketTagging.GetAsync,
            [S3Operation.PutBucketTagging] = BucketTagging.PutAsync,
            [S3Operation.DeleteBucketTagging] = BucketTagging.DeleteAsync,
            [S3Operation.GetBucketAcl] = BucketAcl.GetAsync,
            [S3Operation.PutBucketAcl] = BucketAcl.PutAsync,
            [S3Operation.GetObjectLockConfiguration] = ObjectLockConfiguration.GetAsync,
            [S3Operation.PutObjectLockConfiguration] = ObjectLockConfiguration.PutAsync,
            [S3Operation.GetBucketAccelerateConfiguration] = BucketDocuments.AccelerateAsync,
            [S3Operation.GetBucketLogging] = BucketDocuments.LoggingAsync,
            [S3Operation.GetBucketNotification] = BucketDocuments.NotificationAsync,
            [S3Operation.GetBucketRequestPayment] = BucketDocuments.RequestPaymentAsync,
            [S3Operation.GetObject] = GetObject.RunAsync,
            [S3Operation.HeadObject] = GetObject.RunAsync,
            [S3Operation.PutObject] = PutObject.RunAsync,
            [S3Operation.CopyObject] = CopyObject.RunAsync,
            [S3Operation.DeleteObject] = DeleteObject.RunAsync,
            [S3Operation.GetObjectAttributes] = GetObjectAttributes.RunAsync,
            [S3Operation.GetObjectTagging] = ObjectTagging.GetAsync,
            [S3Operation.PutObjectTagging] = ObjectTagging.PutAsync,
            [S3Operation.DeleteObjectTagging] = ObjectTagging.DeleteAsync,
            [S3Operation.GetObjectAcl] = ObjectAcl.GetAsync,
            [S3Operation.PutObjectAcl] = ObjectAcl.PutAsync,
            [S3Operation.GetObjectRetention] = ObjectRetention.GetAsync,
            [S3Operation.PutObjectRetention] = ObjectRetention.PutAsync,
            [S3Operation.GetObjectLegalHold] = ObjectLegalHold.GetAsync,
            [S3Operation.PutObjectLegalHold] = ObjectLegalHold.PutAsync,
            [S3Operation.CreateMultipartUpload] = CreateMultipartUpload.RunAsync,
            [S3Operation.UploadPart] = UploadPart.RunAsync,
            [S3Operation.UploadPartCopy] = UploadPart.CopyAsync,
            [S3Operation.CompleteMultipartUpload] = CompleteMultipartUpload.RunAsync,
            [S3Operation.AbortMultipartUpload] = AbortMultipartUpload.RunAsync,
            [S3Operation.ListParts] = ListParts.RunAsync,
            [S3Operation.Preflight] = Preflight.RunAsync,
        }.ToFrozenDictionary();

    /// <summary>Carries the request out.</summary>
    /// <exception cref="S3Exception">Also where the action is recognised and not implemented: never another document.</exception>
    public static async Task RunAsync(S3Request request)
    {
        await Access.RequireExpectedOwnerAsync(request);
        if (request.Key.Length > 0)
            ServerSideEncryption.Require(request);
        if (Table.TryGetValue(request.Route.Operation, out Func<S3Request, Task>? run))
        {
            await run(request);
            return;
        }

        // Whoever may not ask learns nothing of what is missing.
        await request.BucketAsync(Permission.Owner);
        throw new S3Exception(request.Route.Missing ?? S3Error.NotImplemented);
    }
}
