namespace Predastore.Http.Protocol;

/// <summary>One row of the S3 error catalogue. Source: Amazon S3 API reference, "Error responses".</summary>
/// <param name="Code">What clients switch on.</param>
/// <param name="Status">HTTP status.</param>
/// <param name="Message">For people.</param>
public sealed record S3Error(string Code, int Status, string Message)
{
    public static readonly S3Error AccessControlListNotSupported = new("AccessControlListNotSupported", 400, "The bucket does not allow ACLs.");
    public static readonly S3Error AccessDenied = new("AccessDenied", 403, "Access Denied");
    public static readonly S3Error AccessForbidden = new("AccessForbidden", 403, "The request is not allowed by the CORS configuration.");
    public static readonly S3Error AuthorizationHeaderMalformed = new("AuthorizationHeaderMalformed", 400, "The authorization header is malformed.");
    public static readonly S3Error AuthorizationQueryParametersError = new("AuthorizationQueryParametersError", 400, "The authorization query parameters are malformed.");
    public static readonly S3Error BadDigest = new("BadDigest", 400, "The digest you specified did not match what was received.");
    public static readonly S3Error BadRequest = new("BadRequest", 400, "The request is not valid.");
    public static readonly S3Error BucketAlreadyExists = new("BucketAlreadyExists", 409, "The bucket name is taken by another account.");
    public static readonly S3Error BucketAlreadyOwnedByYou = new("BucketAlreadyOwnedByYou", 409, "The bucket exists and you own it.");
    public static readonly S3Error BucketNotEmpty = new("BucketNotEmpty", 409, "The bucket is not empty.");
    public static readonly S3Error ConditionalRequestConflict = new("ConditionalRequestConflict", 409, "A conflicting operation ran during this request. Try again.");
    public static readonly S3Error EntityTooLarge = new("EntityTooLarge", 400, "The upload is larger than the largest allowed object.");
    public static readonly S3Error EntityTooSmall = new("EntityTooSmall", 400, "A part other than the last is smaller than the smallest allowed part.");
    public static readonly S3Error IllegalLocationConstraint = new("IllegalLocationConstraintException", 400, "The location constraint is not valid for this region.");
    public static readonly S3Error IllegalVersioningConfiguration = new("IllegalVersioningConfigurationException", 400, "The Versioning element must be specified");
    public static readonly S3Error IncompleteBody = new("IncompleteBody", 400, "The body does not have the number of bytes that the headers declare.");
    public static readonly S3Error InternalError = new("InternalError", 500, "We encountered an internal error. Please try again.");
    public static readonly S3Error InvalidAccessKeyId = new("InvalidAccessKeyId", 403, "The access key id does not exist in our records.");
    public static readonly S3Error InvalidArgument = new("InvalidArgument", 400, "Invalid Argument");
    public static readonly S3Error InvalidBucketName = new("InvalidBucketName", 400, "The specified bucket is not valid.");
    public static readonly S3Error InvalidBucketState = new("InvalidBucketState", 409, "The request is not valid for the current state of the bucket.");
    public static readonly S3Error InvalidChunkSize = new("InvalidChunkSizeError", 400, "Only the last chunk may be smaller than 8192 bytes.");
    public static readonly S3Error InvalidDigest = new("InvalidDigest", 400, "The Content-MD5 or checksum you specified is not valid.");
    public static readonly S3Error InvalidPart = new("InvalidPart", 400, "A part could not be found, or its entity tag does not match.");
    public static readonly S3Error InvalidPartNumber = new("InvalidPartNumber", 416, "The requested part number is not satisfiable.");
    public static readonly S3Error InvalidPartOrder = new("InvalidPartOrder", 400, "The list of parts is not in ascending order of part number.");
    public static readonly S3Error InvalidRange = new("InvalidRange", 416, "The requested range is not satisfiable.");
    public static readonly S3Error InvalidRequest = new("InvalidRequest", 400, "Invalid Request");
    public static readonly S3Error InvalidRetentionPeriod = new("InvalidRetentionPeriod", 400, "The retention period is not valid.");
    public static readonly S3Error InvalidStorageClass = new("InvalidStorageClass", 400, "The storage class you specified is not valid.");
    public static readonly S3Error InvalidTag = new("InvalidTag", 400, "A tag key or value is not valid.");
    public static readonly S3Error InvalidToken = new("InvalidToken", 400, "The provided token is malformed or otherwise invalid.");
    public static readonly S3Error InvalidUri = new("InvalidURI", 400, "The request target could not be parsed.");
    public static readonly S3Error KeyTooLong = new("KeyTooLongError", 400, "The key is longer than 1024 bytes.");
    public static readonly S3Error MalformedAcl = new("MalformedACLError", 400, "The XML you provided was not well-formed or did not validate against our published schema");
    public static readonly S3Error MalformedTrailer = new("MalformedTrailerError", 400, "The request contained trailing data that was not well-formed or did not conform to its declaration.");
    public static readonly S3Error MalformedXml = new("MalformedXML", 400, "The XML you provided was not well-formed or did not validate against our published schema.");
    public static readonly S3Error MetadataTooLarge = new("MetadataTooLarge", 400, "The metadata headers are larger than 2 KB.");
    public static readonly S3Error MethodNotAllowed = new("MethodNotAllowed", 405, "The specified method is not allowed against this resource.");
    public static readonly S3Error MissingContentLength = new("MissingContentLength", 411, "You must provide the Content-Length HTTP header.");
    public static readonly S3Error MissingRequestBody = new("MissingRequestBodyError", 400, "The request body is empty.");
    public static readonly S3Error MissingSecurityHeader = new("MissingSecurityHeader", 400, "Your request was missing a required header");
    public static readonly S3Error NoSuchBucket = new("NoSuchBucket", 404, "The specified bucket does not exist.");
    public static readonly S3Error NoSuchBucketPolicy = new("NoSuchBucketPolicy", 404, "The bucket policy does not exist.");
    public static readonly S3Error NoSuchCorsConfiguration = new("NoSuchCORSConfiguration", 404, "The CORS configuration does not exist.");
    public static readonly S3Error NoSuchEncryptionConfiguration = new("ServerSideEncryptionConfigurationNotFoundError", 404, "The server side encryption configuration was not found.");
    public static readonly S3Error NoSuchKey = new("NoSuchKey", 404, "The specified key does not exist.");
    public static readonly S3Error NoSuchLifecycleConfiguration = new("NoSuchLifecycleConfiguration", 404, "The lifecycle configuration does not exist.");
    public static readonly S3Error NoSuchObjectLockConfiguration = new("NoSuchObjectLockConfiguration", 404, "The specified object does not have an object lock configuration.");
    public static readonly S3Error NoSuchOwnershipControls = new("OwnershipControlsNotFoundError", 404, "The bucket ownership controls were not found.");
    public static readonly S3Error NoSuchPublicAccessBlock = new("NoSuchPublicAccessBlockConfiguration", 404, "The public access block configuration was not found.");
    public static readonly S3Error NoSuchReplicationConfiguration = new("ReplicationConfigurationNotFoundError", 404, "The replication configuration was not found.");
    public static readonly S3Error NoSuchTagSet = new("NoSuchTagSet", 404, "The TagSet does not exist.");
    public static readonly S3Error NoSuchUpload = new("NoSuchUpload", 404, "The specified upload does not exist. The upload id may be invalid, or the upload may have been aborted or completed.");
    public static readonly S3Error NoSuchVersion = new("NoSuchVersion", 404, "The specified version does not exist.");
    public static readonly S3Error NoSuchWebsiteConfiguration = new("NoSuchWebsiteConfiguration", 404, "The specified bucket does not have a website configuration.");
    public static readonly S3Error NotImplemented = new("NotImplemented", 501, "A header or query you provided implies functionality that is not implemented.");
    public static readonly S3Error ObjectLockConfigurationNotFound = new("ObjectLockConfigurationNotFoundError", 404, "Object Lock configuration does not exist for this bucket.");
    public static readonly S3Error PreconditionFailed = new("PreconditionFailed", 412, "At least one of the preconditions you specified did not hold.");
    public static readonly S3Error RequestHeaderSectionTooLarge = new("RequestHeaderSectionTooLarge", 400, "The request headers are larger than allowed.");
    public static readonly S3Error RequestTimeout = new("RequestTimeout", 400, "The connection was idle for too long while the body was read.");
    public static readonly S3Error RequestTimeTooSkewed = new("RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large.");
    public static readonly S3Error ServiceUnavailable = new("ServiceUnavailable", 503, "The cluster cannot answer right now. Try again.");
    public static readonly S3Error SignatureDoesNotMatch = new("SignatureDoesNotMatch", 403, "The request signature we calculated does not match the signature you provided.");
    public static readonly S3Error SlowDown = new("SlowDown", 503, "Please reduce your request rate.");
    public static readonly S3Error StorageFull = new("InsufficientStorage", 507, "The cluster is out of space.");
    public static readonly S3Error TooManyBuckets = new("TooManyBuckets", 400, "You have as many buckets as are allowed.");
    public static readonly S3Error UnexpectedContent = new("UnexpectedContent", 400, "This request does not support content");
    public static readonly S3Error UnresolvableGrantByEmail = new("UnresolvableGrantByEmailAddress", 400, "The e-mail address you provided does not match any account on record.");
    public static readonly S3Error XAmzContentSha256Mismatch = new("XAmzContentSHA256Mismatch", 400, "The provided 'x-amz-content-sha256' header does not match what was computed.");

    /// <summary>An exception with this error and its own message.</summary>
    public S3Exception Because(string message) => new(this with { Message = message });

    /// <summary>An exception with this error and one more element in its document.</summary>
    public S3Exception With(string element, string value, string? message = null)
        => new(message is null ? this : this with { Message = message }, [new(element, value)]);
}
