using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>What the metadata group or the store refuses, as S3 says it.</summary>
internal static class Results
{
    /// <summary>Throws unless the code is OK.</summary>
    public static void Require(ResultCode code, string message = "")
    {
        if (code != ResultCode.ResultOk)
            throw ErrorOf(code, message);
    }

    /// <summary>The S3 error of a refusal.</summary>
    public static S3Exception ErrorOf(ResultCode code, string message = "")
    {
        S3Error error = code switch
        {
            ResultCode.ResultNoSuchBucket => S3Error.NoSuchBucket,
            ResultCode.ResultBucketExists => S3Error.BucketAlreadyExists,
            ResultCode.ResultBucketOwnedByYou => S3Error.BucketAlreadyOwnedByYou,
            ResultCode.ResultBucketNotEmpty => S3Error.BucketNotEmpty,
            ResultCode.ResultNoSuchKey => S3Error.NoSuchKey,
            ResultCode.ResultNoSuchVersion => S3Error.NoSuchVersion,
            ResultCode.ResultNoSuchUpload => S3Error.NoSuchUpload,
            ResultCode.ResultInvalidPart => S3Error.InvalidPart,
            ResultCode.ResultInvalidPartOrder => S3Error.InvalidPartOrder,
            ResultCode.ResultEntityTooSmall => S3Error.EntityTooSmall,
            ResultCode.ResultEntityTooLarge => S3Error.EntityTooLarge,
            ResultCode.ResultPreconditionFailed => S3Error.PreconditionFailed,
            ResultCode.ResultObjectLocked => S3Error.AccessDenied,
            ResultCode.ResultInvalidState => S3Error.InvalidBucketState,
            ResultCode.ResultInvalidArgument => S3Error.InvalidArgument,
            ResultCode.ResultInvalidRequest => S3Error.InvalidRequest,
            ResultCode.ResultBadDigest => S3Error.BadDigest,
            ResultCode.ResultMethodNotAllowed => S3Error.MethodNotAllowed,
            ResultCode.ResultConflict or ResultCode.ResultRewritten => S3Error.ConditionalRequestConflict,
            ResultCode.ResultStalePlacement => S3Error.ServiceUnavailable,
            _ => S3Error.InternalError,
        };
        return message.Length > 0 && error.Status < 500 ? error.Because(message) : new S3Exception(error);
    }

    /// <summary>The S3 error of a store that cannot answer.</summary>
    public static S3Error ErrorOf(StoreException error) => error.Failure switch
    {
        StoreFailure.Unavailable or StoreFailure.Unknown => S3Error.ServiceUnavailable,
        StoreFailure.Busy => S3Error.SlowDown,
        StoreFailure.Full => S3Error.StorageFull,
        _ => S3Error.InternalError,
    };
}
