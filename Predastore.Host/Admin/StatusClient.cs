using System.Text.Json;
using Predastore.Host.Config;
using Predastore.Http.Admin;

namespace Predastore.Host.Admin;

/// <summary>Asks a cluster for its status over HTTPS: the nodes in turn, until one answers.</summary>
internal sealed class StatusClient(TimeProvider time)
{
    /// <summary>One node may take this long before the next is asked.</summary>
    public static readonly TimeSpan NodeTimeout = TimeSpan.FromSeconds(5);

    private const int AnswerBytesMax = 16 << 20;

    /// <param name="endpoints">Base addresses, asked in order.</param>
    /// <param name="caFile">PEM file of the CA that signs the endpoints; null for the operating system's.</param>
    /// <exception cref="StartupException">No endpoint gave an answer; the line has each reason.</exception>
    public async Task<ClusterStatus> GetAsync(
        IReadOnlyList<Uri> endpoints, string? caFile, string region, AuthEntry credentials, CancellationToken cancellation)
    {
        using SocketsHttpHandler handler = ClusterHttp.CreateHandler(caFile, NodeTimeout);
        using var http = new HttpClient(handler) { Timeout = NodeTimeout, MaxResponseContentBufferSize = AnswerBytesMax };
        var reasons = new List<string>();
        foreach (Uri endpoint in endpoints)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(endpoint, "/_/status"));
            RequestSigner.Sign(request, credentials.AccessKeyId, credentials.SecretAccessKey, region, time.GetUtcNow());
            try
            {
                using HttpResponseMessage response = await http.SendAsync(request, cancellation);
                if (!response.IsSuccessStatusCode)
                {
                    reasons.Add($"{endpoint.Authority}: {(int)response.StatusCode} {response.ReasonPhrase}");
                    continue;
                }
                await using Stream body = await response.Content.ReadAsStreamAsync(cancellation);
                return await JsonSerializer.DeserializeAsync(body, ClusterStatusJson.Default.ClusterStatus, cancellation)
                    ?? throw new JsonException("an empty answer");
            }
            catch (Exception e) when (e is HttpRequestException or JsonException or TaskCanceledException && !cancellation.IsCancellationRequested)
            {
                reasons.Add($"{endpoint.Authority}: {(e is TaskCanceledException ? $"no answer within {NodeTimeout.TotalSeconds:0} s" : e.GetBaseException().Message)}");
            }
        }
        throw new StartupException($"no node answered ({string.Join("; ", reasons)})", ExitCode.Unreachable);
    }
}
