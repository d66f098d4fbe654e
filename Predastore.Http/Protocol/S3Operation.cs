namespace Predastore.Http.Protocol;

/// <summary>Every S3 action that is recognised. One without a handler answers what its route says: never another document.</summary>
public enum S3Operation
{
    None = 0,

    // Service.
    ListBuckets,

    // Buckets.
    CreateBucket,
    HeadBucket,
    DeleteBucket,
    GetBucketLocation,
    ListObjects,
    ListObjectsV2,
    ListObjectVersions,
    ListMultipartUploads,
    DeleteObjects,
    GetBucketVersioning,
    PutBucketVersioning,
    GetBucketTagging,
    PutBucketTagging,
    DeleteBucketTagging,
    GetBucketAcl,
    PutBucketAcl,
    GetObjectLockConfiguration,
    PutObjectLockConfiguration,
    GetBucketPolicyStatus,
    GetBucketAccelerateConfiguration,
    GetBucketLogging,
    GetBucketNotification,
    GetBucketRequestPayment,
    PostObject,
    BucketSubresource,

    // Objects.
    GetObject,
    HeadObject,
    PutObject,
    CopyObject,
    DeleteObject,
    GetObjectAttributes,
    GetObjectTagging,
    PutObjectTagging,
    DeleteObjectTagging,
    GetObjectAcl,
    PutObjectAcl,
    GetObjectRetention,
    PutObjectRetention,
    GetObjectLegalHold,
    PutObjectLegalHold,
    CreateMultipartUpload,
    UploadPart,
    UploadPartCopy,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListParts,
    ObjectSubresource,

    // Browsers.
    Preflight,
}
