using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Predastore.Http.Admin;

namespace Predastore.Host.Admin;

/// <summary>Asks a cluster for an action over HTTPS: the nodes in turn, until one answers.</summary>
internal sealed class AdminClient(TimeProvider time)
{
    private const int AnswerBytesMax = 16 << 20;
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(15);

    /// <summary>An action may take this long on the node that carries it out, unless it says otherwise.</summary>
    public static readonly TimeSpan ActionTimeout = TimeSpan.FromSeconds(60);

    /// <param name="target">Whom to ask, whom to trust and how to sign.</param>
    /// <param name="action">Area and verb.</param>
    /// <param name="changes">
    /// True if it may change something: then only a node that certainly did nothing is followed by the next.
    /// </param>
    /// <param name="timeout">For the answer of one node; one that cannot be connected to within 15 seconds is passed over.</param>
    /// <exception cref="StartupException">It was refused, or nobody answered; one line.</exception>
    public async Task<TAnswer> RunAsync<TRequest, TAnswer>(
        StatusTarget target, string action, bool changes, TRequest request, JsonTypeInfo<TRequest> requestForm,
        JsonTypeInfo<TAnswer> answerForm, TimeSpan timeout, CancellationToken cancel)
    {
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(request, requestForm);
        using SocketsHttpHandler handler = ClusterHttp.CreateHandler(target.CaFile, ConnectTimeout);
        using var http = new HttpClient(handler) { Timeout = timeout, MaxResponseContentBufferSize = AnswerBytesMax };
        var reasons = new List<string>();
        foreach (Uri endpoint in target.Endpoints)
        {
            long began = time.GetTimestamp();
            try
            {
                using HttpRequestMessage message = Sign(target, new Uri(endpoint, "/_/admin/" + action), body);
                using HttpResponseMessage response = await http.SendAsync(message, cancel);
                byte[] answer = await response.Content.ReadAsByteArrayAsync(cancel);
                if (response.IsSuccessStatusCode)
                    return JsonSerializer.Deserialize(answer, answerForm) ?? throw new JsonException("an empty answer");
                string why = MessageOf(answer) ?? $"{(int)response.StatusCode} {response.ReasonPhrase}";
                if (response.StatusCode is not (HttpStatusCode.ServiceUnavailable or HttpStatusCode.Forbidden))
                    throw new StartupException(why, ExitCode.Refused);
                reasons.Add($"{endpoint.Authority}: {why}");
            }
            catch (HttpRequestException error) when (!changes || error.HttpRequestError is HttpRequestError.ConnectionError
                or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError)
            {
                reasons.Add($"{endpoint.Authority}: {error.GetBaseException().Message}");
            }
            catch (Exception error) when (error is HttpRequestException or JsonException
                || (error is TaskCanceledException && !cancel.IsCancellationRequested))
            {
                string why = error is not TaskCanceledException ? error.GetBaseException().Message
                    : time.GetElapsedTime(began) < timeout ? $"no connection within {ConnectTimeout.TotalSeconds:0} s"
                    : $"no answer within {timeout.TotalSeconds:0} s";
                if (changes)
                    throw new StartupException($"{endpoint.Authority}: {why}; it may have been done: look before you repeat it", ExitCode.Unreachable);
                reasons.Add($"{endpoint.Authority}: {why}");
            }
        }

        throw new StartupException($"no node answered ({string.Join("; ", reasons)})", ExitCode.Unreachable);
    }

    private HttpRequestMessage Sign(StatusTarget target, Uri uri, byte[] body)
    {
        var message = new HttpRequestMessage(HttpMethod.Post, uri) { Content = new ByteArrayContent(body) };
        message.Content.Headers.ContentType = new("application/json");
        RequestSigner.Sign(
            message, target.Credentials.AccessKeyId, target.Credentials.SecretAccessKey, target.Region, time.GetUtcNow(), body);
        return message;
    }

    private static string? MessageOf(byte[] answer)
    {
        try
        {
            return JsonSerializer.Deserialize(answer, AdminErrorJson.Default.AdminError)?.Message;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
