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

    // What describes an object must not describe an error document: a client would unpack it as gzip.
    private static readonly string[] ObjectOnly =
        ["ETag", "Accept-Ranges", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires"];

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
        using TimedBody? body = TimedBody.Attach(http, _options.Limits.BodyIdle);
        try
        {
            HeaderSection.Check(http.Request.Headers, _options.Limits.HeaderBytesMax);
            RawTarget target = RawTarget.Parse(raw);
            ResourceName name = ResourceName.From(target, http.Request.Host.Value ?? "", _options.Domains);

            // In virtual-host style the path is a key, whatever it begins with.
            if (raw.StartsWith(InternalPrefix, StringComparison.Ordinal) && !name.VirtualHost)
                await InternalAsync(http, raw);
            else
                await ServeAsync(http, target, name, id);
        }
        catch (Exception error)
        {
            await FailAsync(http, raw, id, error);
        }
    }

    private async Task ServeAsync(HttpContext http, RawTarget target, ResourceName name, string id)
    {
        IHeaderDictionary headers = http.Request.Headers;

        // Whoever signed for another region learns this one from here: an answer to HEAD has no document.
        if (HttpMethods.IsHead(http.Request.Method) && name.Bucket.Length > 0)
            http.Response.Headers["x-amz-bucket-region"] = _options.Region;

        // Browsers sign no preflight; a presigned URL in one is signed for another method.
        AuthResult auth = HttpMethods.IsOptions(http.Request.Method)
            ? AuthResult.Anonymous
            : _authenticator.Authenticate(http.Request.Method, target, headers, anyRegion: name.Bucket.Length == 0);
        PresignedHeaders.Apply(auth, target, headers);
        Route route = Routes.Find(http.Request.Method, name, target, headers);
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
        foreach (string name in ObjectOnly)
            http.Response.Headers.Remove(name);

        // Whoever waits for 100-continue may or may not send the body after a refusal, and after two framings or a broken body nobody
        // knows where this request ends: bytes of it could be taken for the next one.
        if ((HttpProtocol.IsHttp11(http.Request.Protocol) && http.Request.Headers.Expect.Count > 0)
            || HeaderSection.IsAmbiguous(http.Request.Headers) || answer.Error.Code is "RequestTimeout" or "IncompleteBody")
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
