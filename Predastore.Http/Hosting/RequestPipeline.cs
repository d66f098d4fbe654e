using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Client;
using Predastore.Http.Admin;
using Predastore.Http.Auth;
using Predastore.Http.Operations;
using Predastore.Http.Protocol;

namespace Predastore.Http.Hosting;

/// <summary>
/// What happens to every request: an id, an identity, a route, an operation, and one place where errors become documents.
/// </summary>
internal sealed class RequestPipeline
{
    private const string InternalPrefix = "/_/";
    private const string IdHeader = "x-amz-request-id";

    private readonly S3EndpointOptions _options;
    private readonly ILogger _log;
    private readonly Authenticator _authenticator;
    private readonly AdminDoor _admin;

    public RequestPipeline(S3EndpointOptions options)
    {
        _options = options;
        _log = options.Loggers.CreateLogger<RequestPipeline>();
        _authenticator = new Authenticator(options.Accounts, options.Region, options.Time);
        _admin = new AdminDoor(options.Admin, _authenticator);
    }

    public async Task HandleAsync(HttpContext http)
    {
        string id = Convert.ToHexString(RandomNumberGenerator.GetBytes(8));
        http.Response.Headers[IdHeader] = id;
        http.Response.Headers["x-amz-id-2"] = id;
        http.Response.Headers.Server = "Predastore";
        string raw = http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        try
        {
            if (raw.StartsWith(InternalPrefix, StringComparison.Ordinal))
                await InternalAsync(http, raw);
            else
                await ServeAsync(http, raw, id);
        }
        catch (Exception error)
        {
            await FailAsync(http, raw, id, error);
        }
    }

    private async Task ServeAsync(HttpContext http, string raw, string id)
    {
        RawTarget target = RawTarget.Parse(raw);
        ResourceName name = ResourceName.From(target, http.Request.Host.Value ?? "", _options.Domains);
        Route route = Routes.Find(http.Request.Method, name, target, http.Request.Headers);

        // Browsers sign no preflight; a presigned URL in one is signed for another method.
        AuthResult auth = route.Operation == S3Operation.Preflight
            ? AuthResult.Anonymous
            : _authenticator.Authenticate(
                http.Request.Method, target, http.Request.Headers, anyRegion: route.Operation == S3Operation.ListBuckets);
        if (!_options.Health.IsReady)
            throw new S3Exception(S3Error.ServiceUnavailable);
        await OperationTable.RunAsync(new S3Request
        {
            Http = http,
            Target = target,
            Name = name,
            Route = route,
            Auth = auth,
            Store = _options.Store,
            Accounts = _options.Accounts,
            Region = _options.Region,
            Time = _options.Time,
            RequestId = id,
        });
    }

    private async Task InternalAsync(HttpContext http, string raw)
    {
        string path = raw.Split('?')[0];
        if (path.StartsWith(AdminDoor.Prefix, StringComparison.Ordinal))
        {
            await _admin.HandleAsync(http, raw);
            return;
        }

        switch (path)
        {
            case "/_/health/live":
                http.Response.StatusCode = StatusCodes.Status200OK;
                return;
            case "/_/health/ready":
                http.Response.StatusCode = _options.Health.IsReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
                return;
            case "/_/status":
                AuthResult auth = _authenticator.Authenticate(
                    http.Request.Method, RawTarget.Parse(raw), http.Request.Headers);
                if (auth.Account is not { IsAdmin: true })
                    throw new S3Exception(S3Error.AccessDenied);
                ClusterStatus status = await _options.Health.StatusAsync(http.RequestAborted);
                http.Response.ContentType = "application/json";
                await JsonSerializer.SerializeAsync(
                    http.Response.Body, status, ClusterStatusJson.Default.ClusterStatus, http.RequestAborted);
                return;
            default:
                throw new S3Exception(S3Error.AccessDenied);
        }
    }

    private async Task FailAsync(HttpContext http, string raw, string id, Exception error)
    {
        if (http.RequestAborted.IsCancellationRequested || error is ConnectionAbortedException or ConnectionResetException)
        {
            http.Abort();
            return;
        }

        S3Exception answer = Translate(id, error);
        if (http.Response.HasStarted)
        {
            // A short body must not look like a whole one.
            http.Abort();
            return;
        }

        http.Response.StatusCode = answer.Error.Status;
        http.Response.ContentLength = null;
        http.Response.Headers.Remove("ETag");

        // Whoever waits for 100-continue may or may not send the body after a refusal: its bytes could be taken for the next request.
        if (HttpProtocol.IsHttp11(http.Request.Protocol) && http.Request.Headers.Expect.Count > 0)
            http.Response.Headers.Connection = "close";
        if (answer.Error.Status >= 500)
            http.Response.Headers.RetryAfter = "1";
        if (HttpMethods.IsHead(http.Request.Method) || answer.Error.Status == StatusCodes.Status304NotModified)
            return;
        http.Response.ContentType = ErrorDocument.ContentType;
        ErrorDocument.Write(http.Response.BodyWriter, answer, raw.Split('?')[0], id, id);
        await http.Response.BodyWriter.FlushAsync();
    }

    private S3Exception Translate(string id, Exception error)
    {
        switch (error)
        {
            case S3Exception known:
                return known;
            case StoreException store:
                Log.StoreFailed(_log, id, store.Failure, store.Message);
                return new S3Exception(Operations.Results.ErrorOf(store));
            case BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout }:
                return new S3Exception(S3Error.RequestTimeout);
            case BadHttpRequestException { StatusCode: StatusCodes.Status431RequestHeaderFieldsTooLarge }:
                return new S3Exception(S3Error.RequestHeaderSectionTooLarge);
            case BadHttpRequestException:
                return new S3Exception(S3Error.IncompleteBody);
            default:
                Log.Failed(_log, id, error);
                return new S3Exception(S3Error.InternalError);
        }
    }
}
