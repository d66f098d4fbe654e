using Microsoft.Extensions.Logging;
using Predastore.Actors.Client;

namespace Predastore.Http.Hosting;

/// <summary>What the S3 door says. Never a header, a query or a body: they hold signatures and data.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Warning, "Request {Id}: the cluster could not answer ({Failure}): {Why}")]
    public static partial void StoreFailed(ILogger log, string id, StoreFailure failure, string why);

    [LoggerMessage(2, LogLevel.Error, "Request {Id} failed")]
    public static partial void Failed(ILogger log, string id, Exception error);
}
