using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>OPTIONS: a browser asks what it may send. No bucket has a CORS configuration.</summary>
internal static class Preflight
{
    public static Task RunAsync(S3Request request) => throw (request.Header("Origin") is null
        ? S3Error.BadRequest.Because("Insufficient information. Origin request header needed.")
        : S3Error.AccessForbidden.Because("CORSResponse: CORS is not enabled for this bucket."));
}
