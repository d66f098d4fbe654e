using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Predastore.Actors.Metadata;
using Predastore.Http.Auth;
using Predastore.Http.Protocol;

namespace Predastore.Http.Admin;

/// <summary>
/// The HTTP door to cluster management: <c>POST /_/admin/AREA/VERB</c>, or GET for an action that changes nothing and takes nothing. Both
/// are signed in the Authorization header, the body included, by an account of the cluster file.
/// </summary>
internal sealed class AdminDoor(AdminActions actions, Authenticator authenticator)
{
    /// <summary>Everything below it is this door's.</summary>
    public const string Prefix = "/_/admin/";

    /// <summary>Largest request body, in bytes.</summary>
    public const int BodyBytesMax = 64 << 10;

    /// <summary>Answers a request.</summary>
    /// <exception cref="S3Exception">
    /// AccessDenied for whoever may not ask, whatever the reason and whether or not there is such an action.
    /// </exception>
    public async Task HandleAsync(HttpContext http, string raw)
    {
        AuthResult caller = Authorise(http, raw);
        try
        {
            AdminAction action = actions.Find(RawTarget.Parse(raw).Path[Prefix.Length..])
                ?? throw new AdminException(AdminFault.NotFound, $"There is no such action; there are: {string.Join(", ", actions.Names)}.");
            byte[] answer = await action.RunAsync(await ReadAsync(http.Request, caller, action), http.RequestAborted);
            await WriteAsync(http.Response, StatusCodes.Status200OK, answer);
        }
        catch (AdminException error)
        {
            var document = new AdminError(error.Fault.ToString().ToLowerInvariant(), error.Message);
            await WriteAsync(
                http.Response, (int)error.Fault, JsonSerializer.SerializeToUtf8Bytes(document, AdminErrorJson.Default.AdminError));
        }
    }

    private AuthResult Authorise(HttpContext http, string raw)
    {
        AuthResult caller;
        try
        {
            caller = authenticator.Authenticate(http.Request.Method, RawTarget.Parse(raw), http.Request.Headers);
        }
        catch (S3Exception error) when (error.Error.Code != S3Error.RequestTimeTooSkewed.Code)
        {
            // One answer for an unknown key, a wrong signature and a wrong region: nothing is learned by trying.
            throw new S3Exception(S3Error.AccessDenied);
        }

        // A presigned URL is made to be passed on, and an unsigned body can be another one than was meant.
        if (caller.Account is not { IsAdmin: true } || caller is not { Mode: AuthMode.Header, Payload: PayloadMode.Signed })
            throw new S3Exception(S3Error.AccessDenied);
        return caller;
    }

    private static async Task<byte[]> ReadAsync(HttpRequest request, AuthResult caller, AdminAction action)
    {
        bool reads = HttpMethods.IsGet(request.Method);
        if (!HttpMethods.IsPost(request.Method) && (!reads || action.Changes))
            throw new AdminException(AdminFault.Invalid, $"{action.Name} is asked for with POST{(action.Changes ? "" : " or GET")}.");
        if (reads || request.ContentLength == 0)
        {
            BodyHeaders.RequireEmpty(caller);
            return [];
        }

        if (request.ContentLength is null or > BodyBytesMax)
            throw new AdminException(AdminFault.Invalid, $"The body must have a Content-Length of at most {BodyBytesMax} bytes.");
        BodyExpectations expected = BodyHeaders.Read(
            request, caller, ChecksumAlgorithm.ChecksumNone, BodyBytesMax);
        await using VerifiedBody body = BodyHeaders.Open(request, caller, expected);
        using var document = new MemoryStream();
        await body.CopyToAsync(document, request.HttpContext.RequestAborted);
        return document.ToArray();
    }

    private static async Task WriteAsync(HttpResponse response, int status, byte[] json)
    {
        response.StatusCode = status;
        response.ContentType = "application/json";
        response.ContentLength = json.Length;
        await response.Body.WriteAsync(json, response.HttpContext.RequestAborted);
    }
}
