namespace Predastore.Host.Admin;

/// <summary>Polls <c>/_/health/ready</c> of nodes until all answer 200.</summary>
internal sealed class ReadyClient(TimeProvider time)
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Every node is asked at least once: a short time must not be over before a slow machine has put its first question.</summary>
    /// <returns>The endpoints that were not ready when the time was over, with the last reason of each; empty when all are.</returns>
    public async Task<IReadOnlyList<string>> WaitAsync(
        IReadOnlyList<Uri> endpoints, string? caFile, TimeSpan timeout, CancellationToken cancellation)
    {
        using SocketsHttpHandler handler = ClusterHttp.CreateHandler(caFile, AnswerTimeout);
        using var http = new HttpClient(handler) { Timeout = AnswerTimeout };
        using var over = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, over.Token);
        string?[] reasons = await Task.WhenAll(endpoints.Select(endpoint => WaitOneAsync(http, endpoint, either.Token, cancellation)));
        cancellation.ThrowIfCancellationRequested();
        return [.. reasons.OfType<string>()];
    }

    private async Task<string?> WaitOneAsync(
        HttpClient http, Uri endpoint, CancellationToken over, CancellationToken cancellation)
    {
        string reason = "not asked yet";
        while (true)
        {
            try
            {
                using HttpResponseMessage response = await http.GetAsync(new Uri(endpoint, "/_/health/ready"), cancellation);
                if (response.IsSuccessStatusCode)
                    return null;
                reason = $"{(int)response.StatusCode} {response.ReasonPhrase}";
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                if (!cancellation.IsCancellationRequested)
                    reason = e is TaskCanceledException ? $"no answer within {AnswerTimeout.TotalSeconds:0} s" : e.GetBaseException().Message;
            }
            try
            {
                await Task.Delay(Poll, time, over);
            }
            catch (OperationCanceledException)
            {
                return $"{endpoint.Authority}: {reason}";
            }
        }
    }
}
