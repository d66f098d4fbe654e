using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Predastore.Benchmarks.Load;

/// <summary>
/// The least S3 client that can make load: path-style PUT and GET with Signature V4 and an unsigned payload, so that the server and
/// not this program is measured. Credentials come from the variables of the AWS tools.
/// </summary>
internal sealed class S3LoadClient : IDisposable
{
    private const string PayloadHash = "UNSIGNED-PAYLOAD";
    private const string SignedHeaders = "host;x-amz-content-sha256;x-amz-date";
    private readonly HttpClient _http;
    private readonly string _key = Variable("AWS_ACCESS_KEY_ID");
    private readonly string _secret = Variable("AWS_SECRET_ACCESS_KEY");
    private readonly string _region = Variable("AWS_DEFAULT_REGION");

    public S3LoadClient(string? caFile)
    {
        var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false };
        if (caFile is not null)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPemFile(caFile);
            handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
        }
        _http = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(60) };
    }

    public void Dispose() => _http.Dispose();

    /// <summary>PUT of an object, or of a bucket where the path has one segment.</summary>
    /// <exception cref="HttpRequestException">The answer is no success.</exception>
    public async Task PutAsync(Uri endpoint, string path, ReadOnlyMemory<byte> body)
    {
        using HttpRequestMessage request = Sign(HttpMethod.Put, new Uri(endpoint, path));
        request.Content = new ReadOnlyMemoryContent(body);
        using HttpResponseMessage response = await _http.SendAsync(request);
        await ThrowUnlessSuccessAsync(response);
    }

    /// <summary>GET of an object; its bytes are read and dropped.</summary>
    /// <returns>The number of bytes.</returns>
    public async Task<long> GetAsync(Uri endpoint, string path, Memory<byte> buffer)
    {
        using HttpRequestMessage request = Sign(HttpMethod.Get, new Uri(endpoint, path));
        using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await ThrowUnlessSuccessAsync(response);
        await using Stream body = await response.Content.ReadAsStreamAsync();
        long total = 0;
        for (int read; (read = await body.ReadAsync(buffer)) > 0;)
            total += read;
        return total;
    }

    private static async Task ThrowUnlessSuccessAsync(HttpResponseMessage response)
    {
        if (!response.IsSuccessStatusCode)
            throw new HttpRequestException($"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
    }

    private HttpRequestMessage Sign(HttpMethod method, Uri uri)
    {
        string time = DateTime.UtcNow.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        string canonical =
            $"{method.Method}\n{uri.AbsolutePath}\n\nhost:{uri.Authority}\nx-amz-content-sha256:{PayloadHash}\nx-amz-date:{time}\n\n{SignedHeaders}\n{PayloadHash}";
        string scope = $"{time[..8]}/{_region}/s3/aws4_request";
        string toSign = $"AWS4-HMAC-SHA256\n{time}\n{scope}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        byte[] key = Encoding.UTF8.GetBytes("AWS4" + _secret);
        foreach (string part in scope.Split('/'))
            key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        string signature = Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(toSign)));
        var request = new HttpRequestMessage(method, uri);
        request.Headers.Host = uri.Authority;
        request.Headers.Add("x-amz-date", time);
        request.Headers.Add("x-amz-content-sha256", PayloadHash);
        request.Headers.TryAddWithoutValidation(
            "Authorization", $"AWS4-HMAC-SHA256 Credential={_key}/{scope}, SignedHeaders={SignedHeaders}, Signature={signature}");
        return request;
    }

    private static string Variable(string name) =>
        Environment.GetEnvironmentVariable(name) ?? throw new ArgumentException($"{name} is not set");
}
